// Arrays from disk: the content says what a file is, its name only where the content cannot (CSV). Every
// refusal names the path.

import { FormatError } from "../file/errors.js";
import { type CsvOptions, type CsvTable, parseCsv } from "./csv.js";
import { csvMatrix } from "./csv-columns.js";
import { isIdx, parseIdx } from "./idx.js";
import type { NdArray } from "./ndarray.js";
import { isNpy, parseNpy } from "./npy.js";

export interface ReadOptions {
  /** The most bytes a file may have, before and after gunzip; 2 GiB unless given. */
  readonly maxBytes?: number;
  /** How a .csv is read. */
  readonly csv?: CsvOptions;
}

/** `count` images of rows x columns pixels, one after the other, and a label for each. */
export interface DigitSet {
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

const DEFAULT_MAX_BYTES = 2 ** 31;

/**
 * Reads a .npy, IDX or numeric .csv file, any of them gzipped.
 *
 * @param path of the file
 * @param options size limit and CSV options
 * @returns the array; a CSV is float64[rows, columns]
 * @throws FormatError naming the path: `data-size`, `data-empty`, `data-unknown`, `gzip-size`,
 *   `gzip-corrupt`, or the code of the format; Error with a cause where the disk says no
 */
export async function readArray(path: string, options: ReadOptions = {}): Promise<NdArray> {
  const bytes = await readBytes(path, options);
  return named(path, () => parseArray(bytes, path, options.csv));
}

/**
 * Reads a CSV file whose cells need not be numbers, gzipped or not, whatever its name.
 *
 * @param path of the file
 * @param options size limit and CSV options
 * @param take what to make of the table; the path is put before what it refuses
 * @throws FormatError naming the path: `data-size`, `gzip-size`, `gzip-corrupt`, `csv-utf8` or another code
 *   of CSV; Error with a cause where the disk says no
 */
export async function readCsv<T>(
  path: string,
  options: ReadOptions,
  take: (table: CsvTable) => T,
): Promise<T> {
  const bytes = await readBytes(path, options);
  return named(path, () => take(parseCsv(decodeText(bytes), options.csv)));
}

/**
 * Reads bytes that are already in memory, and not gzipped, as `readArray` does.
 *
 * @param bytes the whole file
 * @param name of the file: one that ends in .csv or .csv.gz is read as CSV
 * @param csv how CSV is read
 * @throws FormatError `data-empty`, `data-unknown`, or the code of the format
 */
export function parseArray(bytes: Uint8Array, name: string, csv?: CsvOptions): NdArray {
  if (bytes.length === 0) throw new FormatError("data-empty", "the file is empty");
  if (isNpy(bytes)) return parseNpy(bytes);
  if (isIdx(bytes)) return parseIdx(bytes);
  if (/\.csv(\.gz)?$/i.test(name)) {
    const { shape, data, dtype } = csvMatrix(parseCsv(decodeText(bytes), csv));
    return { shape, data, dtype };
  }
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw new FormatError(
    "data-unknown",
    `neither .npy nor IDX, and not named .csv, .jpg or .png; it begins with ${start}`,
  );
}

/**
 * Reads a folder that holds the four files of MNIST, gzipped or not.
 *
 * @param folder with {train,t10k}-{images-idx3,labels-idx1}-ubyte; the spelling images.idx3-ubyte is read too
 * @param options size limit, for each file
 * @returns the training and the test set
 * @throws FormatError `digits-missing` listing every absent file, `digits-shape` where images are not
 *   uint8[count, rows, columns] with a uint8 label each, or what `readArray` throws
 */
export async function readDigits(
  folder: string,
  options: ReadOptions = {},
): Promise<{ train: DigitSet; test: DigitSet }> {
  const names = ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"];
  const paths = await Promise.all(names.map((name) => findDigitFile(folder, `${name}-ubyte`)));
  const missing = names.filter((_, i) => paths[i] === null).map((name) => `${name}-ubyte`);
  if (missing.length > 0) {
    throw new FormatError("digits-missing", `${folder}: missing ${missing.join(", ")} (each may end in .gz)`);
  }
  // One after the other: the training images are the only large file, two at once would gain nothing.
  const [trainImages, trainLabels, testImages, testLabels] = paths as string[];
  return {
    train: await readDigitSet(trainImages, trainLabels, options),
    test: await readDigitSet(testImages, testLabels, options),
  };
}

async function findDigitFile(folder: string, name: string): Promise<string | null> {
  const { join } = fromNode("node:path");
  const { stat } = fromNode("node:fs/promises");
  const dotted = name.replace(/-(idx\d)/, ".$1");
  for (const candidate of [name, `${name}.gz`, dotted, `${dotted}.gz`]) {
    const path = join(folder, candidate);
    if ((await stat(path).catch(() => null))?.isFile()) return path;
  }
  return null;
}

async function readDigitSet(imagePath: string, labelPath: string, options: ReadOptions): Promise<DigitSet> {
  const images = await readArray(imagePath, options);
  const labels = await readArray(labelPath, options);
  const [count, rows, columns] = images.shape;
  if (images.dtype !== "uint8" || images.shape.length !== 3) {
    throw new FormatError(
      "digits-shape",
      `${imagePath}: want uint8[count,rows,columns], got ${images.dtype}[${images.shape}]`,
    );
  }
  if (labels.dtype !== "uint8" || labels.shape.length !== 1 || labels.shape[0] !== count) {
    throw new FormatError(
      "digits-shape",
      `${labelPath}: want uint8[${count}], got ${labels.dtype}[${labels.shape}]`,
    );
  }
  return { images: images.data as Uint8Array, labels: labels.data as Uint8Array, count, rows, columns };
}

async function readBytes(path: string, { maxBytes = DEFAULT_MAX_BYTES }: ReadOptions): Promise<Uint8Array> {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1) {
    throw new RangeError(`maxBytes: wanted an integer of at least 1, got ${maxBytes}`);
  }
  const { readFile, stat } = fromNode("node:fs/promises");
  let bytes: Uint8Array;
  try {
    const { size } = await stat(path); // before reading, so that a huge file costs nothing
    if (size > maxBytes) {
      throw new FormatError("data-size", `${path}: ${size} bytes, the limit is ${maxBytes} (maxBytes)`);
    }
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    // Node ends its own with the call and the path once more: "..., stat 'x.npy'".
    const reason = (error as Error).message.replace(/, \w+( '.*')?$/s, "");
    throw new Error(`cannot read ${path}: ${reason}`, { cause: error });
  }
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, path, maxBytes) : bytes;
}

async function gunzip(bytes: Uint8Array, path: string, maxBytes: number): Promise<Uint8Array> {
  const zlib = fromNode("node:zlib");
  const { promisify } = fromNode("node:util");
  const { constants } = fromNode("node:buffer");
  try {
    // maxOutputLength stops the inflater as it passes the limit: a bomb never gets its memory.
    return await promisify(zlib.gunzip)(bytes, {
      maxOutputLength: Math.min(maxBytes, constants.MAX_LENGTH),
      chunkSize: 2 ** 18,
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw new FormatError("gzip-size", `${path}: inflates beyond ${maxBytes} bytes (maxBytes)`);
    }
    throw new FormatError("gzip-corrupt", `${path}: ${message}`);
  }
}

function decodeText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FormatError("csv-utf8", "csv: the text is not UTF-8");
  }
}

/** Runs a parser and puts the path before the message of what it refuses. */
function named<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(error.code, `${path}: ${error.message}`);
    throw error;
  }
}

interface Modules {
  "node:buffer": typeof import("node:buffer");
  "node:fs/promises": typeof import("node:fs/promises");
  "node:path": typeof import("node:path");
  "node:util": typeof import("node:util");
  "node:zlib": typeof import("node:zlib");
}

/** A module of Node. Not `import()`, which bundlers follow into browser builds, where they fail on it. */
function fromNode<Name extends keyof Modules>(name: Name): Modules[Name] {
  const host = globalThis.process as { getBuiltinModule?: (name: string) => unknown } | undefined;
  if (!host?.getBuiltinModule) throw new Error(`files on disk need Node >= 20.16: ${name} is not here`);
  return host.getBuiltinModule(name) as Modules[Name];
}
