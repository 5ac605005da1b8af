/** Models made of parts of others, whose weights they share: a base cut at a layer, a head put on it. */

import type { LayersModel, layers, SymbolicTensor } from "@tensorflow/tfjs-layers";
import { outputOf, outputsByLayer, withOutputs } from "./forward.js";
import { allLayers, checkModel, isModel, listWeights } from "./weights.js";

type Layer = layers.Layer;

/**
 * The part of a model that computes the output of one of its layers.
 *
 * It shares the weights: what is trained in one is trained in the other. Both can be disposed of, in any
 * order, and the weights go with the last that has them.
 *
 * @param base a built model of any depth; it stays as it is
 * @param layer name of a layer, also of one in a nested model; used at one place, with one output
 * @returns a model with the inputs of `base` and the output of the layer
 * @throws RangeError that lists the layers where the name is none of them, or does not mean one output
 */
export function cutModel(base: LayersModel, layer: string): LayersModel {
  checkModel(base);
  if (typeof layer !== "string") throw new TypeError(`layer: wanted a name, got ${typeof layer}`);
  const output = findOutput(base, layer);
  if (!output) {
    throw new RangeError(`layer: wanted one of ${layerNames(base).join(", ")}, got ${layer}`);
  }
  return shareModel(base, [output], `${base.name}_to_${layer}`);
}

/**
 * One model that runs a head on what a base gives. It shares the weights of both, as `cutModel` does; the
 * head is in it as a nested model. tfjs saves and loads it like any other.
 *
 * @param base one output
 * @param head one input, of the sizes of that output
 * @returns a model with the inputs of `base` and the outputs of `head`
 * @throws RangeError where the sizes differ, or where both have a weight or layer of the same name, which
 *   a saved model could not tell apart
 */
export function joinModels(base: LayersModel, head: LayersModel): LayersModel {
  checkModel(base);
  checkModel(head);
  checkFit(base, head);
  checkNames(base, head);
  const outputs = applyUncounted(head, [base.outputs[0]]);
  return shareModel(base, outputs, `${base.name}_${head.name}`);
}

/** A model over the layers of another, each counted as often as the `dispose` of the new model will. */
export function shareModel(base: LayersModel, outputs: SymbolicTensor[], name: string): LayersModel {
  const model = withOutputs(base, outputs, name);
  // tfjs disposes of a nested model twice: as a layer, and as one that it takes for made inside.
  for (const layer of [...model.layers, ...model.internalContainerRefs]) counted(layer)._refCount += 1;
  return model;
}

/** What stands for the outputs of a model as a layer; `shareModel` counts it when these are in a model. */
function applyUncounted(model: LayersModel, inputs: SymbolicTensor[]): SymbolicTensor[] {
  const outputs = model.apply(inputs.length === 1 ? inputs[0] : inputs) as SymbolicTensor | SymbolicTensor[];
  counted(model)._refCount -= 1;
  return [outputs].flat();
}

/** How many models have a layer: tfjs disposes of its weights when it comes to 0. */
function counted(layer: Layer): { _refCount: number } {
  return layer as unknown as { _refCount: number };
}

function findOutput(model: LayersModel, name: string): SymbolicTensor | undefined {
  const outputs = outputsByLayer(model);
  if (outputs.has(name)) return outputOf(name, outputs);
  for (const [{ sourceLayer: layer }] of outputs.values()) {
    if (!isModel(layer) || !layerNames(layer).includes(name)) continue;
    const { inputs } = outputOf(layer.name, outputs);
    const inner = cutModel(layer, name);
    const [output] = applyUncounted(inner, inputs);
    counted(inner)._refCount -= 1; // made here: only the model under way will have it
    return output;
  }
  // A Sequential that begins with a model takes the layers of that one for its own: it is nested by name alone.
  const reached = new Set([...outputs.values()].flat());
  const first = allLayers(model).find((layer) => layer.name === name);
  return first && isModel(first) && reached.has(first.outputs[0]) ? first.outputs[0] : undefined;
}

/** Of all layers, those of nested models after the model. */
function layerNames(model: LayersModel): string[] {
  return allLayers(model).map(({ name }) => name);
}

function checkFit(base: LayersModel, head: LayersModel): void {
  if (base.outputs.length !== 1) {
    throw new RangeError(`base: wanted one output, got ${base.outputs.length || "none; is it built?"}`);
  }
  if (head.inputs.length !== 1) {
    throw new RangeError(`head: wanted one input, got ${head.inputs.length || "none; is it built?"}`);
  }
  const wanted = base.outputs[0].shape.slice(1);
  const got = head.inputs[0].shape.slice(1);
  const fits = wanted.length === got.length && wanted.every((size, i) => got[i] === null || got[i] === size);
  if (!fits) {
    throw new RangeError(
      `head: wanted an input of [${sizes(wanted)}] as the base gives, got [${sizes(got)}]`,
    );
  }
}

function sizes(shape: readonly (number | null)[]): string {
  return shape.map((size) => size ?? "?").join(", ");
}

function checkNames(base: LayersModel, head: LayersModel): void {
  const taken = new Set([...listWeights(base), ...base.layers].map(({ name }) => name));
  const twice = [...listWeights(head), head].map(({ name }) => name).filter((name) => taken.has(name));
  if (twice.length > 0) {
    throw new RangeError(`head: wanted names that the base has not, got ${twice.join(", ")}`);
  }
}
