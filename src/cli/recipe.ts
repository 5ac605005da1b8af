/** A recipe: the settings of `compress` as a JSON file, which flags on the command line overrule. */

import { readFile } from "node:fs/promises";
import { type CompressOptions, FormatError } from "../index.js";
import { patternOf } from "./options.js";

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
  | "activations"
  | "percentile"
  | "biasCorrection"
  | "equalization"
  | "keepF32";

interface Rule {
  readonly wanted: string;
  valid(value: unknown): boolean;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);
const oneOf = (...words: string[]): Rule => ({
  wanted: `one of ${words.join(", ")}`,
  valid: (value) => words.includes(value as string),
});
const finite: Rule = { wanted: "a number", valid: isNumber };

const rules: Readonly<Record<string, Rule>> = {
  precision: oneOf("int8", "f32"),
  sparsity: { wanted: "a number from 0 to below 1", valid: (v) => isNumber(v) && v >= 0 && v < 1 },
  pattern: { wanted: "unstructured, 1x4, 4x4 or N:M", valid: isPattern },
  activations: oneOf("percentile", "mse", "entropy", "min-max"),
  percentile: { wanted: "a number above 50, up to 100", valid: (v) => isNumber(v) && v > 50 && v <= 100 },
  biasCorrection: { wanted: "true or false", valid: (value) => typeof value === "boolean" },
  equalization: { wanted: "true or false", valid: (value) => typeof value === "boolean" },
  keepF32: {
    wanted: "a list of layer names",
    valid: (value) => Array.isArray(value) && value.every((name) => typeof name === "string"),
  },
  scale: finite,
  offset: finite,
};

/**
 * Reads a recipe.
 *
 * @throws FormatError recipe-json, recipe-key, recipe-value
 */
export async function readRecipe(path: string): Promise<Recipe> {
  const text = await readFile(path, "utf8");
  let recipe: unknown;
  try {
    recipe = JSON.parse(text);
  } catch (error) {
    throw new FormatError("recipe-json", `${path}: not JSON (${(error as Error).message})`);
  }
  if (typeof recipe !== "object" || recipe === null || Array.isArray(recipe)) {
    throw new FormatError("recipe-json", `${path}: wanted an object, got ${JSON.stringify(recipe)}`);
  }
  for (const [key, value] of Object.entries(recipe)) {
    if (!Object.hasOwn(rules, key)) {
      const keys = Object.keys(rules).join(", ");
      throw new FormatError("recipe-key", `${path}: wanted ${keys}, got ${JSON.stringify(key)}`);
    }
    const { wanted, valid } = rules[key];
    if (!valid(value)) {
      throw new FormatError(
        "recipe-value",
        `${path}: ${key}: wanted ${wanted}, got ${JSON.stringify(value)}`,
      );
    }
  }
  return recipe as Recipe;
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && patternOf(value) === value;
  } catch {
    return false;
  }
}
