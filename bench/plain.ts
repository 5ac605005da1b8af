/**
 * The same work in plain TypeScript loops: the peers named `typescript`, and what the integer kernels
 * must equal. Each is the fastest plain form that we found, not a slow one to look good against; where a
 * trick on the bits is much faster yet, it is a peer of its own.
 */

/**
 * Zeroes every weight whose magnitude is below the threshold; NaN stays.
 *
 * Forms without the branch by arithmetic on the numbers were slower in V8, see `pruneBits`.
 */
export function prune(w: Float32Array, threshold: number): number {
  let zeroed = 0;
  for (let i = 0; i < w.length; i++) {
    if (Math.abs(w[i]) < threshold) {
      if (w[i] !== 0) zeroed += 1;
      w[i] = 0;
    }
  }
  return zeroed;
}

/**
 * `prune` by integer operations on the bits of finite weights: magnitudes order as their bits do. Without
 * a branch to mispredict it is six times as fast on random weights, and nothing that one would write first.
 */
export function pruneBits(w: Float32Array, threshold: number): number {
  const bits = new Int32Array(w.buffer, w.byteOffset, w.length);
  const limit = new Int32Array(Float32Array.of(threshold).buffer)[0];
  let zeroed = 0;
  for (let i = 0; i < bits.length; i++) {
    const magnitude = bits[i] & 0x7fffffff;
    // All ones where the weight goes.
    const mask = (magnitude - limit) >> 31;
    // 1 where it goes and was not 0 yet.
    zeroed += mask & (-magnitude >>> 31);
    bits[i] &= ~mask;
  }
  return zeroed;
}

/** The k-th smallest magnitude, k from 0, by Hoare's quickselect. Linear on average; sorting takes 5 times as long. */
export function kthMagnitude(
  w: Float32Array,
  k: number,
  scratch: Float32Array = new Float32Array(w.length),
): number {
  for (let i = 0; i < w.length; i++) scratch[i] = Math.abs(w[i]);
  let low = 0;
  let high = w.length - 1;
  while (low < high) {
    const pivot = middleOf(scratch[low], scratch[(low + high) >> 1], scratch[high]);
    let i = low;
    let j = high;
    while (i <= j) {
      while (scratch[i] < pivot) i += 1;
      while (scratch[j] > pivot) j -= 1;
      if (i <= j) {
        const kept = scratch[i];
        scratch[i] = scratch[j];
        scratch[j] = kept;
        i += 1;
        j -= 1;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else break;
  }
  return scratch[k];
}

const middleOf = (a: number, b: number, c: number): number =>
  Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));

/** Zeroes the floor(sparsity * length) smallest magnitudes, of equal ones the first. No weight is NaN. */
export function pruneToSparsity(w: Float32Array, sparsity: number, scratch?: Float32Array): number {
  const wanted = Math.floor(sparsity * w.length);
  if (wanted === 0) return 0;
  const limit = kthMagnitude(w, wanted - 1, scratch);
  let below = 0;
  for (let i = 0; i < w.length; i++) below += Math.abs(w[i]) < limit ? 1 : 0;
  let ties = wanted - below;
  let zeroed = 0;
  for (let i = 0; i < w.length; i++) {
    const magnitude = Math.abs(w[i]);
    if (magnitude > limit) continue;
    if (magnitude === limit) {
      if (ties === 0) continue;
      ties -= 1;
    }
    if (magnitude !== 0) zeroed += 1;
    w[i] = 0;
  }
  return zeroed;
}

export interface Quantized {
  readonly codes: Int8Array;
  /** Quotients that round to something outside [-127, 127], infinite ones too. */
  readonly saturated: number;
  readonly nan: number;
}

// Each rounding is a loop of its own, in the order of tests that was fastest in V8: a flag inside costs a third.
// A quotient of two f32 in double precision is never rounded across an integer or a half of a code.

/** floor(weight / divisor) into codes, saturated to [-127, 127]; NaN becomes 0. */
export function quantizeFloor(w: Float32Array, divisor: number, codes: Int8Array): Quantized {
  let saturated = 0;
  let nan = 0;
  for (let i = 0; i < w.length; i++) {
    const code = Math.floor(w[i] / divisor);
    if (code >= -127 && code <= 127) codes[i] = code;
    else if (Number.isNaN(code)) {
      codes[i] = 0;
      nan += 1;
    } else {
      codes[i] = code > 0 ? 127 : -127;
      saturated += 1;
    }
  }
  return { codes, saturated, nan };
}

// A double of this size has no bits left for a fraction: adding it rounds half to even.
const ROUNDER = 1.5 * 2 ** 52;

/** The same, rounded half to even. */
export function quantizeHalfEven(w: Float32Array, divisor: number, codes: Int8Array): Quantized {
  let changed = 0;
  let nan = 0;
  for (let i = 0; i < w.length; i++) {
    const code = w[i] / divisor + ROUNDER - ROUNDER;
    const bounded = code > 127 ? 127 : code < -127 ? -127 : code;
    // NaN is not equal to itself and counts as changed.
    changed += bounded === code ? 0 : 1;
    nan += Number.isNaN(code) ? 1 : 0;
    codes[i] = bounded;
  }
  return { codes, saturated: changed - nan, nan };
}

/** Half to even, each column of w[..][divisor.length] by its own divisor. */
export function quantizePerChannel(w: Float32Array, divisor: Float32Array, codes: Int8Array): Quantized {
  const channels = divisor.length;
  let saturated = 0;
  let nan = 0;
  for (let row = 0; row < w.length; row += channels) {
    for (let channel = 0; channel < channels; channel++) {
      const code = w[row + channel] / divisor[channel] + ROUNDER - ROUNDER;
      if (code >= -127 && code <= 127) codes[row + channel] = code;
      else if (Number.isNaN(code)) {
        codes[row + channel] = 0;
        nan += 1;
      } else {
        codes[row + channel] = code > 0 ? 127 : -127;
        saturated += 1;
      }
    }
  }
  return { codes, saturated, nan };
}

/** x u7[rows][inputs] times w s8[inputs][outputs]: sums i32[rows][outputs], exact while inputs <= 133144. */
export function multiply(
  x: Uint8Array,
  w: Int8Array,
  rows: number,
  inputs: number,
  outputs: number,
): Int32Array {
  const sums = new Int32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let input = 0; input < inputs; input++) {
      const code = x[row * inputs + input];
      for (let output = 0; output < outputs; output++) {
        sums[row * outputs + output] += code * w[input * outputs + output];
      }
    }
  }
  return sums;
}

/** clamp(roundHalfEven(f32(sum) * mult) + zero, 0, 127), one f32 multiplier an output. */
export function requantize(sums: Int32Array, mult: Float32Array, zero: number): Uint8Array {
  const codes = new Uint8Array(sums.length);
  for (let i = 0; i < sums.length; i++) {
    const real = Math.fround(Math.fround(sums[i]) * mult[i % mult.length]);
    codes[i] = Math.min(Math.max(real + ROUNDER - ROUNDER + zero, 0), 127);
  }
  return codes;
}
