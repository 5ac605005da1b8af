/**
 * Cases of the kernels of training. Their sums may be fused and ordered as a binary likes, so most cases
 * hold small whole numbers, whose products and sums f32 has exactly: every variant gives the same bytes.
 */
import { gemmScratch } from "../../src/kernels/gemm-scratch.js";
import { type TrainKernel, trainSet } from "../../src/kernels/train-set.js";
import { type Case, kernelCase, type Layout } from "./harness.js";

const cases: Case[] = [];
let seed = 9000;
function add(kernel: TrainKernel, label: string, build: (layout: Layout) => number[]): void {
  cases.push(kernelCase(trainSet, kernel, label, seed++, build));
}

const whole = ({ random }: Layout, n: number) => Float32Array.from({ length: n }, () => random.below(9) - 4);
const real = ({ random }: Layout, n: number) => Float32Array.from({ length: n }, () => random.normal());

// Around a tile of 4 x 8, the blocks of 64 rows, 256 columns and a depth of 256.
const products: [number, number, number][] = [
  ...[0, 1, 3, 4, 5].flatMap((m) => [1, 7, 8, 9].map((n): [number, number, number] => [m, n, 5])),
  ...[0, 1, 3, 4, 5, 9].map((k): [number, number, number] => [5, 9, k]),
  [65, 9, 7],
  [5, 257, 7],
  [5, 9, 257],
  [9, 17, 513],
];
for (const [m, n, k] of products) {
  for (const transposed of ["", "a", "b", "ab"]) {
    for (const adds of [0, 1]) {
      const slack = (m + n) % 3; // rows of c that lie apart
      add("f32_gemm", `${m}x${n}x${k} ${transposed} adds ${adds}`, (l) => {
        const [aRow, aCol] = transposed.includes("a") ? [1, m] : [k, 1];
        const [bRow, bCol] = transposed.includes("b") ? [1, k] : [n, 1];
        return [
          l.put(whole(l, m * (n + slack))),
          l.put(whole(l, m * k)),
          l.put(whole(l, n * k)),
          m,
          n,
          k,
          n + slack,
          aRow,
          aCol,
          bRow,
          bCol,
          adds,
          l.scratch(gemmScratch(m, n, k)),
        ];
      });
    }
  }
}

interface Window {
  readonly batch: number;
  readonly sizes: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: readonly [number, number, number, number];
}
const windows: Window[] = [
  { batch: 1, sizes: [1, 1], kernel: [1, 1], stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] },
  { batch: 2, sizes: [5, 7], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pad: [0, 0, 0, 0] },
  { batch: 2, sizes: [5, 4], kernel: [3, 3], stride: [1, 1], dilation: [1, 1], pad: [1, 1, 1, 1] },
  { batch: 1, sizes: [6, 6], kernel: [3, 3], stride: [2, 2], dilation: [1, 1], pad: [0, 1, 0, 1] },
  { batch: 1, sizes: [7, 9], kernel: [2, 4], stride: [3, 2], dilation: [1, 1], pad: [1, 0, 2, 1] },
  { batch: 1, sizes: [9, 8], kernel: [3, 2], stride: [1, 1], dilation: [2, 3], pad: [2, 2, 1, 1] },
  { batch: 1, sizes: [2, 3], kernel: [5, 5], stride: [1, 2], dilation: [1, 1], pad: [4, 4, 3, 3] },
  { batch: 3, sizes: [4, 4], kernel: [1, 1], stride: [2, 2], dilation: [1, 1], pad: [0, 0, 0, 0] },
];

function outSizes({ sizes, kernel, stride, dilation, pad }: Window): [number, number] {
  const out = (axis: 0 | 1) =>
    Math.floor(
      (sizes[axis] + pad[2 * axis] + pad[2 * axis + 1] - (kernel[axis] - 1) * dilation[axis] - 1) /
        stride[axis],
    ) + 1;
  return [out(0), out(1)];
}

function putWindow(l: Layout, window: Window, channels: number, outChannels: number): number {
  const { batch, sizes, kernel, stride, dilation, pad } = window;
  const record = [batch, ...sizes, channels, ...outSizes(window), outChannels];
  return l.put(Int32Array.from([...record, ...kernel, ...stride, ...dilation, pad[0], pad[2]]));
}

for (const [number, window] of windows.entries()) {
  const { batch, sizes, kernel } = window;
  const [outHeight, outWidth] = outSizes(window);
  const outputs = batch * outHeight * outWidth;
  const pixels = batch * sizes[0] * sizes[1];
  const taps = kernel[0] * kernel[1];
  for (const channels of [1, 3, 4, 5, 8, 16, 21]) {
    const label = `window ${number} channels ${channels}`;
    const [from, count] = [Math.floor(outputs / 3), Math.ceil(outputs / 2)];
    add("f32_patches", label, (l) => [
      l.room(count * taps * channels * 4),
      l.put(real(l, pixels * channels)),
      putWindow(l, window, channels, 1),
      from,
      count,
    ]);
    add("f32_patches_add", label, (l) => [
      l.put(whole(l, pixels * channels)),
      l.put(whole(l, count * taps * channels)),
      putWindow(l, window, channels, 1),
      from,
      count,
    ]);
    for (const ties of [false, true]) {
      add("f32_max_pool_gradient", `${label}${ties ? " ties" : ""}`, (l) => {
        const x = ties ? whole(l, pixels * channels) : real(l, pixels * channels);
        if (ties) for (let i = 0; i < x.length; i += 3) x[i] = [NaN, -Infinity, 0, -0][i % 4];
        return [
          l.room(pixels * channels * 4),
          l.put(x),
          l.put(whole(l, outputs * channels)),
          putWindow(l, window, channels, 1),
        ];
      });
    }
    for (const multiplier of [1, 2, 3]) {
      add("f32_depthwise_input_gradient", `${label} x${multiplier}`, (l) => [
        l.room(pixels * channels * 4),
        l.put(whole(l, outputs * channels * multiplier)),
        l.put(whole(l, taps * channels * multiplier)),
        putWindow(l, window, channels, multiplier),
      ]);
      add("f32_depthwise_filter_gradient", `${label} x${multiplier}`, (l) => [
        l.room(taps * channels * multiplier * 4),
        l.put(whole(l, pixels * channels)),
        l.put(whole(l, outputs * channels * multiplier)),
        putWindow(l, window, channels, multiplier),
      ]);
    }
  }
}

for (const n of [0, 1, 3, 4, 5, 7, 8, 9, 33]) {
  add("f32_adam", `n ${n}`, (l) => [
    l.put(real(l, n)),
    l.put(real(l, n)),
    l.put(real(l, n).map(Math.abs)),
    l.put(real(l, n)),
    n,
    ...[0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.01, 3.2, 1e-7],
  ]);
  add("f32_adam", `n ${n} at rest`, (l) => [
    l.put(real(l, n)),
    l.put(new Float32Array(n)),
    l.put(new Float32Array(n)),
    l.put(new Float32Array(n)),
    n,
    ...[0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.01, 1, 1e-7],
  ]);
}

for (const m of [0, 1, 2, 127, 128, 129, 257]) {
  for (const n of [0, 1, 3, 4, 5, 15, 16, 17, 33]) {
    for (const scale of [1, 1 / Math.max(m, 1)]) {
      add("f32_sum_rows", `${m}x${n} scale ${scale}`, (l) => [
        l.room(n * 4),
        l.put(whole(l, m * n)),
        m,
        n,
        scale,
      ]);
    }
  }
}

for (const n of [0, 1, 15, 16, 17, 33]) {
  for (const bound of [0, 1, -Infinity, Infinity, NaN]) {
    for (const less of [0, 1]) {
      add("f32_compare", `n ${n} bound ${bound} less ${less}`, (l) => {
        const x = whole(l, n);
        if (n > 3) x.set([NaN, Infinity, -Infinity]);
        return [l.room(n), l.put(x), n, bound, less];
      });
    }
  }
  for (const skew of [0, 1]) {
    add("u8_and", `n ${n} skew ${skew}`, (l) => {
      const bits = () => Uint8Array.from({ length: n }, () => l.random.below(2));
      return [l.room(n, skew), l.put(bits()), l.put(bits(), skew), n];
    });
  }
}

// Real numbers: nothing is fused, so every bit is that of the reference. Around the block of 16 tiles.
for (const tiles of [0, 1, 2, 3, 15, 16, 17, 33]) {
  for (const depth of [0, 1, 2, 5]) {
    add("f64_gram_add", `tiles ${tiles} depth ${depth}`, (l) => {
      const normals = (n: number) => Float64Array.from({ length: n }, () => l.random.normal());
      return [l.put(normals(16 * tiles * tiles)), l.put(normals(4 * tiles * depth)), tiles, depth];
    });
  }
}

export const gradientCases: readonly Case[] = cases;
