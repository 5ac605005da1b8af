/** Integer division of weights by a divisor, and back. */

import type { Engine } from "../../wasm/index.js";
import type { TrainKernel } from "../train-set.js";
import { checkChannels, checkOneOf, checkWeights, describe } from "./check.js";
import { current, isA, locate, stream } from "./stream.js";
import type { Codes, CodesOf, CodeType, Quantized, QuantizeOptions } from "./types.js";

const roundings = ["floor", "trunc", "halfEven"];
const arrays = { s8: Int8Array, i16: Int16Array, i32: Int32Array };
const names = { s8: "Int8Array", i16: "Int16Array", i32: "Int32Array" };
const types = Object.keys(arrays) as CodeType[];

export function quantize<Type extends CodeType>(
  { heap, kernels }: Engine<TrainKernel>,
  w: Float32Array,
  options: QuantizeOptions<Type>,
): Quantized<Type> {
  checkWeights(w);
  const { divisor, rounding = "halfEven", output = "s8" as Type } = options;
  checkOneOf("rounding", rounding, roundings);
  checkOneOf("output", output, types);
  const divisors = repeatDivisors(divisor, w.length);
  const codes = (options.out ?? new arrays[output](w.length)) as CodesOf[Type];
  if (!isA(codes, names[output])) {
    throw new TypeError(`out: wanted a ${names[output]} for output ${output}, got ${describe(codes)}`);
  }
  if (codes.length !== w.length) throw new RangeError(`out: wanted ${w.length} codes, got ${codes.length}`);
  const kernel = kernels[`f32_${output}_quantize`];
  const from = locate(heap, w);
  const to = locate<Codes>(heap, codes);
  const period = divisors.length;
  return heap.run((alloc) => {
    const divisorsAt = alloc(period * 4);
    const counts = alloc(8);
    heap.f32(divisorsAt, period).set(divisors);
    heap.i32(counts, 2).fill(0);
    stream(
      heap,
      [
        { at: to, writes: true },
        { at: from, reads: true },
      ],
      (count, [out, address]) => {
        kernel(out, counts, address, divisorsAt, count, period, roundings.indexOf(rounding));
      },
      period,
    );
    const [saturated, nan] = heap.i32(counts, 2);
    return { codes: current(heap, to) as CodesOf[Type], saturated, nan };
  });
}

export function dequantize(
  { heap, kernels }: Engine<TrainKernel>,
  codes: Codes,
  divisor: number | Float32Array,
  out: Float32Array = new Float32Array(codes?.length ?? 0),
): Float32Array {
  const type = types.find((known) => isA(codes, names[known]));
  if (!type) throw new TypeError(`codes: wanted Int8Array, Int16Array or Int32Array, got ${describe(codes)}`);
  checkWeights(out, "out");
  if (out.length !== codes.length) {
    throw new RangeError(`out: wanted ${codes.length} weights, got ${out.length}`);
  }
  const divisors = repeatDivisors(divisor, codes.length);
  const kernel = kernels[`${type}_f32_dequantize_rows`];
  const from = locate(heap, codes);
  const to = locate(heap, out);
  const period = divisors.length;
  return heap.run((alloc) => {
    const divisorsAt = alloc(period * 4);
    heap.f32(divisorsAt, period).set(divisors);
    stream(
      heap,
      [
        { at: to, writes: true },
        { at: from, reads: true },
      ],
      (count, [address, code]) => {
        kernel(address, code, divisorsAt, count, period);
      },
      period,
    );
    return current(heap, to);
  });
}

/** Checked divisors, a copy, repeated so that the kernels have long rows. */
function repeatDivisors(divisor: number | Float32Array, length: number): Float32Array {
  if (typeof divisor !== "number") checkWeights(divisor, "divisor");
  const given = typeof divisor === "number" ? Float32Array.of(divisor) : divisor;
  if (given.length === 0) throw new RangeError("divisor: wanted at least one, got none");
  checkChannels(length, given.length, "divisor");
  const wrong = given.findIndex((value) => !(value > 0 && Number.isFinite(value)));
  if (wrong >= 0) {
    const got = typeof divisor === "number" ? divisor : `${given[wrong]} at ${wrong}`;
    throw new RangeError(`divisor: wanted finite f32 numbers > 0, got ${got}`);
  }
  const repeated = new Float32Array(longPeriod(given.length, length));
  for (let at = 0; at < repeated.length; at += given.length) repeated.set(given, at);
  return repeated;
}

const LONG = 4096;

/**
 * A multiple of `channels` that makes long rows, so that their ends, which run one weight at a time, are
 * rare; a multiple of 16 where there is more than one row.
 */
export function longPeriod(channels: number, length: number): number {
  const repeats = Math.ceil(Math.min(LONG, length) / channels);
  if (repeats <= 1) return channels;
  return channels * Math.ceil(repeats / 16) * 16;
}
