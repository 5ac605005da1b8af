/** One forward pass that gives the model's output and those of the layers in it that are asked for. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, SymbolicTensor } from "@tensorflow/tfjs-layers";
import type { Noise } from "./noise.js";
import type { StepPart } from "./step.js";

export interface Pass {
  readonly output: tf.Tensor;
  activation(layer: string): tf.Tensor;
  /** What the regularizers add to the loss. */
  penalties(): tf.Tensor[];
}

export type Forward = (x: tf.Tensor, training: boolean) => Pass;

/**
 * @param model with one output
 * @param layers whose outputs are wanted too, names of layers of the model itself, not of a nested one
 * @param parts run the pass, the first of them outermost
 * @param noise seeds the dropout of passes that train
 * @throws RangeError for a name that is no layer's, or the name of one that is used several times
 */
export function openForward(
  model: LayersModel,
  layers: readonly string[],
  parts: readonly StepPart[],
  noise: Noise,
): Forward {
  const inner = layers.length > 0 ? outputsByLayer(model) : new Map<string, SymbolicTensor[]>();
  const named = new Map(layers.map((layer) => [layer, outputOf(layer, inner)]));
  const outputs = [...new Set([model.outputs[0], ...named.values()])];
  const source = outputs.length > 1 ? withOutputs(model, outputs) : model;

  return (x, training) => {
    const apply = () => [source.apply(x, { training })].flat() as tf.Tensor[];
    const seeded = training ? () => noise.during(apply) : apply;
    const run = parts.reduceRight<() => tf.Tensor[]>(
      (forward, part) => (part.around ? () => part.around?.(forward, training) as tf.Tensor[] : forward),
      seeded,
    );
    const values = run();
    return {
      output: values[0],
      activation: (layer) => {
        const symbol = named.get(layer);
        if (!symbol) throw new RangeError(`activation: wanted a layer that the term names, got ${layer}`);
        return values[outputs.indexOf(symbol)];
      },
      // Of the model that ran: a Sequential knows its regularizers only once it has run itself.
      penalties: () => source.calculateLosses(),
    };
  };
}

/**
 * What a layer of the model itself gives in it.
 *
 * @throws RangeError for a name that is no layer's, or the name of one that is used several times
 */
export function layerOutput(model: LayersModel, layer: string): SymbolicTensor {
  return outputOf(layer, outputsByLayer(model));
}

/** What the layers give in this model, by name, found from its end: a layer may be part of other models too. */
export function outputsByLayer(model: LayersModel): Map<string, SymbolicTensor[]> {
  const found = new Map<string, SymbolicTensor[]>();
  const seen = new Set<SymbolicTensor>();
  const waiting = [...model.outputs];
  for (let tensor = waiting.pop(); tensor; tensor = waiting.pop()) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    const { name } = tensor.sourceLayer;
    found.set(name, [...(found.get(name) ?? []), tensor]);
    waiting.push(...tensor.inputs);
  }
  return found;
}

export function outputOf(
  layer: string,
  inner: ReadonlyMap<string, readonly SymbolicTensor[]>,
): SymbolicTensor {
  const tensors = inner.get(layer);
  if (!tensors) {
    throw new RangeError(`layers: wanted one of ${[...inner.keys()].reverse().join(", ")}, got ${layer}`);
  }
  if (tensors.length > 1) {
    throw new RangeError(`layers: wanted a layer with one output, ${layer} has ${tensors.length}`);
  }
  return tensors[0];
}

type ModelClass = (new (args: {
  inputs: SymbolicTensor[];
  outputs: SymbolicTensor[];
  name: string;
}) => LayersModel) & { readonly className?: string };

/**
 * The same layers and weights, with other outputs. The class is that of the model or of what it is built
 * on (a Sequential is a LayersModel too): tfjs-layers is not imported at run time.
 */
export function withOutputs(
  model: LayersModel,
  outputs: SymbolicTensor[],
  // With a name of its own it takes no number from the models that are named by their count.
  name = `${model.name}_outputs`,
): LayersModel {
  let Model = model.constructor as ModelClass;
  while (Model.className !== "Model") {
    Model = Object.getPrototypeOf(Model) as ModelClass;
    if (Model === Function.prototype || !Model) {
      throw new TypeError(`model: wanted a tf.LayersModel, got ${model.getClassName()}`);
    }
  }
  return new Model({ inputs: model.inputs, outputs, name });
}
