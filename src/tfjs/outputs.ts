/** A model that also gives what some of its layers do. */

import type { LayersModel } from "@tensorflow/tfjs-layers";

type ModelClass = new (config: {
  inputs: LayersModel["inputs"];
  outputs: LayersModel["outputs"];
}) => LayersModel;

/**
 * A model of the same layers and weights whose outputs are the model's own and, after it, those of `layers`.
 * It owns nothing: do not dispose it.
 *
 * @param layers names of layers that are used once
 * @throws RangeError for a name that the model has not, or a layer that is used more than once
 */
export function withOutputs(model: LayersModel, layers: readonly string[]): LayersModel {
  if (layers.length === 0) return model;
  const Model = modelClass(model);
  return new Model({
    inputs: model.inputs,
    outputs: [...model.outputs, ...layers.map((name) => outputOf(model, name))],
  });
}

/** LayersModel, which is not imported at run time: the class of a functional model, the parent of Sequential's. */
export function modelClass(model: LayersModel): ModelClass {
  const own = model.constructor as unknown as ModelClass & { className: string };
  return own.className === "Sequential" ? Object.getPrototypeOf(own) : own;
}

function outputOf(model: LayersModel, name: string): LayersModel["outputs"][number] {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (!layer) {
    const names = model.layers.map((candidate) => candidate.name);
    throw new RangeError(`layer: the model has no ${name}; it has ${names.join(", ")}`);
  }
  if (layer.inboundNodes.length !== 1) {
    throw new RangeError(
      `layer: wanted one that is used once, ${name} is used ${layer.inboundNodes.length} times`,
    );
  }
  return layer.output as LayersModel["outputs"][number];
}
