/** Cases of the inference kernels: sizes around every tile, seeded random contents, extremes. */
import { packRows, runBlocks } from "../../src/kernels/layouts.js";
import { packPost } from "../../src/kernels/post.js";
import { type RuntimeKernel, runtimeSet } from "../../src/kernels/runtime-set.js";
import { type Case, kernelCase, type Layout } from "./harness.js";

const cases: Case[] = [];
let seed = 1;
function add(kernel: RuntimeKernel, label: string, build: (layout: Layout) => number[]): void {
  cases.push(kernelCase(runtimeSet, kernel, label, seed++, build));
}

const codes = ({ random }: Layout, n: number) => Uint8Array.from({ length: n }, () => random.below(128));
const signed = ({ random }: Layout, n: number, range = 127) =>
  Int8Array.from({ length: n }, () => random.below(2 * range + 1) - range);
const sums = ({ random }: Layout, n: number, range = 200_000) =>
  Int32Array.from({ length: n }, () => random.below(2 * range) - range);
const reals = ({ random }: Layout, n: number, range = 3) =>
  Float32Array.from({ length: n }, () => random.normal() * range);

function post(layout: Layout): number {
  const { random } = layout;
  const zero = random.below(128);
  return layout.put(packPost({ zero, low: random.below(20) }));
}

const multipliers = ({ random }: Layout, n: number) =>
  Float32Array.from({ length: n }, () => (random.below(4) === 0 ? 1 : random.uniform(1e-5, 3e-3)));

const bits = ({ buffer }: Float32Array<ArrayBuffer>) => new Int32Array(buffer);

const tails = [0, 1, 2, 3, 4, 5, 7, 8, 9, 17];

for (const n4 of [0, 1, 2, 3, 5]) {
  for (const k4 of tails) {
    for (const range of [30, 127]) {
      add("u7_s8w_matvec", `n16 ${n4} k4 ${k4} weights to ${range}`, (l) => {
        const starts = Int32Array.from({ length: n4 + 1 }, (_, group) => group * k4);
        const cols = Uint16Array.from({ length: n4 * k4 }, (_, block) => block % Math.max(k4, 1));
        const blocks = runBlocks({ values: signed(l, cols.length * 64, range), cols, starts }, 16, 2);
        return [
          l.room(n4 * 64),
          l.put(codes(l, k4 * 4)),
          l.put(blocks.values),
          l.put(blocks.cols),
          l.put(blocks.pairs),
          l.put(sums(l, n4 * 16)),
          n4,
          k4,
        ];
      });
    }
    add("u7_s8w_matvec_4x4", `n4 ${n4} k4 ${k4}`, (l) => {
      const { cols, starts } = chooseBlocks(l, n4, k4, 1);
      return [
        l.room(n4 * 16),
        l.put(codes(l, k4 * 4)),
        l.put(signed(l, cols.length * 16)),
        l.put(Uint16Array.from(cols)),
        l.put(Int32Array.from(starts)),
        l.put(sums(l, n4 * 4)),
        n4,
      ];
    });
    add("u7_s8w_matvec_1x4", `n ${n4} k4 ${k4}`, (l) => {
      const { cols, starts } = chooseBlocks(l, n4, k4, 4);
      return [
        l.room(n4 * 4),
        l.put(codes(l, Math.max(k4, 1) * 4)),
        l.put(signed(l, cols.length * 4)),
        l.put(Uint16Array.from(cols)),
        l.put(Int32Array.from(starts)),
        l.put(sums(l, n4)),
        n4,
      ];
    });
  }
  for (const k16 of [0, 1, 2, 3, 4]) {
    add("u7_s8w_matvec_4of16", `n4 ${n4} k16 ${k16}`, (l) => [
      l.room(n4 * 16),
      l.put(codes(l, k16 * 16)),
      l.put(signed(l, n4 * k16 * 16)),
      l.put(Uint8Array.from({ length: n4 * k16 * 16 }, () => l.random.below(16))),
      l.put(sums(l, n4 * 4)),
      n4,
      k16,
    ]);
  }
  for (const m8 of [0, 1, 3, 4, 5, 9]) {
    for (const k4 of [0, 1, 2, 5]) {
      const stride = m8 * 32;
      const wide = stride + 32; // the planes of x may lie further apart than they are long
      add("u7_s8w_spmm_4x4", `m8 ${m8} n4 ${n4} k4 ${k4}`, (l) => {
        const blocks = inRuns(l, chooseBlocks(l, n4, k4, 1), 4);
        return [
          l.room(n4 * stride),
          l.put(codes(l, k4 * wide)),
          l.put(packRows(blocks, 4, (col) => col * wide, sums(l, n4 * 4), bits(multipliers(l, n4 * 4)))),
          post(l),
          l.put(tilesOf(l, m8)),
          m8,
          n4,
          stride,
          1 + l.random.below(5),
        ];
      });
    }
  }
}

// The blocks of a product in C4 with random weights, in runs.
function inRuns(l: Layout, { cols, starts }: ReturnType<typeof chooseBlocks>, rows: 1 | 4) {
  const range = [3, 60, 127][l.random.below(3)];
  const values = Int8Array.from(
    { length: cols.length * rows * 4 },
    () => l.random.below(2 * range + 1) - range,
  );
  const blocks = { values, cols: Uint16Array.from(cols), starts: Int32Array.from(starts) };
  // As src/kernels/products.ts does it.
  if (l.variant !== "relaxed16") return { ...blocks, runs: new Int32Array(0), pairs: blocks.starts };
  return runBlocks(blocks, rows, rows === 1 ? 2 : 9);
}

// Tiles one after the other, the last of several moved back over the one before.
function tilesOf(l: Layout, m8: number): Int32Array {
  const overlap = m8 > 1 ? l.random.below(8) * 4 : 0;
  return Int32Array.from({ length: m8 * 2 }, (_, i) => (i >> 1) * 32 - (i >> 1 === m8 - 1 ? overlap : 0));
}

for (const n of [0, 1, 2, 4, 7, 12]) {
  for (const m8 of [0, 1, 3, 4, 5, 9]) {
    for (const k4 of [1, 2, 5]) {
      const stride = m8 * 32 + 32;
      cases.push(spmm1x4(`m8 ${m8} n ${n} k4 ${k4}`, m8, n, k4, stride));
    }
  }
}

function spmm1x4(label: string, m8: number, n: number, k4: number, stride: number): Case {
  return kernelCase(runtimeSet, "u7_s8w_spmm_1x4", label, seed++, (l) => {
    const blocks = inRuns(l, chooseBlocks(l, n, k4, 1), 1);
    const scratch = l.scratch(128);
    return [
      l.room(Math.ceil(n / 4) * stride),
      l.put(codes(l, k4 * stride)),
      l.put(packRows(blocks, 1, (col) => col * stride, sums(l, n), bits(multipliers(l, n)))),
      post(l),
      scratch,
      l.put(tilesOf(l, m8)),
      m8,
      n,
      stride,
      4 * (1 + l.random.below(2)),
    ];
  });
}

for (const n4 of [0, 1, 3, 4, 5, 9]) {
  for (const turn of [1, 2]) {
    add("i32_u7_requantize", `n4 ${n4} turn ${turn}`, (l) => [
      l.upTo(n4 * 4, 16),
      l.put(sums(l, n4 * 4)),
      l.put(multipliers(l, n4 * 4)),
      post(l),
      n4,
    ]);
  }
  add("i32_f32_dequantize", `n4 ${n4}`, (l) => [
    l.room(n4 * 16),
    l.put(sums(l, n4 * 4, 2 ** 30)),
    l.put(multipliers(l, n4 * 4)),
    n4,
  ]);
}

// Sums and multipliers at which rounding or clamping could go astray.
const extremeSums = [0, 1, -1, 2, 3, 5, -3, -5, 2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1, -(2 ** 24) - 1].concat([
  -(2 ** 22),
  -(2 ** 22) - 1,
  -12_000_000,
  -12_582_900,
]);
for (const mult of [0.5, 1, 1.5, 2 ** -20, 2 ** 10, 2 ** 31, 1e38, 1e-37, 0.1]) {
  add("i32_u7_requantize", `extremes x ${mult}`, (l) => [
    l.room(extremeSums.length),
    // None further down than an epilogue may meet.
    l.put(Int32Array.from(extremeSums, (sum) => (sum * mult < -12_582_900 ? 0 : sum))),
    l.put(new Float32Array(extremeSums.length).fill(mult)),
    l.put(packPost({ zero: 64, low: 0 })),
    extremeSums.length / 4,
  ]);
}

for (const n of [0, 1, 3, 4, 5, 15, 16, 17, 33]) {
  for (const skew of [0, 4]) {
    add("f32_u7_quantize", `n ${n} skew ${skew}`, (l) => [
      l.upTo(n, 16),
      l.put(reals(l, n, 50), skew),
      n,
      1.7,
      64,
    ]);
    add("u7_f32_dequantize", `n ${n} skew ${skew}`, (l) => [
      l.upTo(n * 4, 16),
      l.put(codes(l, n), skew),
      n,
      0.037,
      61,
    ]);
    add("u7_table", `n ${n} skew ${skew}`, (l) => [
      l.upTo(n, 16),
      l.put(codes(l, n), skew),
      l.put(codes(l, 128)),
      n,
    ]);
  }
}
// As src/runtime/ops/halves-u7.ts makes them.
const lanesOf = (n: number) =>
  Uint8Array.from({ length: 64 }, (_, i) => {
    const [row, c] = [Math.floor((i % 32) / (2 * n)), (i % 32) % (2 * n)];
    return c < n === i < 32 ? row * n + (c % n) : 255;
  });
for (const n of [1, 2, 3, 4]) {
  for (const m of [0, 1, 2, 3, 4, 5, 8, 11]) {
    add("f32_u7_halves", `${m} x ${n}`, (l) => [
      l.partly(m * 2 * n + 30, (byte) => byte >= m * 2 * n),
      l.put(Float32Array.of(...reals(l, m * n, 50), ...new Float32Array(15))),
      l.put(lanesOf(n)),
      m,
      n,
      1.7,
      0.25,
      l.random.below(128),
    ]);
  }
}
add("f32_u7_halves", "extremes", (l) => {
  const x = [0, 0.25, 0.75, -0.25, 1e38, -1e38, Infinity, -Infinity, NaN, 62.75, 63.25, -64.75];
  return [
    l.partly(x.length * 2 + 30, (byte) => byte >= x.length * 2),
    l.put(Float32Array.of(...x, ...new Float32Array(15))),
    l.put(lanesOf(3)),
    4,
    3,
    1,
    0.25,
    64,
  ];
});
add("f32_u7_quantize", "extremes", (l) => {
  const x = [
    0,
    -0,
    0.5,
    1.5,
    2.5,
    -0.5,
    -1.5,
    1e38,
    -1e38,
    Infinity,
    -Infinity,
    NaN,
    62.5,
    63.5,
    1e-40,
    -64.5,
    2 ** 23,
  ];
  return [l.upTo(x.length, 16), l.put(Float32Array.from(x)), x.length, 1, 64];
});

for (const m of [0, 1, 3, 5]) {
  for (const k4 of [0, 1, 4]) {
    add("u7_rows_c4", `m ${m} k4 ${k4}`, (l) => [
      l.room(k4 * 32),
      l.put(codes(l, m * (k4 * 4 + 4))),
      m,
      k4,
      k4 * 4 + 4,
      32,
    ]);
    add("u7_c4_rows", `m ${m} k4 ${k4}`, (l) => [
      l.room(m * (k4 * 4 + 4)),
      l.put(codes(l, k4 * 32)),
      m,
      k4,
      32,
      k4 * 4 + 4,
    ]);
  }
}

for (const m of [0, 1, 3, 4, 5, 9]) {
  for (const n of [0, 1, 3, 4, 7, 8, 9, 31, 32, 37]) {
    const k = (m * 7 + n) % 12;
    add("f32_matmul", `m ${m} k ${k} n ${n}`, (l) => [
      l.room(m * n * 4),
      l.put(reals(l, m * k)),
      l.put(reals(l, k * n)),
      l.put(reals(l, n)),
      m,
      k,
      n,
    ]);
  }
}
for (const n of [0, 1, 5]) {
  for (const k of [1, 4, 9, 30]) {
    add("f32_matvec_csr", `n ${n} k ${k}`, (l) => {
      const { cols, starts } = chooseBlocks(l, n, k, 1);
      return [
        l.room(n * 4),
        l.put(reals(l, k)),
        l.put(reals(l, cols.length)),
        l.put(Int32Array.from(cols)),
        l.put(Int32Array.from(starts)),
        l.put(reals(l, n)),
        n,
      ];
    });
  }
}
for (const rows of [0, 1, 3]) {
  for (const n of [0, 1, 4, 7, 10]) {
    add("f32_affine", `${rows}x${n}`, (l) => [
      l.room(rows * n * 4),
      l.put(reals(l, rows * n)),
      l.put(reals(l, n)),
      l.put(reals(l, n)),
      rows,
      n,
    ]);
    add("f32_prelu", `${rows}x${n}`, (l) => [
      l.room(rows * n * 4),
      l.put(reals(l, rows * n)),
      l.put(reals(l, n)),
      rows,
      n,
    ]);
    for (const log of [0, 1]) {
      add("f32_softmax", `${rows}x${n} log ${log}`, (l) => [
        l.room(rows * n * 4),
        l.put(reals(l, rows * n, 10)),
        rows,
        n,
        log,
      ]);
    }
  }
}
const sqrt = 24;
for (let fn = 0; fn < 27; fn++) {
  for (const n of [0, 1, 4, 37]) {
    add("f32_unary", `fn ${fn} n ${n}`, (l) => [
      l.room(n * 4),
      l.put(inDomain(fn, reals(l, n))),
      n,
      fn,
      fn === 1 ? Infinity : 0.3,
    ]);
  }
  add("f32_unary", `fn ${fn} wide`, (l) => [
    l.room(2000),
    l.put(inDomain(fn, reals(l, 500, 60))),
    500,
    fn,
    fn === 1 ? Infinity : 0.3,
  ]);
  const ends = [
    0,
    -0,
    1e-40,
    2 ** -126,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    1,
    -1,
    0.99999994,
    Math.SQRT1_2,
    2 ** 23 + 1,
    3e38,
  ];
  add("f32_unary", `fn ${fn} ends`, (l) => {
    const all = inDomain(fn, Float32Array.from(ends));
    return [l.room(all.length * 4), l.put(all), all.length, fn, fn === 1 ? Infinity : 0.3];
  });
}
add("f32_unary", "log of what is no number above 0", (l) => [
  l.room(5 * 4),
  l.put(Float32Array.of(Infinity, 0, -0, -1, -Infinity)),
  5,
  21,
  0,
]);

/** A root of a negative number is a NaN whose sign is the machine's. */
function inDomain(fn: number, x: Float32Array): Float32Array {
  return fn === sqrt ? x.map(Math.abs) : x;
}

/** Which blocks each of n rows keeps, as ascending columns and the start of each row. */
function chooseBlocks({ random }: Layout, n: number, k4: number, multiple: number) {
  const cols: number[] = [];
  const starts = [0];
  for (let row = 0; row < n; row++) {
    const keep = [0, 0.2, 0.7, 1][random.below(4)];
    for (let col = 0; col < k4; col++) if (random.uniform() < keep) cols.push(col);
    while (cols.length % multiple !== 0) cols.push(0);
    starts.push(cols.length);
  }
  return { cols, starts };
}

export const runtimeCases: readonly Case[] = cases;
