/** The recipe of `pare train`: data, a model, stages one after the other, and where the result goes. */

import { basename, dirname, resolve } from "node:path";
import type { AugmentOptions } from "../../data/index.js";
import type { LossName } from "../../tfjs.js";
import { UsageError } from "../errors.js";
import {
  byKey,
  either,
  factor,
  finite,
  integer,
  isNumber,
  listOf,
  notNegative,
  object,
  oneOf,
  positiveShare,
  readStrict,
  text,
  variants,
  wanted,
} from "../strict.js";
import type { StageSettings } from "./settings.js";
import { stageKinds } from "./stages/index.js";

export interface TrainRecipe {
  /** Of first weights, of the order of the samples, and of all that is left to chance. Default 0. */
  readonly seed?: number;
  readonly data: DataSettings;
  /** Path of a model.json or a Keras file; layers of a Sequential or a topology, as tfjs writes them; or a thinner teacher. */
  readonly model: string | LayersSettings | TopologySettings | ThinnerSettings;
  /** What it is to learn from: paths of model.json or Keras files. */
  readonly teacher?: string | readonly string[];
  /** Default: what the labels ask for; labels that could be anything need it. */
  readonly loss?: LossName;
  readonly stages: readonly StageSettings[];
  readonly output: {
    readonly model: string;
    readonly pare?: string;
  };
}

/** Samples and their labels as two files, as a folder of pictures a class, or as a table. */
export type Source =
  | { readonly x: string; readonly y: string }
  | { readonly pictures: string }
  | { readonly csv: string; readonly label: string; readonly columns?: readonly string[] };

export interface DataSettings {
  readonly train: Source;
  /** Looked at once, at the end. */
  readonly test?: Source;
  /** Share of the training samples to hold out, by chance; or a source of its own. */
  readonly validation?: number | Source;
  /** x * scale + offset, of all samples. */
  readonly scale?: number;
  readonly offset?: number;
  /** Of the samples that are trained on. */
  readonly augment?: AugmentOptions;
}

export interface LayersSettings {
  readonly layers: readonly object[];
}

/** The layers of the first teacher, that share of their units and filters. */
export interface ThinnerSettings {
  readonly thinner: number;
}

export interface TopologySettings {
  readonly class_name: string;
  readonly config: unknown;
}

const source = byKey(
  {
    pictures: object({ pictures: text }),
    csv: object({ csv: text, label: text }, { columns: listOf(text) }),
  },
  object({ x: text, y: text }),
);

const anything = wanted("something", (value) => value !== undefined);
const layer = wanted(
  "a layer, { class_name, config }",
  (value) => Object.hasOwn(Object(value), "class_name"),
  { type: "object", required: ["class_name"] },
);

const model = either(
  "string",
  text,
  byKey(
    {
      thinner: object({ thinner: positiveShare }),
      class_name: object({ class_name: text, config: anything }),
    },
    object({ layers: listOf(layer) }),
  ),
);

const stage = variants(
  "kind",
  Object.fromEntries(Object.entries(stageKinds).map(([kind, { check }]) => [kind, check])),
);

export const lossNames: readonly LossName[] = [
  "sparseCategoricalCrossentropy",
  "categoricalCrossentropy",
  "binaryCrossentropy",
  "meanSquaredError",
  "meanAbsoluteError",
];

/** Of a whole recipe. */
export const recipeCheck = object(
  {
    data: object(
      { train: source },
      {
        test: source,
        validation: either(
          "number",
          wanted("a share above 0 and below 1", (v) => isNumber(v) && v > 0 && v < 1, {
            type: "number",
            exclusiveMinimum: 0,
            exclusiveMaximum: 1,
          }),
          source,
        ),
        scale: factor,
        offset: finite,
        augment: object(
          {},
          {
            shift: notNegative,
            rotate: notNegative,
            scale: notNegative,
            elastic: object({ strength: notNegative, smoothness: notNegative }),
            flip: oneOf("horizontal", "vertical", "both"),
            noise: notNegative,
            fill: finite,
          },
        ),
      },
    ),
    model,
    stages: listOf(stage),
    output: object(
      {
        model: wanted("a path that ends in model.json", isModelPath, {
          type: "string",
          pattern: "(^|[/\\\\])model\\.json$",
        }),
      },
      {
        pare: wanted("a path that ends in .pare", (v) => typeof v === "string" && /.\.pare$/i.test(v), {
          type: "string",
          pattern: ".\\.[pP][aA][rR][eE]$",
        }),
      },
    ),
  },
  {
    seed: integer,
    teacher: either("string", text, listOf(text)),
    loss: oneOf(...lossNames),
  },
);

/**
 * Reads a recipe. Its paths are meant from its own folder; those that are returned are so already.
 *
 * @throws FormatError recipe-json, recipe-key, recipe-value; UsageError for settings at odds
 */
export async function readTrainRecipe(path: string): Promise<TrainRecipe> {
  const read = (await readStrict(path, recipeCheck)) as TrainRecipe;
  checkNeeds(read, path);
  return withPaths(read, dirname(path));
}

function checkNeeds({ data, model, teacher, stages }: TrainRecipe, path: string): void {
  if (typeof model === "object" && "thinner" in model && teacher === undefined) {
    throw new UsageError(`${path}: model.thinner needs a teacher`);
  }
  for (const [i, { kind, patience }] of stages.entries()) {
    if (patience !== undefined && data.validation === undefined) {
      throw new UsageError(`${path}: stages[${i}].patience needs data.validation`);
    }
    if (stageKinds[kind].needsTeacher && teacher === undefined) {
      throw new UsageError(`${path}: stages[${i}], ${kind}, needs a teacher`);
    }
  }
}

function withPaths(read: TrainRecipe, folder: string): TrainRecipe {
  const at = (path: string) => resolve(folder, path);
  const { data, teacher, output } = read;
  return {
    ...read,
    data: {
      ...data,
      train: sourceAt(data.train, at),
      ...(data.test && { test: sourceAt(data.test, at) }),
      ...(typeof data.validation === "object" && { validation: sourceAt(data.validation, at) }),
    },
    model: typeof read.model === "string" ? at(read.model) : read.model,
    ...(teacher !== undefined && { teacher: typeof teacher === "string" ? at(teacher) : teacher.map(at) }),
    output: { model: at(output.model), ...(output.pare !== undefined && { pare: at(output.pare) }) },
  };
}

function sourceAt(source: Source, at: (path: string) => string): Source {
  if ("pictures" in source) return { pictures: at(source.pictures) };
  if ("csv" in source) return { ...source, csv: at(source.csv) };
  return { x: at(source.x), y: at(source.y) };
}

function isModelPath(value: unknown): boolean {
  return typeof value === "string" && basename(value) === "model.json";
}
