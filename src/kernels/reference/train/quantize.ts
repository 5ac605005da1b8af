/** Plain-loop oracles of the quantizers: divisors[i % period] is the divisor of weight i. */

import type { Heap, Kernel } from "../../../wasm/index.js";

type Codes = Int8Array | Int16Array | Int32Array;
type View = (address: number, length: number) => Codes;

export function quantizeKernels(heap: Heap) {
  const s8: View = (address, length) => heap.s8(address, length);
  const i16: View = (address, length) => heap.i16(address, length);
  const i32: View = (address, length) => heap.i32(address, length);

  const quantize = (view: View, limit: number): Kernel => {
    return (codes, counts, w, divisors, n, period, rounding) => {
      const out = view(codes, n);
      const found = heap.i32(counts, 2);
      const weights = heap.f32(w, n);
      const divisor = heap.f32(divisors, period);
      const round = [Math.floor, Math.trunc, halfEven][rounding];
      for (let i = 0; i < n; i++) {
        const rounded = round(weights[i] / divisor[i % period]);
        if (Number.isNaN(rounded)) found[1] += 1;
        if (Math.abs(rounded) > limit) found[0] += 1;
        // A typed array stores NaN as 0.
        out[i] = Math.min(Math.max(rounded, -limit), limit);
      }
      return 0;
    };
  };

  const dequantize = (view: View): Kernel => {
    return (w, codes, divisors, n, period) => {
      const out = heap.f32(w, n);
      const from = view(codes, n);
      const divisor = heap.f32(divisors, period);
      for (let i = 0; i < n; i++) out[i] = Math.fround(from[i]) * divisor[i % period];
      return 0;
    };
  };

  return {
    f32_s8_quantize: quantize(s8, 127),
    f32_i16_quantize: quantize(i16, 32767),
    f32_i32_quantize: quantize(i32, 2147483647),
    s8_f32_dequantize_rows: dequantize(s8),
    i16_f32_dequantize_rows: dequantize(i16),
    i32_f32_dequantize_rows: dequantize(i32),
  };
}

/** Round half to even of an f64. */
function halfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest < 0.5 || Number.isNaN(rest)) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}
