/** A recipe: the settings of `compress` as a JSON file, which flags on the command line overrule. */

import type { CompressOptions } from "../index.js";
import { patternOf } from "./options.js";
import {
  type Fields,
  factor,
  finite,
  isNumber,
  mapOf,
  object,
  oneOf,
  readStrict,
  sparsity,
  wanted,
  yesOrNo,
} from "./strict.js";

/** What a recipe may say; all of it is optional. */
export interface Recipe extends Pick<CompressOptions, RecipeKey> {
  /** Of the calibration and evaluation data: x * scale + offset. */
  readonly scale?: number;
  readonly offset?: number;
}

type RecipeKey =
  | "precision"
  | "sparsity"
  | "pattern"
  | "scope"
  | "targets"
  | "activations"
  | "percentile"
  | "biasCorrection"
  | "equalization"
  | "fidelity"
  | "keepF32";

export const pattern = wanted("unstructured, 1x4, 4x4 or N:M", isPattern, {
  type: "string",
  pattern: "^(unstructured|1x4|4x4|[1-9][0-9]?:[1-9][0-9]?)$",
});

/** How a sparsity is divided among layers, in `compress` as in training. */
export const scope = oneOf("auto", "local", "global");

/** How the ranges of activations are found, in `compress` as in training. */
export const rangeFields: Fields = {
  activations: oneOf("percentile", "mse", "entropy", "min-max"),
  percentile: wanted("a number above 50, up to 100", (v) => isNumber(v) && v > 50 && v <= 100, {
    type: "number",
    exclusiveMinimum: 50,
    maximum: 100,
  }),
  keepF32: wanted(
    "a list of layer names",
    (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
    { type: "array", items: { type: "string" } },
  ),
};

const recipe = object(
  {},
  {
    precision: oneOf("int8", "f32"),
    sparsity,
    pattern,
    scope,
    targets: mapOf(sparsity),
    ...rangeFields,
    activations: oneOf("auto", "output-error", "percentile", "mse", "entropy", "min-max"),
    biasCorrection: yesOrNo,
    equalization: yesOrNo,
    fidelity: wanted(
      'a cosine of at least 0.5 and below 1, or "off"',
      (value) => value === "off" || (isNumber(value) && value >= 0.5 && value < 1),
      { anyOf: [{ const: "off" }, { type: "number", minimum: 0.5, exclusiveMaximum: 1 }] },
    ),
    scale: factor,
    offset: finite,
  },
);

/**
 * Reads a recipe.
 *
 * @throws FormatError recipe-json, recipe-key, recipe-value
 */
export async function readRecipe(path: string): Promise<Recipe> {
  return (await readStrict(path, recipe)) as Recipe;
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && patternOf(value) === value;
  } catch {
    return false;
  }
}
