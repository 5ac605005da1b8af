/** Cases of the kernels on u7 planes: sizes around every tile, seeded random contents. */
import { packPost } from "../../src/kernels/post.js";
import { type RuntimeKernel, runtimeSet } from "../../src/kernels/runtime-set.js";
import { packWinograd, WINOGRAD_CHUNK, winogradScratch } from "../../src/kernels/winograd.js";
import { type Case, kernelCase, type Layout } from "./harness.js";

const cases: Case[] = [];
let seed = 1000;
function add(kernel: RuntimeKernel, label: string, build: (layout: Layout) => number[]): void {
  cases.push(kernelCase(runtimeSet, kernel, label, seed++, build));
}

const codes = ({ random }: Layout, n: number) => Uint8Array.from({ length: n }, () => random.below(128));

function post(layout: Layout): number {
  const { random } = layout;
  return layout.put(packPost({ zero: random.below(128), low: random.below(20) }));
}

// Tiles of so many pixels one after the other, the last of several moved back over the one before.
function tilesOf(layout: Layout, count: number, pixels: 4 | 8 = 4): number {
  const overlap = count > 1 ? layout.random.below(pixels) * 4 : 0;
  return layout.put(
    Int32Array.from(
      { length: count * 2 },
      (_, i) => (i >> 1) * pixels * 4 - (i >> 1 === count - 1 ? overlap : 0),
    ),
  );
}

for (const planes of [0, 1, 3]) {
  for (const width of [1, 4, 15, 16, 17, 33]) {
    for (const [top, bottom, left, right] of [
      [0, 0, 0, 0],
      [1, 1, 4, 4],
      [0, 2, 0, 12],
      [2, 0, 20, 0],
    ]) {
      const height = 1 + ((width + top) % 4);
      const pitch = left + width + right;
      const size = (top + height + bottom) * pitch;
      add("u7_pad", `planes ${planes} ${height}x${width} pads ${top} ${bottom} ${left} ${right}`, (l) => {
        const stride = size + 16;
        return [
          l.partly(planes * stride, (at) => at % stride >= size),
          l.put(codes(l, planes * height * width + 16)),
          planes,
          height,
          width,
          top,
          bottom,
          left,
          right,
          l.random.below(128),
          height * width,
          stride,
        ];
      });
    }
  }
}

for (const columns of [0, 1, 3, 4, 5, 8, 9]) {
  for (const groups of [0, 1, 3]) {
    for (const step of [1, 2, 3, 4, 6, 8, 12]) {
      const row = columns * step + groups * 4;
      for (const gap of [0, 12]) {
        const pitch = columns * 4 + gap;
        add("u7_rows_words", `columns ${columns} groups ${groups} step ${step} gap ${gap}`, (l) => [
          l.room(groups * 3 * pitch),
          l.put(codes(l, 3 * row)),
          3,
          columns,
          groups,
          step,
          row,
          pitch,
          3 * pitch,
        ]);
      }
    }
  }
}

for (const m4 of [0, 1, 2, 5]) {
  for (const c4 of [0, 1, 3]) {
    const pitch = m4 * 16 + 32;
    add("u7_s8w_depthwise_3x3", `m4 ${m4} c4 ${c4}`, (l) => [
      l.room(c4 * pitch * 2),
      l.put(codes(l, c4 * pitch * 4)),
      l.put(Int8Array.from({ length: c4 * 96 }, () => l.random.below(255) - 127)),
      l.put(Int32Array.from({ length: c4 * 4 }, () => l.random.below(2000) - 1000)),
      l.put(Float32Array.from({ length: c4 * 4 }, () => l.random.uniform() / 20)),
      post(l),
      tilesOf(l, m4),
      m4,
      c4,
      pitch,
      pitch,
      pitch * 4,
      pitch * 2,
    ]);
  }
}

for (const m of [0, 1, 3, 6]) {
  for (const k4 of [1, 2, 5]) {
    for (const n4 of [0, 1, 3]) {
      for (const range of [3, 127, "extreme"] as const) {
        add("u7_s16w_winograd_3x3", `m ${m} k4 ${k4} n4 ${n4} weights ${range}`, (l) => {
          const pitch = m * 32 + 16;
          const extreme = () => (l.random.below(2) === 0 ? -127 : 127);
          const weight = () => (range === "extreme" ? extreme() : l.random.below(2 * range + 1) - range);
          const x = range === "extreme" ? new Uint8Array(k4 * pitch * 4).fill(127) : codes(l, k4 * pitch * 4);
          const weights = Int8Array.from({ length: 9 * k4 * n4 * 16 }, weight);
          return [
            l.room(n4 * pitch * 2),
            l.put(x),
            l.put(packWinograd(weights, k4 * 4, n4 * 4)),
            l.put(Int32Array.from({ length: n4 * 4 }, () => l.random.below(8000) - 4000)),
            l.put(Float32Array.from({ length: n4 * 4 }, () => l.random.uniform() / 1000)),
            post(l),
            l.scratch(winogradScratch(k4 * 4)),
            tilesOf(l, m, 8),
            m,
            k4,
            n4,
            pitch,
            pitch,
            pitch * 4,
            pitch * 2,
            1 + l.random.below(WINOGRAD_CHUNK),
          ];
        });
      }
    }
  }
}

for (const m4 of [0, 1, 3]) {
  for (const n of [0, 1, 3, 4, 5, 8]) {
    for (const blocks of [0, 1, 5]) {
      add("u7_s8w_f32_spmm", `m4 ${m4} n ${n} blocks ${blocks}`, (l) => {
        const n4 = Math.ceil(n / 4);
        const counts = Array.from({ length: m4 }, () => 1 + l.random.below(4));
        const before = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
        const pixels = counts.reduce((a, b) => a + b, 0);
        return [
          l.room(pixels * n * 4),
          l.put(codes(l, 16 * 4 + pixels * 4 + 16)),
          l.put(Int8Array.from({ length: n4 * blocks * 16 }, () => l.random.below(255) - 127)),
          l.put(Int32Array.from({ length: blocks }, () => l.random.below(16) * 4)),
          l.put(Int32Array.from({ length: n4 * 4 }, () => l.random.below(2000) - 1000)),
          l.put(Float32Array.from({ length: n4 * 4 }, () => l.random.uniform())),
          l.put(Int32Array.from(counts.flatMap((count, i) => [before[i] * 4, before[i] * n * 4, count]))),
          m4,
          blocks,
          n,
        ];
      });
    }
  }
}

for (const m4 of [0, 1, 2, 5]) {
  for (const c4 of [0, 1, 3]) {
    const stride = m4 * 16 + 64;
    for (const taps of [1, 4, 9, 12]) {
      const steps = Math.ceil(taps / 4);
      const offsets = (l: Layout, n: number) =>
        l.put(Int32Array.from({ length: n }, () => l.random.below(16) * 4));
      add("u7_s8w_depthwise", `m4 ${m4} c4 ${c4} steps ${steps} taps ${taps}`, (l) => [
        l.room(c4 * stride),
        l.put(codes(l, c4 * stride + 64)),
        l.put(Int8Array.from({ length: c4 * steps * 16 }, () => l.random.below(255) - 127)),
        offsets(l, steps * 4),
        l.put(Int32Array.from({ length: c4 * 4 }, () => l.random.below(40_000) - 20_000)),
        l.put(Float32Array.from({ length: c4 * 4 }, () => l.random.uniform(1e-4, 3e-3))),
        post(l),
        tilesOf(l, m4),
        m4,
        c4,
        steps,
        stride,
        stride,
      ]);
      for (const step of [4, 8]) {
        const label = `m4 ${m4} c4 ${c4} taps ${taps} step ${step}`;
        const pool = (l: Layout, ...own: number[]) => [
          l.room(c4 * stride),
          l.put(codes(l, c4 * stride * 2 + 128)),
          offsets(l, taps),
          ...own,
          tilesOf(l, m4),
          m4,
          c4,
          taps,
          stride * 2,
          stride,
          step,
        ];
        add("u7_c4_max_pool", label, (l) => pool(l));
        add("u7_c4_average_pool", label, (l) => [
          ...pool(l, post(l)),
          -taps * l.random.below(128),
          l.random.uniform(0.5, 2) / taps,
        ]);
      }
    }
  }
}
add("u7_c4_average_pool", "516 taps of 127", (l) => [
  l.room(16),
  l.put(new Uint8Array(16).fill(127)),
  l.put(new Int32Array(516)),
  l.put(packPost({ zero: 0, low: 0 })),
  l.put(new Int32Array(2)),
  1,
  1,
  516,
  16,
  16,
  4,
  0,
  1 / 516,
]);

for (const pixels of [0, 1, 3, 4, 5, 49]) {
  for (const c4 of [0, 1, 3]) {
    add("u7_c4_sum", `pixels ${pixels} c4 ${c4}`, (l) => [
      l.room(c4 * 16),
      l.put(codes(l, c4 * (pixels * 4 + 16))),
      pixels,
      c4,
      pixels * 4 + 16,
      l.random.below(1000) - 500,
    ]);
  }
}

for (const pixels of [0, 1, 3, 4, 5, 49]) {
  for (const bits of [8, 16]) {
    for (const next of [4, 8, 28, 64]) {
      add("u7_c4_fold", `pixels ${pixels} bits ${bits} next ${next}`, (l) => [
        l.put(codes(l, Math.ceil(pixels / 4) * 16 + next)),
        pixels,
        bits,
        next,
      ]);
    }
  }
}

for (const n of [0, 1, 16, 17, 48]) {
  for (const turn of [1, 2]) {
    const size = Math.ceil(n / 16) * 16;
    add("u7_add", `n ${n} turn ${turn}`, (l) => [
      l.room(size),
      l.put(codes(l, size)),
      l.put(codes(l, size)),
      post(l),
      n,
      l.random.below(65_535) - 32_767,
      l.random.below(65_535) - 32_767,
      l.random.below(2 ** 24) - 2 ** 23,
      2 ** -15 * l.random.uniform(0.1, 2),
    ]);
  }
}

export const planeCases: readonly Case[] = cases;
