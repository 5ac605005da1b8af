/** The data of a training recipe: read, scaled, and a part of it held out. */

import {
  applyScale,
  type CsvTable,
  categoricalColumn,
  columnIndex,
  csvMatrix,
  type NdArray,
  numericColumn,
  parseNumber,
  readArray,
  readCsv,
} from "../../data/index.js";
import { FormatError } from "../../index.js";
import type { ValueInfo } from "../../runtime.js";
import { readClassPictures } from "../images.js";
import type { Scaling } from "../options.js";
import { readSamples, sizeOf, wantFinite } from "../samples.js";
import { checkLabels, countUnlabelled, holdOut, type Labelled, type Origin, withLabels } from "./labelled.js";
import type { DataSettings, Source } from "./recipe.js";

export interface TrainingSets {
  readonly train: Labelled;
  /** These are measured on: of their samples those that have a label. */
  readonly validation?: Labelled;
  readonly test?: Labelled;
  /** Samples without a label: those of train are in it, the others were left out. */
  readonly unlabelled: Readonly<Record<"train" | "validation" | "test", number>>;
  /** Where the data has names for them: those of 0, 1, 2... */
  readonly classes?: readonly string[];
}

/**
 * @param input of the model
 * @param outputs shapes of what it gives out for a sample, in each stage
 * @param seed of what is held out
 * @throws FormatError data-classes where sets name other classes, and what the readers throw; RangeError for
 *   numbers that are no samples of the model, that have more or fewer labels, labels that the model cannot give
 *   out, or none to measure on
 */
export async function readTrainingSets(
  { train: source, test, validation, ...scaling }: DataSettings,
  input: ValueInfo,
  outputs: readonly (readonly number[])[],
  seed: number,
): Promise<TrainingSets> {
  const output = outputs[outputs.length - 1];
  const all = await readSource(source, input, scaling);
  for (const one of outputs) checkLabels(all, one);
  const read = async (other: Source, trains: boolean) => {
    const set = sameClasses(await readSource(other, input, scaling, all.classes), all);
    for (const one of trains ? outputs : [output]) checkLabels(set, one);
    return set;
  };
  const [train, held] =
    typeof validation === "number"
      ? holdOut(all, validation, seed)
      : [all, validation && (await read(validation, true))];
  const tested = test && (await read(test, false));
  const unlabelled = (set?: Labelled) => (set ? countUnlabelled(set, output) : 0);
  return {
    train,
    ...(held && { validation: withLabels(held, output, "data.validation") }),
    ...(tested && { test: withLabels(tested, output, "data.test") }),
    unlabelled: { train: unlabelled(train), validation: unlabelled(held), test: unlabelled(tested) },
    ...(all.classes && { classes: all.classes }),
  };
}

type Read = Labelled & Origin;

/** @param classes that the training set has, by which a label of words is read */
async function readSource(
  source: Source,
  input: ValueInfo,
  scaling: Scaling,
  classes?: readonly string[],
): Promise<Read> {
  if ("pictures" in source) {
    const { pictures, labels, classes } = await readClassPictures(source.pictures, input.shape);
    const x = applyScale(pictures.data, scaling.scale ?? 1, scaling.offset ?? 0);
    const origin = { labels: source.pictures, placeOf: () => source.pictures, least: 0 as const };
    return { ...origin, count: labels.length, x, y: labels, classes };
  }
  if ("csv" in source) {
    return readCsv(source.csv, { csv: { header: true } }, (table) =>
      fromTable(table, source, input, scaling, classes),
    );
  }
  const { count, inputs } = await readSamples([source.x], [input], scaling);
  const y = toLabels(await readArray(source.y), source.y);
  if (y.length % count !== 0) {
    throw new RangeError(`${source.y}: wanted labels for ${count} samples, got ${y.length} numbers`);
  }
  const origin = { labels: source.y, placeOf: (i: number) => `${source.y}: label ${i}`, least: -1 as const };
  return { ...origin, count, x: inputs[input.name], y };
}

function fromTable(
  table: CsvTable,
  { csv, label, columns }: Extract<Source, { csv: string }>,
  input: ValueInfo,
  { scale = 1, offset = 0 }: Scaling,
  known?: readonly string[],
): Read {
  // First: a label that is not there would count as another column of numbers.
  const column = columnIndex(table, label);
  const names = columns ?? (table.header ?? []).filter((name) => name !== label);
  const { data } = csvMatrix(table, names);
  const count = table.rows.length;
  if (data.length !== count * sizeOf(input.shape)) {
    throw new RangeError(
      `${csv}: wanted ${sizeOf(input.shape)} columns as the model has inputs, got ${names.join(", ")}`,
    );
  }
  const x = applyScale(data, scale, offset);
  const placeOf = (row: number) => `csv line ${table.lines[row]}, column ${label}`;
  // A table has its labels as somebody wrote them: 1 and -1 are two classes there, not one and none.
  const origin = { labels: csv, placeOf: (row: number) => `${csv}: ${placeOf(row)}`, least: 0 as const };
  const blank = table.rows.findIndex((row) => row[column].trim() === "");
  if (blank >= 0) {
    throw new FormatError(
      "csv-label",
      `${placeOf(blank)}: wanted a number or a class, got "${table.rows[blank][column]}"`,
    );
  }
  const isNumeric = table.rows.every((row) => !Number.isNaN(parseNumber(row[column])));
  if (isNumeric) {
    const y = toLabels({ dtype: "float64", shape: [count], data: numericColumn(table, label) }, csv);
    return { ...origin, count, x, y };
  }
  const { codes, names: classes } = categoricalColumn(table, label, known);
  return { ...origin, count, x, y: codes, classes };
}

function toLabels({ data }: NdArray, path: string): Labelled["y"] {
  wantFinite(data, path);
  if (data instanceof Uint8Array || data instanceof Int32Array) return data;
  return data.every((value) => Number.isInteger(value) && Math.abs(value) < 2 ** 31)
    ? Int32Array.from(data)
    : Float32Array.from(data);
}

function sameClasses(read: Read, { labels, classes = [] }: Read): Read {
  const own = read.classes ?? [];
  if (own.join("\n") === classes.join("\n")) return read;
  throw new FormatError(
    "data-classes",
    `${read.labels}: wanted the classes of ${labels}, ${classes.join(", ")}, got ${own.join(", ")}`,
  );
}
