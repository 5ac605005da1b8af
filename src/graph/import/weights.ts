/** The weight data of a tfjs model: where each tensor lies, and its numbers once asked for. */

import { UnsupportedError } from "../errors.js";
import { formatShape, sizeOf } from "../shape.js";
import type { F32Weight, I32Weight } from "../types.js";
import type { ModelArtifacts, WeightSpec } from "./artifacts.js";
import { halfToSingle } from "./half.js";

export interface StoredTensor {
  readonly spec: WeightSpec;
  readonly bytes: Uint8Array;
}

const widths: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  complex64: 8,
  bool: 1,
  uint8: 1,
  uint16: 2,
  float16: 2,
};

/**
 * Finds every tensor in the data, without decoding any.
 *
 * @returns name to tensor, in the file's order; names that come again have numbers
 * @throws RangeError where the data is shorter or longer than the specs say
 * @throws UnsupportedError where the bytes of a dtype are unknown
 */
export function locateTensors({
  weightSpecs,
  weightData,
}: ModelArtifacts): ReadonlyMap<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const counts = new Map<string, number>();
  let offset = 0;
  for (const spec of weightSpecs) {
    const { name, shape } = spec;
    if (!shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) {
      throw new RangeError(`weight ${name}: wanted sizes that are integers >= 0, got ${formatShape(shape)}`);
    }
    const wanted = sizeOf(shape) * storedWidth(spec);
    const got = Math.min(wanted, weightData.length - offset);
    if (got !== wanted)
      throw new RangeError(`weight ${name}: wanted ${wanted} bytes at ${offset}, got ${got}`);
    let key = name;
    let count = counts.get(name) ?? 1;
    while (tensors.has(key)) key = `${name} (${++count})`;
    counts.set(name, count);
    tensors.set(key, { spec, bytes: weightData.subarray(offset, offset + wanted) });
    offset += wanted;
  }
  if (offset !== weightData.length) {
    throw new RangeError(`weight data: wanted ${offset} bytes, got ${weightData.length}`);
  }
  return tensors;
}

function storedWidth({ name, dtype, quantization }: WeightSpec): number {
  const stored = quantization?.dtype ?? dtype;
  if (!Object.hasOwn(widths, stored)) throw new UnsupportedError([`weight of dtype ${stored} (${name})`]);
  return widths[stored];
}

/**
 * The numbers of one tensor.
 *
 * @throws UnsupportedError for complex numbers
 * @throws RangeError for a scale or minimum that is not finite
 */
export function decodeTensor({ spec, bytes }: StoredTensor): F32Weight | I32Weight {
  const { shape, dtype, quantization } = spec;
  const codes = readCodes(bytes, quantization?.dtype ?? dtype, spec);
  const values = quantization && quantization.dtype !== "float16" ? dequantize(codes, spec) : codes;
  if (dtype === "float32") {
    return { dtype: "f32", shape, data: values instanceof Float32Array ? values : Float32Array.from(values) };
  }
  // Math.round as tfjs has it, for quantized integers.
  return {
    dtype: "i32",
    shape,
    data: values instanceof Int32Array ? values : Int32Array.from(values, Math.round),
  };
}

type Codes = Float32Array | Float64Array | Int32Array | Uint8Array | Uint16Array;

function readCodes(bytes: Uint8Array, stored: string, { name }: WeightSpec): Codes {
  // A copy of its own: it is aligned, and does not keep the whole file alive.
  const { buffer } = bytes.slice();
  switch (stored) {
    case "float32":
      return new Float32Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint16":
      return new Uint16Array(buffer);
    case "float16":
      return Float32Array.from(new Uint16Array(buffer), halfToSingle);
    case "uint8":
    case "bool":
      return new Uint8Array(buffer);
    default:
      throw new UnsupportedError([`weight of dtype ${stored} (${name})`]);
  }
}

/** value = code * scale + min in f64; the caller rounds once, to f32, as tfjs does. */
function dequantize(codes: Codes, { name, quantization }: WeightSpec): Float64Array {
  const { scale, min } = quantization ?? {};
  if (!Number.isFinite(scale) || !Number.isFinite(min)) {
    throw new RangeError(`weight ${name}: wanted a finite scale and min, got ${scale} and ${min}`);
  }
  return Float64Array.from(codes, (code) => code * (scale as number) + (min as number));
}
