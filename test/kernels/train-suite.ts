/** Cases of the weight kernels: sizes around every tile, seeded random contents, extremes. */
import { type TrainKernel, trainSet } from "../../src/kernels/train-set.js";
import { type Case, kernelCase, type Layout } from "./harness.js";

const cases: Case[] = [];
let seed = 1000;
function add(kernel: TrainKernel, label: string, build: (layout: Layout) => number[]): void {
  cases.push(kernelCase(trainSet, kernel, label, seed++, build));
}

const special = Float32Array.from([
  ...[0, -0, NaN, -NaN, Infinity, -Infinity, 1, -1, 0.5, -0.5, 0.25, 1.5, -1.5, 2.5, -2.5, 127, -127],
  ...[127.5, -127.5, 128, 126.5, 1e-45, -1e-45, 1e-39, -1e-38, 3e38, -3e38, 1e20, 1e-30, 32767.5, 2 ** 31],
]);
const BITS = { infinity: 0x7f800000, all: 0x7fffffff };
const bitsOf = (x: number) => new Int32Array(Float32Array.of(x).buffer)[0];

/** Random weights; `odd` mixes in weights from a coarse grid, so that many tie, and the special ones. */
function weights({ random }: Layout, n: number, odd: boolean): Float32Array {
  return Float32Array.from({ length: n }, () => {
    const kind = odd ? random.below(4) : 0;
    if (kind === 1) return special[random.below(special.length)];
    if (kind === 2) return (random.below(17) - 8) / 4;
    return random.normal();
  });
}

const sizes = [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100];
const oddOrNot = [false, true];

for (const n of sizes) {
  for (const skew of [0, 4]) {
    for (const odd of oddOrNot) {
      const label = `n ${n} skew ${skew}${odd ? " special" : ""}`;
      for (const threshold of [0, 0.25, 1, 1e-40, Infinity]) {
        add("f32_prune", `${label} t ${threshold}`, (l) => [l.put(weights(l, n, odd), skew), n, threshold]);
      }
      for (const threshold of [0, -0.5, 0.5, Infinity, -Infinity]) {
        add("f32_prune_signed", `${label} t ${threshold}`, (l) => [
          l.put(weights(l, n, odd), skew),
          n,
          threshold,
        ]);
      }
      for (const ties of [0, 1, 2, 5, 1000]) {
        add("f32_prune_ties", `${label} ties ${ties}`, (l) => {
          const grid = Float32Array.from({ length: n }, () => l.random.below(3) - 1);
          return [l.put(odd ? weights(l, n, odd) : grid, skew), n, ties === 5 ? Infinity : 1, ties];
        });
      }
      add("f32_abs_max", label, (l) => [l.put(weights(l, n, odd), skew), n]);
      add("f32_min_max", label, (l) => [
        l.put(Float32Array.of(Infinity, -Infinity)),
        l.put(weights(l, n, odd), skew),
        n,
      ]);
      add("f32_histogram", label, (l) => [
        l.put(new Int32Array(10)),
        l.put(weights(l, n, odd), skew),
        n,
        7,
        -1,
        1.5,
        Math.fround(7 / 2.5),
      ]);
      for (const [low, high] of [
        [bitsOf(0.25), bitsOf(1)],
        [0, BITS.all],
        [bitsOf(1), bitsOf(1)],
        [bitsOf(1), BITS.infinity + 1],
      ]) {
        add("f32_magnitudes_between", `${label} ${low} ${high}`, (l) => {
          const w = weights(l, n, odd);
          const already = n % 3;
          const bits = new Int32Array(w.buffer).map((b) => b & BITS.all);
          const more = bits.filter((b) => b >= low && b < high).length;
          return [
            l.room((already + more + 4) * 4),
            l.put(Int32Array.of(n, already)),
            l.put(w, skew),
            n,
            low,
            high,
            l.scratch(256),
          ];
        });
      }
      for (const share of [0, 0.3, 0.5, 0.9, 1]) {
        if (n === 0) continue;
        add("f32_kth_magnitude", `${label} share ${share}`, (l) => [
          l.room(8),
          l.put(weights(l, n, odd), skew),
          n,
          Math.max(1, Math.floor(share * n)),
          l.scratch(8192),
        ]);
      }
    }
  }
}
// All alike, and enough of them for every bin to fill.
for (const value of [0, 0.1, Infinity, NaN]) {
  add("f32_kth_magnitude", `alike ${value}`, (l) => [
    l.room(8),
    l.put(new Float32Array(300).fill(value)),
    300,
    200,
    l.scratch(8192),
  ]);
}
add("f32_kth_magnitude", "wide", (l) => {
  const w = Float32Array.from({ length: 5000 }, () => l.random.normal() * 2 ** (l.random.below(60) - 30));
  return [l.room(8), l.put(w), w.length, 2500, l.scratch(8192)];
});

for (const inputs of [0, 1, 3, 4, 5, 8, 9]) {
  for (const outputs of [0, 1, 3, 4, 5, 8, 9]) {
    for (const odd of oddOrNot) {
      const label = `${inputs}x${outputs}${odd ? " special" : ""}`;
      const groups = Math.ceil(inputs / 4);
      const across = Math.ceil(outputs / 4);
      add("f32_score_1x4", label, (l) => [
        l.room(groups * outputs * 4),
        l.put(weights(l, inputs * outputs, odd)),
        inputs,
        outputs,
      ]);
      add("f32_score_4x4", label, (l) => [
        l.room(groups * across * 4),
        l.put(weights(l, inputs * outputs, odd)),
        inputs,
        outputs,
      ]);
      for (const ties of [0, 1, 3, 1000]) {
        const grid = (l: Layout, n: number) => {
          const scores = Float32Array.from({ length: n }, () => l.random.below(4));
          return scores.map((score) => (odd && score === 3 ? NaN : score));
        };
        for (const [kernel, blocks] of [
          ["f32_prune_1x4", groups * outputs],
          ["f32_prune_4x4", groups * across],
        ] as const) {
          add(kernel, `${label} ties ${ties}`, (l) => [
            l.put(weights(l, inputs * outputs, odd)),
            l.put(grid(l, blocks)),
            inputs,
            outputs,
            ties === 3 ? 0 : 2,
            ties,
          ]);
        }
      }
      for (const [n, m] of [
        [0, 4],
        [1, 1],
        [1, 2],
        [2, 4],
        [1, 4],
        [4, 16],
        [3, 5],
      ]) {
        add("f32_prune_nofm", `${label} ${n}:${m}`, (l) => [
          l.put(weights(l, inputs * outputs, odd)),
          l.scratch(16 * m),
          inputs,
          outputs,
          n,
          m,
        ]);
      }
    }
  }
}
add("f32_prune_nofm", "4:16 of 37x18", (l) => [
  l.put(weights(l, 37 * 18, true)),
  l.scratch(256),
  37,
  18,
  4,
  16,
]);

const quantizers = [
  ["f32_s8_quantize", 1, 127],
  ["f32_i16_quantize", 2, 32767],
  ["f32_i32_quantize", 4, 2147483647],
] as const;
for (const [kernel, size, limit] of quantizers) {
  for (const rounding of [0, 1, 2]) {
    for (const n of sizes) {
      for (const period of [1, 3, 16, 33, 128]) {
        for (const odd of oddOrNot) {
          add(kernel, `n ${n} period ${period} rounding ${rounding}${odd ? " special" : ""}`, (l) => [
            l.room(n * size),
            l.put(Int32Array.of(1, 2)),
            l.put(weights(l, n, odd), odd ? 4 : 0),
            // A divisor that puts the normal ones on both sides of the limit.
            l.put(Float32Array.from({ length: period }, () => l.random.uniform(0.5, 4) / limit)),
            n,
            period,
            rounding,
          ]);
        }
      }
    }
    add(kernel, `special rounding ${rounding}`, (l) => [
      l.room(special.length * size),
      l.put(new Int32Array(2)),
      l.put(special),
      l.put(new Float32Array(special.length).fill(1)),
      special.length,
      special.length,
      rounding,
    ]);
    // Quotients that lie so close to an integer or a half that f32 rounds them onto it.
    add(kernel, `near rounding ${rounding}`, (l) => {
      const divisors = Float32Array.from({ length: 512 }, () => l.random.uniform(0.01, 3));
      const near = divisors.map((divisor, i) => {
        const w = Float32Array.of(divisor * ((i % 250) - 125) * 0.5);
        new Int32Array(w.buffer)[0] += l.random.below(3) - 1;
        return w[0];
      });
      return [
        l.room(near.length * size),
        l.put(new Int32Array(2)),
        l.put(near),
        l.put(divisors),
        near.length,
        near.length,
        rounding,
      ];
    });
  }
}

for (const n of sizes) {
  for (const period of [1, 3, 16, 33, 128]) {
    const label = `n ${n} period ${period}`;
    const divisors = (l: Layout) =>
      l.put(Float32Array.from({ length: period }, () => l.random.uniform(0, 2)));
    add("s8_f32_dequantize_rows", label, (l) => [
      l.room(n * 4),
      l.put(Int8Array.from({ length: n }, () => l.random.below(255) - 127)),
      divisors(l),
      n,
      period,
    ]);
    add("i16_f32_dequantize_rows", label, (l) => [
      l.room(n * 4),
      l.put(Int16Array.from({ length: n }, () => l.random.below(65535) - 32767)),
      divisors(l),
      n,
      period,
    ]);
    add("i32_f32_dequantize_rows", label, (l) => [
      l.room(n * 4),
      l.put(Int32Array.from({ length: n }, () => l.random.uint32())),
      divisors(l),
      n,
      period,
    ]);
    for (const odd of oddOrNot) {
      add("f32_abs_max_rows", `${label}${odd ? " special" : ""}`, (l) => [
        l.put(new Float32Array(period)),
        l.put(weights(l, n, odd), 4),
        n,
        period,
      ]);
    }
  }
}

export const trainCases: readonly Case[] = cases;
