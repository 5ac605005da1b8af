import { afterEach, describe, expect, test, vi } from "vitest";
import { createRandom, type Random } from "../../src/data/random.js";
import { type BlockPattern, createKernels, type Kernels } from "../../src/kernels/index.js";
import { trainSet } from "../../src/kernels/train-set.js";
import type { Allocator } from "../../src/wasm/index.js";
import { variantsHere } from "./variants.js";

// Around the pieces that arrays are copied in, and on both sides of where the selection samples.
const sizes = [0, 1, 5, 16_383, 16_384, 16_385, 32_767, 32_768, 70_001];

function normal(seed: number, n: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: n }, () => random.normal());
}

const contents: Record<string, (random: Random, i: number) => number> = {
  normal: (random) => random.normal(),
  "many ties": (random) => (random.below(21) - 10) / 8,
  "half zeros": (random) => (random.below(2) ? 0 : random.normal()),
  "all alike": () => -0.75,
  sorted: (_random, i) => i - 20_000,
  // The k-th is far from what nearly all of a sample says.
  steps: (_random, i) => 2 ** ((i % 1024) / 64),
  "not numbers": (random) =>
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, random.normal()][random.below(4)],
  "only NaN": () => Number.NaN,
  tiny: (random) => random.normal() * 1e-42,
};
const filled = (name: string, n: number): Float32Array => {
  const random = createRandom(7);
  return Float32Array.from({ length: n }, (_, i) => contents[name](random, i));
};

/** Indices of the numbers, smallest magnitude first, of equal ones the first. */
function byMagnitude(w: Float32Array): number[] {
  const numbers = [...w.keys()].filter((i) => !Number.isNaN(w[i]));
  return numbers.sort((a, b) => Math.abs(w[a]) - Math.abs(w[b]) || a - b || 0);
}

describe.each(variantsHere(trainSet))("kernels on %s", (variant) => {
  const kernels = createKernels({ variant });

  test("says its variant", () => {
    expect(kernels.variant).toBe(variant === "relaxed16" ? "relaxed" : variant);
  });

  test.each(sizes)("prune %i weights", (n) => {
    for (const mode of ["magnitude", "signed"] as const) {
      const w = normal(n, n);
      const threshold = Math.fround(0.7);
      const goes = (x: number) => (mode === "signed" ? x : Math.abs(x)) < threshold;
      const wanted = w.map((x) => (goes(x) ? 0 : x));
      expect(kernels.prune(w, threshold, { mode })).toBe(wanted.filter((x) => x === 0).length);
      same(w, wanted);
      expect(kernels.prune(w, threshold, { mode })).toBe(0);
    }
  });

  test("prune keeps NaN, infinities and weights equal to the threshold; a view is one too", () => {
    const w = Float32Array.of(9, Number.NaN, Number.POSITIVE_INFINITY, 0.5, -0.5, 0.25, -0, 1e-45, 9);
    expect(kernels.prune(w.subarray(1, 8), 0.5)).toBe(2);
    expect([...w]).toEqual([9, Number.NaN, Number.POSITIVE_INFINITY, 0.5, -0.5, 0, 0, 0, 9]);
  });

  test.each(Object.keys(contents))("prune to a sparsity: %s", (name) => {
    for (const n of [0, 1, 7, 1000, 40_000]) {
      const w = filled(name, n);
      const order = byMagnitude(w);
      for (const sparsity of [0, 0.1, 0.5, 0.9, 0.999, 1]) {
        const target = Math.floor(sparsity * n);
        const wanted = w.slice();
        for (const i of order.slice(0, target)) wanted[i] = 0;
        const pruned = w.slice();
        const zeroed = kernels.pruneToSparsity(pruned, sparsity);
        same(pruned, wanted, `${n} ${sparsity}`);
        expect(zeroed, `${n} ${sparsity}`).toBe(order.slice(0, target).filter((i) => w[i] !== 0).length);
        if (target === 0) continue;
        if (target > order.length) {
          expect(() => kernels.kthMagnitude(w, target)).toThrow(`wanted 1 to ${order.length}, the number`);
        } else expect(kernels.kthMagnitude(w, target)).toBe(Math.abs(w[order[target - 1]]));
      }
    }
  });

  test.each(["1x4", "4x4", "2:4", "4:16", "1:3"] as const)("prune blocks of %s", (pattern) => {
    for (const [inputs, outputs] of [
      [0, 3],
      [3, 0],
      [1, 1],
      [7, 5],
      [33, 18],
      [64, 64],
    ]) {
      for (const name of ["normal", "many ties", "not numbers"]) {
        for (const sparsity of pattern.includes(":") ? [undefined] : [0, 0.3, 0.75, 1]) {
          const w = filled(name, inputs * outputs);
          const wanted = w.slice();
          for (const i of blocksToGo(w, inputs, outputs, pattern, sparsity ?? 0)) wanted[i] = 0;
          const changed = [...w.keys()].filter((i) => w[i] !== 0 && wanted[i] === 0).length;
          const target = sparsity === undefined ? {} : { sparsity };
          const zeroed = kernels.pruneBlocks(w, { inputs, outputs, pattern, ...target });
          same(w, wanted, `${inputs}x${outputs} ${name} ${sparsity}`);
          expect(zeroed).toBe(changed);
        }
      }
    }
  });

  test.each(sizes)("quantize %i weights", (n) => {
    const w = normal(n + 1, n);
    for (const [output, limit] of [
      ["s8", 127],
      ["i16", 32767],
      ["i32", 2147483647],
    ] as const) {
      for (const [rounding, round] of [
        ["floor", Math.floor],
        ["trunc", Math.trunc],
        ["halfEven", halfEven],
      ] as const) {
        const divisor = Math.fround(2 / limit);
        const rounded = Array.from(w, (x) => round(x / divisor));
        const { codes, saturated, nan } = kernels.quantize(w, { divisor, rounding, output });
        same(
          codes,
          codes.map((_, i) => Math.min(Math.max(rounded[i], -limit), limit)),
        );
        expect(saturated).toBe(rounded.filter((x) => Math.abs(x) > limit).length);
        expect(nan).toBe(0);
        const back = kernels.dequantize(codes, divisor);
        same(
          back,
          Float32Array.from(codes, (code) => Math.fround(code) * divisor),
        );
      }
    }
  });

  test.each([1, 3, 10, 64, 5000])("quantize and measure %i channels", (channels) => {
    const w = normal(channels, channels * 7);
    const absMax = kernels.absMax(w, { channels });
    const wanted = new Float32Array(channels);
    w.forEach((x, i) => {
      wanted[i % channels] = Math.max(wanted[i % channels], Math.abs(x));
    });
    expect(absMax).toEqual(wanted);
    const divisor = absMax.map((most) => most / 127);
    const { codes } = kernels.quantize(w, { divisor });
    same(
      codes,
      Int8Array.from(w, (x, i) => Math.min(Math.max(halfEven(x / divisor[i % channels]), -127), 127)),
    );
    same(
      kernels.dequantize(codes, divisor),
      Float32Array.from(codes, (code, i) => code * divisor[i % channels]),
    );
  });

  test("quantize counts what saturates and what is NaN", () => {
    const w = Float32Array.of(
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      300,
      -127.5,
      127.4,
      -0,
    );
    const { codes, saturated, nan } = kernels.quantize(w, { divisor: 1 });
    expect([...codes]).toEqual([0, 127, -127, 127, -127, 127, 0]);
    expect([saturated, nan]).toEqual([4, 1]);
    const out = new Int16Array(7);
    const large = kernels.quantize(w, { divisor: 1, output: "i16", rounding: "floor", out });
    expect(large.codes).toBe(out);
    expect([...out]).toEqual([0, 32767, -32767, 300, -128, 127, 0]);
    expect([large.saturated, large.nan]).toEqual([2, 1]);
  });

  test("floor rounds the exact quotient, not one rounded to f32", () => {
    const divisor = Math.fround(0.7);
    const w = new Float32Array(40).fill(3 * divisor);
    expect(w[0] / divisor).toBeLessThan(3);
    expect(Math.fround(w[0] / divisor)).toBe(3);
    const { codes } = kernels.quantize(w, { divisor, rounding: "floor" });
    expect(new Set(codes)).toEqual(new Set([2]));
  });

  test.each(sizes)("ranges of %i weights", (n) => {
    const w = normal(n + 2, n);
    expect(kernels.absMax(w)).toBe(w.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
    const min = w.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    const max = w.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    expect(kernels.minMax(w)).toEqual({ min, max });
    const { counts, below, above, nan } = kernels.histogram(w, { bins: 8, low: -1, high: 1 });
    const wanted = new Int32Array(8);
    for (const x of w) if (x >= -1 && x <= 1) wanted[Math.min(7, Math.floor(Math.fround(x + 1) * 4))] += 1;
    expect(counts).toEqual(wanted);
    expect([below, above, nan]).toEqual([w.filter((x) => x < -1).length, w.filter((x) => x > 1).length, 0]);
  });

  test("ranges pass NaN over", () => {
    const w = Float32Array.of(Number.NaN, -3, 2, Number.NaN);
    expect(kernels.absMax(w)).toBe(3);
    expect(kernels.minMax(w)).toEqual({ min: -3, max: 2 });
    expect(kernels.histogram(w, { bins: 1, low: 0, high: 2 })).toEqual({
      counts: Int32Array.of(1),
      below: 1,
      above: 0,
      nan: 2,
    });
    expect(kernels.absMax(Float32Array.of(Number.NaN, 1, 2, Number.NaN), { channels: 2 })).toEqual(
      Float32Array.of(2, 1),
    );
  });

  test("inside a host's memory that grows at every allocation", () => {
    const n = 50_000;
    const host = growingHost(4 * n * 4);
    const inside = createKernels({ variant, host });
    const source = normal(5, n);
    const place = (at: number) => new Float32Array(host.memory.buffer, at * n * 4, n);
    const own = createKernels({ variant });
    const wanted = source.slice();

    place(1).set(source);
    expect(inside.pruneToSparsity(place(1), 0.6)).toBe(own.pruneToSparsity(wanted, 0.6));
    same(place(1), wanted);
    const matrix = { inputs: 500, outputs: 100 };
    for (const options of [{ pattern: "1x4", sparsity: 0.7 }, { pattern: "2:4" }] as const) {
      expect(inside.pruneBlocks(place(1), { ...matrix, ...options })).toBe(
        own.pruneBlocks(wanted, { ...matrix, ...options }),
      );
      same(place(1), wanted);
    }
    expect(inside.kthMagnitude(place(1), 49_000)).toBe(own.kthMagnitude(wanted, 49_000));
    expect(inside.absMax(place(1), { channels: 10 })).toEqual(own.absMax(wanted, { channels: 10 }));
    expect(inside.minMax(place(1))).toEqual(own.minMax(wanted));

    const divisor = place(2).subarray(0, 10);
    divisor.set(own.absMax(wanted, { channels: 10 }).map((most) => most / 127));
    const divisors = divisor.slice();
    const quantized = own.quantize(wanted, { divisor: divisors });
    const out = new Int8Array(host.memory.buffer, 3 * n * 4, n);
    const { codes, ...counts } = inside.quantize(place(1), { divisor, out });
    expect(out.length).toBe(0); // the view ended, its bytes did not
    same(codes, quantized.codes);
    expect(codes.buffer).toBe(host.memory.buffer);
    expect([counts.saturated, counts.nan]).toEqual([quantized.saturated, quantized.nan]);
    const back = inside.dequantize(codes, divisors, { out: place(0) });
    same(back, own.dequantize(quantized.codes, divisors));
    expect(back.buffer).toBe(host.memory.buffer);
    // Half in, half out.
    same(inside.quantize(place(1), { divisor: divisors }).codes, quantized.codes);
    const there = new Int8Array(host.memory.buffer, 3 * n * 4, n);
    same(inside.quantize(wanted, { divisor: divisors, out: there }).codes, quantized.codes);
  });

  test("refuses what it cannot do, in words", () => {
    const w = new Float32Array(8);
    const refuses = (f: () => unknown, kind: new () => Error, message: string) => {
      expect(f).toThrow(kind);
      expect(f).toThrow(message);
    };
    const any = (value: unknown) => value as never;
    refuses(() => kernels.prune(any([1]), 1), TypeError, "w: wanted a Float32Array, got Array");
    refuses(() => kernels.prune(any(new Float64Array(1)), 1), TypeError, "got Float64Array");
    refuses(() => kernels.prune(w, any("1")), TypeError, "threshold: wanted a number, got string");
    refuses(
      () => kernels.prune(w, Number.NaN),
      RangeError,
      "threshold: wanted a finite number >= 0, got NaN",
    );
    refuses(() => kernels.prune(w, -1), RangeError, "got -1");
    refuses(() => kernels.prune(w, 1e39), RangeError, "got 1e+39");
    refuses(
      () => kernels.prune(w, 1, { mode: any("up") }),
      RangeError,
      "mode: wanted one of magnitude, signed, got up",
    );
    refuses(() => kernels.kthMagnitude(w, 0), RangeError, "k: wanted an integer in [1, 8], got 0");
    refuses(() => kernels.kthMagnitude(new Float32Array(0), 1), RangeError, "w: wanted at least one weight");
    refuses(() => kernels.pruneToSparsity(w, 1.1), RangeError, "sparsity: wanted a share in [0, 1], got 1.1");
    refuses(
      () => kernels.pruneToSparsity(w, any(undefined)),
      TypeError,
      "sparsity: wanted a number, got undefined",
    );
    const blocks = (pattern: string, sparsity?: number) => () =>
      kernels.pruneBlocks(w, {
        inputs: 4,
        outputs: 2,
        pattern: pattern as BlockPattern,
        ...(sparsity === undefined ? {} : { sparsity }),
      });
    refuses(blocks("4x4"), TypeError, "sparsity: wanted a number, got undefined");
    refuses(blocks("2:4", 0.5), RangeError, "sparsity: 2:4 has its own, got 0.5");
    refuses(blocks("5:4"), RangeError, "pattern: wanted 1x4, 4x4 or n:m");
    refuses(blocks("8x8", 0.5), RangeError, "pattern: wanted 1x4, 4x4 or n:m");
    refuses(
      () => kernels.pruneBlocks(w, { inputs: 3, outputs: 3, pattern: "1x4", sparsity: 0 }),
      RangeError,
      "inputs * outputs = 9 weights, got 8",
    );
    refuses(
      () => kernels.quantize(w, { divisor: 0 }),
      RangeError,
      "divisor: wanted finite f32 numbers > 0, got 0",
    );
    refuses(() => kernels.quantize(w, { divisor: 1e-60 }), RangeError, "got 1e-60");
    refuses(
      () => kernels.quantize(w, { divisor: Float32Array.of(1, Number.NaN) }),
      RangeError,
      "got NaN at 1",
    );
    refuses(
      () => kernels.quantize(w, { divisor: new Float32Array(3).fill(1) }),
      RangeError,
      "divides 8 weights, got 3",
    );
    refuses(
      () => kernels.quantize(w, { divisor: any([1]) }),
      TypeError,
      "divisor: wanted a Float32Array, got Array",
    );
    refuses(
      () => kernels.quantize(w, { divisor: 1, rounding: any("up") }),
      RangeError,
      "rounding: wanted one of",
    );
    refuses(
      () => kernels.quantize(w, { divisor: 1, output: any("u8") }),
      RangeError,
      "output: wanted one of s8, i16, i32, got u8",
    );
    refuses(
      () => kernels.quantize(w, { divisor: 1, out: any(new Uint8Array(8)) }),
      TypeError,
      "out: wanted a Int8Array",
    );
    refuses(
      () => kernels.quantize(w, { divisor: 1, out: new Int8Array(7) }),
      RangeError,
      "out: wanted 8 codes, got 7",
    );
    refuses(() => kernels.dequantize(any(w), 1), TypeError, "codes: wanted Int8Array");
    refuses(() => kernels.absMax(w, { channels: 3 }), RangeError, "divides 8 weights, got 3");
    refuses(() => kernels.histogram(w, { bins: 0, low: 0, high: 1 }), RangeError, "bins: wanted an integer");
    refuses(
      () => kernels.histogram(w, { bins: 4, low: 1, high: 1 }),
      RangeError,
      "high: wanted a finite number above low",
    );
    refuses(
      () => kernels.histogram(w, { bins: 4, low: 0, high: Number.POSITIVE_INFINITY }),
      RangeError,
      "high: wanted",
    );
  });
});

describe("the default kernels", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.resetModules();
  });

  test("compile nothing before the first call, and nothing again after it", async () => {
    vi.resetModules();
    const compile = vi.spyOn(WebAssembly, "Module");
    const { kernels } = await import("../../src/kernels.js");
    expect(compile).not.toHaveBeenCalled();
    const w = Float32Array.of(0.1, -2, 3);
    expect(kernels.prune(w, 1)).toBe(1);
    const compiled = compile.mock.calls.length;
    expect(compiled).toBeGreaterThan(0);
    expect(kernels.absMax(w)).toBe(3);
    expect(kernels.absMax(w, { channels: 3 })).toEqual(Float32Array.of(0, 2, 3));
    expect(compile).toHaveBeenCalledTimes(compiled);
    expect(kernels.variant).toBe(createKernels().variant);
    expect(Object.isFrozen(kernels)).toBe(true);
  });

  test("have every method of opened ones", async () => {
    const { kernels } = await import("../../src/kernels.js");
    const opened: Kernels = createKernels();
    expect(Object.keys(kernels).sort()).toEqual(Object.keys(opened).sort());
  });
});

/** The same bytes; vitest's own comparison of long arrays takes seconds. */
function same(got: ArrayBufferView, wanted: ArrayBufferView, label = ""): void {
  const bytes = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (Buffer.compare(bytes(got), bytes(wanted)) !== 0) expect(got, label).toEqual(wanted);
  expect(got.byteLength).toBe(wanted.byteLength);
}

function halfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Indices of the weights of the blocks that go, straight from the words of the documentation. */
function blocksToGo(
  w: Float32Array,
  inputs: number,
  outputs: number,
  pattern: BlockPattern,
  sparsity: number,
): number[] {
  const [n, m] = pattern.split(":").map(Number);
  const tall = m ?? 4;
  const wide = pattern === "4x4" ? 4 : 1;
  const blocks: number[][] = [];
  for (let input = 0; input < inputs; input += tall) {
    for (let output = 0; output < outputs; output += wide) {
      const block: number[] = [];
      for (let o = output; o < Math.min(output + wide, outputs); o++) {
        for (let i = input; i < Math.min(input + tall, inputs); i++) block.push(i * outputs + o);
      }
      blocks.push(block);
    }
  }
  if (m !== undefined) {
    const bits = new Int32Array(w.buffer, w.byteOffset, w.length);
    const size = (i: number) => bits[i] & 0x7fffffff;
    return blocks.flatMap((block) => {
      const largestLast = block.slice().sort((a, b) => size(a) - size(b) || a - b);
      return largestLast.slice(0, Math.max(0, block.length - n)).filter((i) => !Number.isNaN(w[i]));
    });
  }
  const f = Math.fround;
  const score = (block: number[]) => {
    const columns = [0, 0, 0, 0];
    const first = block[0] % outputs;
    for (const i of block) {
      const lane = (i % outputs) - first;
      columns[lane] = f(columns[lane] + f(w[i] * w[i]));
    }
    return f(f(columns[0] + columns[1]) + f(columns[2] + columns[3]));
  };
  const scored = blocks.map((block, at) => ({ block, at, score: score(block) }));
  const numbers = scored.filter((entry) => !Number.isNaN(entry.score));
  numbers.sort((a, b) => (a.score === b.score ? a.at - b.at : a.score - b.score));
  return numbers.slice(0, Math.floor(sparsity * blocks.length)).flatMap((entry) => entry.block);
}

/** A host whose allocator grows the memory each time, the worst case for views. */
function growingHost(reserved: number): { memory: WebAssembly.Memory; allocator: Allocator } {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(reserved / 65_536) });
  const allocator = {
    alloc: (bytes: number) => memory.grow(Math.max(1, Math.ceil(bytes / 65_536))) * 65_536,
    free: () => {},
  };
  return { memory, allocator };
}
