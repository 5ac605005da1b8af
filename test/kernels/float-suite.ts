/** Cases of the f32 kernels that lay out images, sequences and shapes: sizes around every tile, seeded. */
import { unaryFunctionNames } from "../../src/graph/ops/unary-functions.js";
import { type RuntimeKernel, runtimeSet } from "../../src/kernels/runtime-set.js";
import { type Case, kernelCase, type Layout } from "./harness.js";

const cases: Case[] = [];
let seed = 5000;
function add(kernel: RuntimeKernel, label: string, build: (layout: Layout) => number[]): void {
  cases.push(kernelCase(runtimeSet, kernel, label, seed++, build));
}

const reals = ({ random }: Layout, n: number, range = 3) =>
  Float32Array.from({ length: n }, () => random.normal() * range);
// Numbers at which comparisons and roundings could go astray; infinities would make NaN of either sign.
const odd = ({ random }: Layout, n: number) => {
  const special = [0, -0, 1e-40, -1e-40, 1, -1, 0.5, 3e18, -3e18, 6];
  return Float32Array.from({ length: n }, () => special[random.below(special.length)]);
};
const bounds: readonly (readonly [number, number])[] = [
  [-Infinity, Infinity],
  [0, Infinity],
  [0, 6],
];
const sizes = [0, 1, 3, 4, 5, 8, 9, 17];

/** Windows anywhere in a plane, results in any order. */
function windows(l: Layout, m: number, t: number, run: number, n: number) {
  const cells = 40;
  const words = (count: number) => l.random.below(count) * 4;
  const order = Array.from({ length: m }, (_, i) => i).sort(() => l.random.uniform() - 0.5);
  return {
    x: l.put(reals(l, cells * 2 + run)),
    y: l.room(m * n * 4),
    places: l.put(
      Int32Array.from({ length: m * 2 }, (_, i) => (i % 2 ? order[i >> 1] * n * 4 : words(cells))),
    ),
    taps: l.put(Int32Array.from({ length: t }, () => words(cells))),
  };
}

for (const m of [0, 1, 3, 4, 5, 9]) {
  for (const n of [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17]) {
    for (const [t, k] of [
      [0, 1],
      [1, 0],
      [1, 1],
      [3, 5],
      [9, 2],
    ]) {
      const [low, high] = bounds[(m + n + t) % 3];
      add("f32_conv2d", `m ${m} n ${n} t ${t} k ${k}`, (l) => {
        const { x, y, places, taps } = windows(l, m, t, k, n);
        const n8 = Math.ceil(n / 8) * 8;
        return [y, x, l.put(reals(l, n8 * t * k)), l.put(reals(l, n8)), places, taps, m, t, k, n, low, high];
      });
    }
    for (const t of [0, 1, 9]) {
      const [low, high] = bounds[(m + n + t) % 3];
      const n4 = Math.ceil(n / 4) * 4;
      add("f32_depthwise", `m ${m} n ${n} t ${t}`, (l) => {
        const { x, y, places, taps } = windows(l, m, t, n4, n);
        return [y, x, l.put(reals(l, n4 * t)), l.put(reals(l, n4)), places, taps, m, t, n, low, high];
      });
      add("f32_max_pool", `m ${m} n ${n} t ${t}`, (l) => {
        const { x, y, places, taps } = windows(l, m, t, n4, n);
        return [y, x, places, taps, m, t, n];
      });
    }
  }
}

for (const [h, w] of [
  [0, 3],
  [1, 1],
  [3, 5],
]) {
  for (const n of sizes) {
    add("f32_resize_bilinear", `${h}x${w}x${n}`, (l) => {
      const [rows, columns] = [4, 3];
      const table = (length: number, size: number, step: number) => {
        const record = new Int32Array(length * 3);
        const shares = new Float32Array(record.buffer);
        for (let i = 0; i < length; i++) {
          record[i * 3] = l.random.below(size) * step;
          record[i * 3 + 1] = l.random.below(size) * step;
          shares[i * 3 + 2] = l.random.uniform();
        }
        return l.put(record);
      };
      return [
        l.room(h * w * n * 4),
        l.put(reals(l, rows * columns * n + 4)),
        table(h, rows, columns * n * 4),
        table(w, columns, n * 4),
        h,
        w,
        n,
      ];
    });
  }
}

for (const n of sizes) {
  for (const rows of [0, 1, 3]) {
    add("f32_copy_rows", `${rows}x${n}`, (l) => [
      l.room(rows * (n + 2) * 4),
      l.put(reals(l, rows * (n + 5)), 4),
      rows,
      n,
      n + 2,
      n + 5,
    ]);
    for (const [top, bottom, left, right] of [
      [0, 0, 0, 0],
      [1, 0, 3, 0],
      [0, 2, 1, 4],
    ]) {
      add("f32_frame", `${rows}x${n} in ${top} ${bottom} ${left} ${right}`, (l) => [
        l.room((top + rows + bottom) * (left + n + right) * 4),
        l.put(odd(l, rows * n), 4),
        rows,
        n,
        top,
        bottom,
        left,
        right,
        -Infinity,
      ]);
    }
    for (const run of [1, 3, 4, 9]) {
      add("f32_gather", `${rows}x${n} run ${run}`, (l) => {
        const row = run + 20;
        return [
          l.room(rows * n * run * 4),
          l.put(odd(l, Math.max(1, rows) * row)),
          l.put(Int32Array.from({ length: n }, () => l.random.below(22) - 1)),
          rows,
          n,
          run,
          row,
          0.7,
        ];
      });
    }
    const [turn, divide] = [16, 3];
    for (const fn of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, turn + 1, turn + 7, turn + 8, turn + 9]) {
      const [low, high] = bounds[(fn + n) % 3];
      const label = `fn ${fn} ${rows}x${n}`;
      // Comparisons want numbers that are equal.
      const contents = fn % 2 || fn === 6 || fn === 8 ? odd : reals;
      for (const [one, step] of [
        [0, n],
        [0, 0],
        [1, 1],
        [1, 0],
      ]) {
        add("f32_arithmetic", `${label} one ${one} step ${step}`, (l) => [
          l.room(rows * n * 4),
          l.put(contents(l, rows * n)),
          // Never 0: 0 / 0 is a NaN whose sign is the machine's.
          l.put(
            fn % 16 > 5
              ? odd(l, Math.max(1, rows * n))
              : reals(l, Math.max(1, rows * n)).map((value) => value || 1),
          ),
          rows,
          n,
          step,
          one,
          fn,
          low,
          high,
        ]);
      }
      add("f32_arithmetic", `${label} divides`, (l) => [
        l.room(rows * n * 4),
        l.put(reals(l, rows * n)),
        l.put(odd(l, rows * n)),
        rows,
        n,
        n,
        0,
        turn + divide,
        low,
        high,
      ]);
    }
    for (const fn of [0, 1, 2, 3, 4]) {
      for (const k of [1, 2, 7]) {
        add("f32_reduce", `fn ${fn} ${rows}x${k}x${n}`, (l) => [
          l.room(rows * n * 4),
          l.put((fn === 2 ? odd : reals)(l, rows * k * n)),
          rows,
          k,
          n,
          fn,
        ]);
      }
    }
    add("f32_layer_norm", `${rows}x${n}`, (l) => [
      l.room(rows * n * 4),
      l.put(reals(l, rows * n)),
      l.put(reals(l, n)),
      l.put(reals(l, n)),
      rows,
      n,
      1e-3,
    ]);
    for (const scaled of [false, true]) {
      add("f32_embedding", `${rows}x${n} scaled ${scaled}`, (l) => [
        l.room(rows * 3 * n * 4),
        l.put(Float32Array.from({ length: rows * 3 }, (_, i) => (i % 5 === 4 ? -3 : l.random.uniform(0, 6)))),
        scaled
          ? l.put(Int8Array.from({ length: 6 * n }, () => l.random.below(255) - 127))
          : l.put(reals(l, 6 * n)),
        scaled ? l.put(reals(l, n)) : 0,
        rows * 3,
        n,
        6,
      ]);
    }
  }
}
add("f32_embedding", "rows that there are not", (l) => [
  l.room(9 * 4),
  l.put(Float32Array.of(NaN, -1, -0.5, 0, 1.9, 2, 1e30, -1e30, Infinity)),
  l.put(Float32Array.of(5, 7)),
  0,
  9,
  1,
  2,
]);

const relu = unaryFunctionNames.indexOf("relu");
const tanh = unaryFunctionNames.indexOf("tanh");
const sigmoid = unaryFunctionNames.indexOf("sigmoid");
const elu = unaryFunctionNames.indexOf("elu");
for (const units of [1, 3, 4, 9, 33]) {
  for (const steps of [0, 1, 2, 5]) {
    for (const sequence of [false, true]) {
      for (const backwards of [false, true]) {
        const label = `units ${units} steps ${steps}${sequence ? " sequence" : ""}${backwards ? " back" : ""}`;
        const room = (l: Layout) => l.room((sequence ? steps : 1) * units * 4);
        // The inputs of all steps, the address of the first one and the way to the next.
        const inputs = (l: Layout, gates: number): [number, number] => {
          const row = gates * units;
          const at = l.put(reals(l, Math.max(1, steps) * row));
          return backwards ? [at + Math.max(0, steps - 1) * row * 4, -row] : [at, row];
        };
        const yStep = sequence ? units : 0;
        const fn = sequence ? tanh : steps === 5 ? elu : relu;
        for (const given of [false, true]) {
          const what = `${label}${given ? " given" : ""}`;
          // A state to begin with, or none.
          const from = (l: Layout, count: number) => (given ? l.put(reals(l, count)) : 0);
          add("f32_simple_rnn", what, (l) => {
            const [xw, step] = inputs(l, 1);
            const u = l.put(reals(l, units * units, 0.5));
            const state = from(l, units);
            return [room(l), xw, u, state, l.scratch(units * 8), steps, units, step, yStep, fn];
          });
          add("f32_lstm", what, (l) => {
            const [xw, step] = inputs(l, 4);
            const u = l.put(reals(l, 4 * units * units, 0.5));
            const state = from(l, 2 * units);
            return [room(l), xw, u, state, l.scratch(units * 24), steps, units, step, yStep, fn, sigmoid];
          });
          for (const after of [false, true]) {
            add("f32_gru", `${what}${after ? " after" : ""}`, (l) => {
              const [xw, step] = inputs(l, 3);
              const u = l.put(reals(l, 3 * units * units, 0.5));
              const bias = after ? l.put(reals(l, 3 * units)) : 0;
              const state = from(l, units);
              const scratch = l.scratch(units * 16);
              return [room(l), xw, u, bias, state, scratch, steps, units, step, yStep, fn, sigmoid];
            });
          }
        }
      }
    }
  }
}

export const floatCases: readonly Case[] = cases;
