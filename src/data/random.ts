// A small seeded generator whose whole state is four 32-bit words. Every number is made with integer
// operations, + - * / and sqrt alone, which all engines round alike: no Math.log or Math.sin, so a seed
// gives the same numbers everywhere.
//
// xoshiro128**, Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c

/** The four words of a generator, plain data that a checkpoint can hold. */
export type RandomState = readonly [number, number, number, number];

export interface Random {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A multiple of 2^-32 in [0, 1), or of the same grain in [low, high). */
  uniform(low?: number, high?: number): number;
  /** Normally distributed, mean 0 and deviation 1 unless given. */
  normal(mean?: number, deviation?: number): number;
  /** An unbiased integer in [0, n), n in [1, 2^32]. */
  below(n: number): number;
  /** Shuffles in place (Fisher-Yates) and returns what it was given. */
  shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T;
  /** A copy of the state: `createRandom(random.state())` goes on exactly here. */
  state(): RandomState;
}

/**
 * Makes a generator.
 *
 * @param seed any integer in [-2^53, 2^53], or a state saved by `state()`
 * @returns a generator that yields the same numbers for the same seed in every engine
 * @throws RangeError where the seed is no safe integer, or the state is not four uint32 with one above 0
 */
export function createRandom(seed: number | RandomState): Random {
  let [a, b, c, d] = typeof seed === "object" ? checkState(seed) : spread(seed);

  function uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotateLeft(d, 11);
    return scrambled;
  }

  function uniform(low = 0, high = 1): number {
    return low + (high - low) * (uint32() * 2 ** -32);
  }

  function normal(mean = 0, deviation = 1): number {
    // Marsaglia's polar method. Its second number is thrown away, so that the state stays four words.
    for (;;) {
      const x = uint32() * 2 ** -31 - 1;
      const y = uint32() * 2 ** -31 - 1;
      const square = x * x + y * y;
      if (square > 0 && square < 1)
        return mean + deviation * x * Math.sqrt((-2 * naturalLog(square)) / square);
    }
  }

  function below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32)
      throw new RangeError(`below: n is in [1,2^32], got ${n}`);
    // Words at or above the last whole multiple of n are drawn again: no remainder is favoured.
    const limit = 2 ** 32 - (2 ** 32 % n);
    for (;;) {
      const word = uint32();
      if (word < limit) return word % n;
    }
  }

  function shuffle<T extends { [index: number]: unknown; length: number }>(items: T): T {
    for (let i = items.length - 1; i > 0; i--) {
      const j = below(i + 1);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
    return items;
  }

  return { uint32, uniform, normal, below, shuffle, state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0] };
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

/** Four well-mixed words from one seed (splitmix32), so that neighbouring seeds have nothing in common. */
function spread(seed: number): [number, number, number, number] {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed is a safe integer, got ${seed}`);
  // Both halves of the seed count: the high one is mixed before it meets the low one.
  let word = mix(Math.floor(seed / 2 ** 32) | 0) ^ (seed | 0);
  const next = () => {
    word = (word + 0x9e3779b9) | 0;
    return mix(word);
  };
  return [next(), next(), next(), next() | 1]; // all four zero is the one forbidden state
}

function mix(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}

function checkState(state: RandomState): RandomState {
  const words = Array.isArray(state) && state.length === 4 && state.every((word) => word >>> 0 === word);
  if (!words || state.every((word) => word === 0)) {
    throw new RangeError(`random state is four uint32, not all 0, got [${state}]`);
  }
  return state;
}

/** ln(x) for x in (0, 1], within 2 ulp, by + - * / alone: the atanh series at (x - 1) / (x + 1). */
export function naturalLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  const s = (mantissa - 1) / (mantissa + 1); // |s| <= 0.172: the first term left out is below 2^-53
  const z = s * s;
  let series = 1 / 21;
  for (let odd = 19; odd >= 1; odd -= 2) series = series * z + 1 / odd;
  return exponent * Math.LN2 + 2 * s * series;
}
