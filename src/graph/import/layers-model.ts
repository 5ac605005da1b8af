/** From a model's layers to a graph: two walks, one for what pare has not, one that builds. */

import { UnsupportedError } from "../errors.js";
import { createBuilder, type GraphBuilder } from "./builder.js";
import { type InputShapes, resolveInputShape } from "./input-shapes.js";
import { describe, type Json, option } from "./json.js";
import { layerRule, unsupportedIn } from "./layers/index.js";
import { maskOutputs } from "./layers/masks.js";
import { arityOf, type LayerRule } from "./layers/rule.js";
import type { Reference } from "./references.js";
import { type LayerSpec, type ModelSpec, outputNames } from "./topology.js";
import type { WeightStore } from "./weight-store.js";

/**
 * @throws UnsupportedError with all that pare has not
 * @throws RangeError for a model that does not hold together
 */
export function buildModel(model: ModelSpec, store: WeightStore, inputShapes: InputShapes): GraphBuilder {
  const layers = allLayers(model);
  const builder = createBuilder(store, new Set(layers.map(({ name }) => name)));
  for (const what of layers.flatMap(unsupportedIn)) builder.unsupported(what);

  let outputs: readonly Value[] = [];
  try {
    const inputs = model.inputs.map(({ layer }) => addInput(model, layer, inputShapes, builder));
    outputs = callModel(model, inputs, [], builder);
  } catch (error) {
    // What pare has not is told first: to mend the rest of such a model would be of no use.
    if (builder.problems.length === 0) throw error;
  }
  if (builder.problems.length > 0) throw new UnsupportedError(builder.problems);
  // Without problems there are no unknown values.
  for (const [i, name] of outputNames(model).entries()) builder.addOutput(name, outputs[i] as string);
  return builder;
}

function allLayers({ layers }: ModelSpec): readonly LayerSpec[] {
  return layers.flatMap((layer) => [layer, ...(layer.model ? allLayers(layer.model) : [])]);
}

function addInput(model: ModelSpec, name: string, inputShapes: InputShapes, builder: GraphBuilder): string {
  const layer = model.layers.find((candidate) => candidate.name === name);
  if (layer?.className !== "InputLayer") {
    throw new RangeError(`input ${name}: wanted an InputLayer, got ${layer?.className ?? "no such layer"}`);
  }
  const sizes = sampleShape(layer.config);
  if (!sizes && !Object.hasOwn(inputShapes, name)) {
    throw new RangeError(
      `input ${name}: wanted a batch_input_shape, got ${describe(option(layer.config, "batchInputShape"))}`,
    );
  }
  // A fixed batch size says how the model was trained, not what it computes.
  return builder.addInput(name, resolveInputShape(name, sizes, inputShapes));
}

/** The shape of one sample as InputLayers and the first layers of a Sequential have it. */
function sampleShape(config: Json): readonly unknown[] | undefined {
  for (const key of ["batchInputShape", "batchShape"]) {
    const shape = option(config, key);
    if (Array.isArray(shape) && shape.length > 0) return shape.slice(1);
  }
  const shape = option(config, "inputShape");
  if (Array.isArray(shape)) return shape;
  const size = option(config, "inputDim");
  return size === undefined ? undefined : [size];
}

/** The name of a value; null for one that depends on what pare has not, so that its shape is unknown. */
type Value = string | null;

/** What one call of a layer has made; null where nobody knows what. */
type Made = readonly Value[] | null;

/** Values a layer has made: results of each call, in order. */
type Results = Map<string, Made[]>;

/**
 * Adds the nodes of a model that is called on `inputs`. What is unsupported and what depends on it is left
 * out, so that the walk finds all of it.
 *
 * @param path names of the models it lies in
 * @returns the values of its outputs
 */
function callModel(
  model: ModelSpec,
  inputs: readonly Value[],
  path: readonly string[],
  builder: GraphBuilder,
): readonly Value[] {
  if (inputs.length !== model.inputs.length) {
    throw new RangeError(`model ${model.name}: wanted ${model.inputs.length} inputs, got ${inputs.length}`);
  }
  const results: Results = new Map(model.layers.map(({ name }) => [name, []]));
  for (const [i, { layer }] of model.inputs.entries()) results.set(layer, [[inputs[i]]]);
  const first = firstCalls(model);
  const find = ({ layer, call, tensor }: Reference) => {
    const made = results.get(layer)?.[call - (first.get(layer) ?? 0)];
    return made === null ? null : made?.[tensor];
  };

  let waiting = model.layers.filter(({ calls }) => calls.length > 0);
  while (waiting.length > 0) {
    const before = progress(results);
    for (const layer of waiting) callLayer(layer, find, results, path, builder);
    waiting = waiting.filter(({ name, calls }) => (results.get(name)?.length ?? 0) < calls.length);
    // A layer may be called on what comes later in the list, but something must always go on.
    if (waiting.length > 0 && progress(results) === before)
      throw unresolved(model, waiting[0], results, find);
  }
  return model.outputs.map((reference) => {
    const value = find(reference);
    if (value !== undefined) return value;
    throw new RangeError(`model ${model.name}: reads ${describe(reference)}, which no layer makes`);
  });
}

function progress(results: Results): number {
  return [...results.values()].reduce((sum, calls) => sum + calls.length, 0);
}

/** Makes as many calls of a layer as can be made by now, in their order. */
function callLayer(
  layer: LayerSpec,
  find: (reference: Reference) => Value | undefined,
  results: Results,
  path: readonly string[],
  builder: GraphBuilder,
): void {
  const done = results.get(layer.name) ?? [];
  while (done.length < layer.calls.length) {
    const inputs = layer.calls[done.length].map(find);
    if (!inputs.every((value) => value !== undefined)) return;
    builder.countCall();
    done.push(
      layer.model
        ? callModel(layer.model, inputs, [...path, layer.name], builder)
        : addLayer(layer, inputs, path, builder),
    );
  }
}

function addLayer(
  layer: LayerSpec,
  inputs: readonly Value[],
  path: readonly string[],
  builder: GraphBuilder,
): Made {
  const known = inputs.filter((value) => value !== null);
  if (known.length < inputs.length || unsupportedIn(layer).length > 0) return null;
  // The first walk made sure that there is one.
  const rule = layerRule(layer.className) as LayerRule;
  checkInputs(layer, rule, known);
  const { className, name, config, shared } = layer;
  const weightNames = shared ? { weightNames: [shared.name], shared } : {};
  const given = { className, name, config, path, ...weightNames };
  try {
    const made = rule.add(given, known, builder);
    maskOutputs(given, known, made, builder);
    return made;
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    for (const what of error.what) builder.unsupported(what);
    return null;
  }
}

function checkInputs({ name, className }: LayerSpec, rule: LayerRule, inputs: readonly string[]): void {
  const { min, max } = arityOf(rule);
  if (inputs.length >= min && inputs.length <= max) return;
  const wanted = min === max ? min : `${min} to ${max}`;
  throw new RangeError(`layer ${name}: ${className} wants ${wanted} inputs, got ${inputs.length}`);
}

/**
 * The number of each layer's first call: 0, but for models within a model.
 *
 * Keras 2 and tfjs count the model's own construction as call 0 of it and write the first real call
 * as 1; Keras 3 does so for functional models but not for Sequential. What the file reads tells.
 */
export function firstCalls(model: ModelSpec): ReadonlyMap<string, number> {
  const first = new Map<string, number>();
  const references = [...model.layers.flatMap(({ calls }) => calls.flat()), ...model.outputs];
  const last = new Map<string, number>();
  for (const { layer, call } of references) last.set(layer, Math.max(last.get(layer) ?? call, call));
  for (const { name, calls, model: inner } of model.layers) {
    if (inner) first.set(name, (last.get(name) ?? -1) >= calls.length ? 1 : 0);
  }
  return first;
}

function unresolved(
  model: ModelSpec,
  layer: LayerSpec,
  results: Results,
  find: (reference: Reference) => Value | undefined,
): RangeError {
  const call = layer.calls[results.get(layer.name)?.length ?? 0];
  const missing = call.find((reference) => find(reference) === undefined);
  const why = results.has(missing?.layer ?? "")
    ? "which is part of a cycle or never made"
    : "which is no layer of it";
  return new RangeError(`model ${model.name}: layer ${layer.name} reads ${describe(missing)}, ${why}`);
}
