/** DATA on the command line -> samples for the inputs of a model. */

import { applyScale, type NdArray, type NumberArray, readArray } from "../data/index.js";
import type { ValueInfo } from "../runtime.js";
import { UsageError } from "./errors.js";
import { isPictures, readPictures } from "./images.js";
import { oddSamples, unscaledBytes } from "./odd-samples.js";
import type { Scaling } from "./options.js";

export interface Samples {
  readonly count: number;
  /** f32[count * size of a sample], by the name of the input. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
}

/**
 * Reads what the inputs of a model get.
 *
 * @param specs a path for a model with one input; NAME=PATH for each input of one with several
 * @param warn told of samples that are hardly meant to be so; nobody unless given
 * @throws UsageError where an input is missing, unknown or given twice; RangeError where a file does not
 *   hold whole samples
 */
export async function readSamples(
  specs: readonly string[],
  inputs: readonly ValueInfo[],
  scaling: Scaling,
  warn: (message: string) => void = () => {},
): Promise<Samples> {
  const paths = pathsByInput(specs, inputs);
  const named: Record<string, Float32Array> = {};
  let count = -1;
  for (const input of inputs) {
    const path = paths.get(input.name) as string;
    const array = (await isPictures(path)) ? await readPictures(path, input.shape) : await readArray(path);
    const samples = countSamples(array, input, path);
    if (count >= 0 && samples !== count) {
      throw new RangeError(`${path}: wanted ${count} samples as in the other inputs, got ${samples}`);
    }
    count = samples;
    named[input.name] = toFloat32(array, scaling);
    wantFinite(named[input.name], path, sizeOf(input.shape));
    if (scaling.scale === undefined) for (const hint of unscaledBytes(array.data, path)) warn(hint);
    for (const words of oddSamples(named[input.name], samples, path)) warn(words);
  }
  return { count, inputs: named };
}

function pathsByInput(specs: readonly string[], inputs: readonly ValueInfo[]): Map<string, string> {
  const names = inputs.map(({ name }) => name);
  const paths = new Map<string, string>();
  for (const spec of specs) {
    // A path may hold "=" itself: only the name of an input before it makes it NAME=PATH.
    const named = names.find((name) => spec.startsWith(`${name}=`));
    if (named === undefined && names.length > 1) {
      throw new UsageError(`${spec}: wanted NAME=PATH for each input: ${names.join(", ")}`);
    }
    const name = named ?? names[0];
    if (paths.has(name)) throw new UsageError(`input ${name} is given twice`);
    paths.set(name, named === undefined ? spec : spec.slice(name.length + 1));
  }
  const missing = names.filter((name) => !paths.has(name));
  if (missing.length > 0) throw new UsageError(`no data for input ${missing.join(", ")}`);
  return paths;
}

/**
 * A sample may lie in the file in another shape, such as 28 x 28 for 784, but not across its rows. One alone has the
 * shape of the input, or none: any other may be a batch of another size.
 */
function countSamples({ shape, data }: NdArray, input: ValueInfo, path: string): number {
  const size = sizeOf(input.shape);
  const wanted = `wanted [samples, ${input.shape.join(", ")}]`;
  if (data.length === 0) throw new RangeError(`${path}: ${wanted}, got no numbers`);
  if (data.length === shape[0] * size) return shape[0];
  const sizes = withoutOnes(shape);
  if (data.length === size && (sizes.length < 2 || sizes.join() === withoutOnes(input.shape).join()))
    return 1;
  throw new RangeError(`${path}: ${wanted}, ${size} numbers each, got [${shape.join(", ")}]`);
}

const withoutOnes = (shape: readonly number[]) => shape.filter((dim) => dim !== 1);

function toFloat32({ data }: NdArray, { scale = 1, offset = 0 }: Scaling): Float32Array {
  if (scale === 1 && offset === 0 && data instanceof Float32Array) return data;
  return applyScale(data, scale, offset);
}

/**
 * Codes have no NaN: it would become some number, and the answer look like one.
 *
 * @param size numbers of a sample, where there are samples
 * @throws RangeError naming the first number that is not finite, and `what` it is in
 */
export function wantFinite(data: NumberArray, what: string, size?: number): void {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const place = size === undefined ? `at ${at}` : `in sample ${Math.floor(at / size)} at ${at % size}`;
  throw new RangeError(`${what}: wanted finite numbers, got ${data[at]} ${place}`);
}

/** Samples [begin, end) of each input, as views. */
export function slice(samples: Samples, begin: number, end: number): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(samples.inputs).map(([name, data]) => {
      const size = data.length / samples.count;
      return [name, data.subarray(begin * size, end * size)];
    }),
  );
}

/** Numbers in a shape without batch. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
