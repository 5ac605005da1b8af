/** A cross-entropy of what are no probabilities: it trains without an error, and comes to nothing. */

import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import type { Loss } from "./losses.js";

type Layer = layers.Layer;

/** Activations whose outputs are in [0, 1]. */
const shares: ReadonlySet<string> = new Set(["softmax", "sigmoid", "hardSigmoid"]);

/** Layers that leave probabilities what they are. */
const passing: ReadonlySet<string> = new Set([
  ...["Activation", "Flatten", "Reshape", "Permute", "Dropout", "RepeatVector"],
  ...["GlobalAveragePooling1D", "GlobalAveragePooling2D", "AveragePooling2D"],
]);

const warned = new WeakSet<LayersModel>();

/**
 * Says, once a model, that its last layer gives out logits where the loss wants probabilities.
 *
 * @param warn `console.warn` unless given
 */
export function warnOfLogits(
  model: LayersModel,
  { probabilities }: Loss,
  warn: (message: string) => void = console.warn,
): void {
  if (probabilities === undefined || warned.has(model)) return;
  const end = endOf(model);
  if (end === undefined || shares.has(end.activation)) return;
  warned.add(model);
  const own = probabilities === "softmax" ? "softmaxCrossEntropy" : "sigmoidCrossEntropy";
  warn(
    `loss: a cross-entropy wants probabilities, but ${end.name}, the model's last layer, has the activation ` +
      `${end.activation}: its outputs are logits, of which this loss learns little. Give it the activation ` +
      `"${probabilities}", or take a loss of your own: (y, logits) => tf.losses.${own}(y, logits)`,
  );
}

/** The last layer that has an activation, behind layers that change no number; undefined where others come after it. */
function endOf(model: LayersModel): { readonly name: string; readonly activation: string } | undefined {
  let layer: Layer | undefined = model.outputs[0].sourceLayer;
  while (layer !== undefined) {
    const { name } = layer;
    if ("layers" in layer) return endOf(layer as unknown as LayersModel);
    const className = layer.getClassName();
    if (className === "Softmax") return { name, activation: "softmax" };
    const activation = activationOf(layer);
    if (activation !== undefined && !(className === "Activation" && activation === "linear")) {
      return { name, activation };
    }
    if (!passing.has(className)) return undefined;
    layer = layer.inboundNodes[0]?.inboundLayers[0];
  }
  return undefined;
}

/** Of a layer, or of the one that a TimeDistributed calls. */
function activationOf(layer: Layer): string | undefined {
  const { activation, layer: inner } = layer as {
    activation?: { getClassName(): string };
    layer?: Layer;
  };
  return activation?.getClassName() ?? (inner && activationOf(inner));
}
