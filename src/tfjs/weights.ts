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
 * kernels and embeddings). A RegExp is tested against full names, and takes kernels and embeddings.
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
  const included = patternsOf(choice.include);
  const excluded = patternsOf(choice.exclude);
  const floats = weights.filter(({ variable }) => variable.dtype === "float32");
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
  return typeof patterns === "string" || patterns instanceof RegExp ? [patterns] : patterns;
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
  return `the model has ${weights.map(({ name }) => name).join(", ") || "no weights"}`;
}
