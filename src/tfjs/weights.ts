/** The weights of a LayersModel, what part each plays, and which of them a caller means. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, LayerVariable, layers } from "@tensorflow/tfjs-layers";

type Layer = layers.Layer;

/** One weight tensor. */
export interface ModelWeight {
  /** As `model.save` names it: "dense_1/kernel". */
  readonly name: string;
  /** The innermost layer that has it. */
  readonly layer: string;
  readonly layerClass: string;
  /** The last part of the name: "kernel", "bias", "moving_mean". */
  readonly role: string;
  readonly shape: readonly number[];
  readonly variable: tf.Variable;
}

/**
 * Which weights to work on; by default every kernel, never a bias, an embedding or anything of a
 * normalization.
 *
 * A string is the full name of a weight ("dense_1/bias": that one, whatever it is) or of a layer (its
 * kernels and embeddings); where nothing has that name, a class of layers ("DepthwiseConv2D") or a position, "first" or
 * "last" of the layers with kernels. A RegExp is tested against full names, and takes kernels and embeddings.
 */
export interface WeightChoice {
  /** In place of the default. */
  readonly include?: WeightPattern | readonly WeightPattern[];
  /** Taken away, whatever they are. */
  readonly exclude?: WeightPattern | readonly WeightPattern[];
}

export type WeightPattern = string | RegExp;

const kernelRoles = new Set(["kernel", "depthwise_kernel", "pointwise_kernel", "recurrent_kernel"]);

/** Every weight once, shared and nested layers included, in the order of the layers. */
export function listWeights(model: LayersModel): ModelWeight[] {
  checkModel(model);
  const seen = new Set<number>();
  return leafLayers(model).flatMap((layer) =>
    layer.weights.flatMap((weight) => {
      if (seen.has(weight.id)) return [];
      seen.add(weight.id);
      return [describe(layer, weight)];
    }),
  );
}

/** @throws TypeError where it is none */
export function checkModel(model: LayersModel, name = "model"): void {
  if (!Array.isArray(model?.layers) || typeof model.predict !== "function") {
    throw new TypeError(`${name}: wanted a tf.LayersModel, got ${model === null ? "null" : typeof model}`);
  }
}

/** The layers that compute: those of nested models, and what TimeDistributed wraps. */
export function leafLayers(model: { readonly layers: readonly Layer[] }): Layer[] {
  return model.layers.flatMap((layer) => {
    if (isModel(layer)) return leafLayers(layer);
    const { layer: wrapped } = layer as { layer?: Layer };
    // The other wrapper, Bidirectional, runs two copies of what it wraps, and has their weights itself.
    if (layer.getClassName() === "TimeDistributed" && wrapped) return leafLayers({ layers: [wrapped] });
    return [layer];
  });
}

/** Every layer, those of nested models after the model. */
export function allLayers({ layers }: { readonly layers: readonly Layer[] }): Layer[] {
  return layers.flatMap((layer) => [layer, ...(isModel(layer) ? allLayers(layer) : [])]);
}

/** True for a model, alone or as a layer. */
export function isModel(layer: Layer): layer is LayersModel {
  return Array.isArray((layer as { layers?: unknown }).layers);
}

function describe(layer: Layer, weight: LayerVariable): ModelWeight {
  return {
    name: weight.originalName,
    layer: layer.name,
    layerClass: layer.getClassName(),
    role: weight.originalName.slice(weight.originalName.lastIndexOf("/") + 1),
    shape: weight.shape as number[],
    // Its public type is Tensor, what it returns is the variable itself.
    variable: weight.read() as tf.Variable,
  };
}

/**
 * The weights that a choice means.
 *
 * @throws RangeError where a pattern of `include` or `exclude` means nothing, or nothing is left
 */
export function chooseWeights(weights: readonly ModelWeight[], choice: WeightChoice = {}): ModelWeight[] {
  const floats = weights.filter(({ variable }) => variable.dtype === "float32");
  const included = namesOf(floats, patternsOf(choice.include));
  const excluded = namesOf(floats, patternsOf(choice.exclude));
  checkPatterns("include", included, floats, isIncluded);
  checkPatterns("exclude", excluded, floats, isExcluded);
  const chosen = floats.filter(
    (weight) =>
      (choice.include === undefined
        ? kernelRoles.has(weight.role)
        : included.some((pattern) => isIncluded(weight, pattern))) &&
      !excluded.some((pattern) => isExcluded(weight, pattern)),
  );
  if (chosen.length === 0) throw new RangeError(`weights: wanted some, got none; ${offer(floats)}`);
  return chosen;
}

function patternsOf(patterns: WeightChoice["include"]): readonly WeightPattern[] {
  if (patterns === undefined) return [];
  return Array.isArray(patterns) ? patterns : [patterns as WeightPattern];
}

/** Patterns with the names of layers in place of classes and positions. */
function namesOf(
  weights: readonly ModelWeight[],
  patterns: readonly WeightPattern[],
): readonly WeightPattern[] {
  const layers = weights.filter(({ role }) => kernelRoles.has(role));
  return patterns.flatMap((pattern) => {
    if (typeof pattern !== "string" || weights.some((weight) => isExcluded(weight, pattern)))
      return [pattern];
    const ends = { first: layers[0], last: layers[layers.length - 1] };
    const end = pattern === "first" || pattern === "last" ? ends[pattern] : undefined;
    if (end) return [end.layer];
    const ofClass = weights.filter(({ layerClass }) => layerClass === pattern).map(({ layer }) => layer);
    // What nothing is meant by stays, for the error that names it.
    return ofClass.length > 0 ? [...new Set(ofClass)] : [pattern];
  });
}

function isIncluded(weight: ModelWeight, pattern: WeightPattern): boolean {
  if (pattern === weight.name) return true;
  return (kernelRoles.has(weight.role) || weight.role === "embeddings") && isExcluded(weight, pattern);
}

/** True when a pattern names the weight or its layer. */
export function isExcluded(weight: ModelWeight, pattern: WeightPattern): boolean {
  if (typeof pattern === "string") return pattern === weight.name || pattern === weight.layer;
  return weight.name.search(pattern) >= 0; // search, not test: a /g pattern keeps no place
}

function checkPatterns(
  option: string,
  patterns: readonly WeightPattern[],
  weights: readonly ModelWeight[],
  matches: (weight: ModelWeight, pattern: WeightPattern) => boolean,
): void {
  for (const pattern of patterns) {
    if (typeof pattern !== "string" && !(pattern instanceof RegExp)) {
      throw new TypeError(`${option}: wanted strings or RegExps, got ${typeof pattern}`);
    }
    if (!weights.some((weight) => matches(weight, pattern))) {
      throw new RangeError(`${option}: no weight is meant by ${pattern}; ${offer(weights)}`);
    }
  }
}

function offer(weights: readonly ModelWeight[]): string {
  if (weights.length === 0) return "the model has no weights";
  const classes = [...new Set(weights.map(({ layerClass }) => layerClass))].join(", ");
  return `the model has ${weights.map(({ name }) => name).join(", ")}; layers of ${classes}; first and last`;
}
