/** Every op in f32 on every variant: close to plain f64 loops, and the same bits in all of them. */

import { describe, expect, test } from "vitest";
import {
  checkGraph,
  type Graph,
  inferShapes,
  type Node,
  opNames,
  type Shape,
  sizeOf,
  type Weight,
} from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluateAll } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";
import { shipped } from "./shipped.js";

interface Net {
  readonly label: string;
  readonly graph: Graph;
  /** Makes inputs of the noise in [-1, 1). */
  readonly input?: (x: number) => number;
}

const nets: Net[] = [];
const tried = new Set<string>();
let seed = 1;

const weight = (...shape: number[]): Weight => f32(shape, noise(sizeOf(shape), seed++));
const coded = (...shape: number[]): Weight => ({
  dtype: "s8",
  shape,
  data: Int8Array.from(noise(sizeOf(shape), seed++), (x) => Math.trunc(x * 127)),
  scale: Float32Array.from(noise(shape[shape.length - 1], seed++), (x) => Math.abs(x) / 50 + 1e-3),
});

/** A net of one op on inputs of these shapes, batch not named. */
function net(
  op: string,
  shapes: readonly (readonly number[])[],
  attrs: Node["attrs"],
  weights: Readonly<Record<string, Weight>> = {},
  input?: Net["input"],
): void {
  tried.add(op);
  const names = shapes.map((_, i) => `x${i}`);
  const roles = Object.fromEntries(Object.keys(weights).map((role) => [role, role]));
  const graph = graphOf({
    inputs: shapes.map((shape, i) => ({ name: names[i], shape: [null, ...shape] })),
    nodes: [node("n", op, names, { attrs, weights: roles })],
    weights,
  });
  checkGraph(graph);
  const label = `${op} ${shapes.map((shape) => `[${shape}]`).join(" ")} ${JSON.stringify(attrs)}`;
  nets.push({ label, graph, ...(input && { input }) });
}

const none = [0, 0, 0, 0];
const window: Node["attrs"] = { strides: [1, 1], dilations: [1, 1], padding: none };

for (const [shape, kernel, attrs] of [
  [[5, 6, 3], [3, 3, 3, 10], { padding: [1, 1, 1, 1], activation: "relu" }],
  [[5, 6, 4], [1, 1, 4, 8], { activation: "relu6" }],
  [[7, 9, 5], [3, 2, 5, 3], { strides: [2, 3], padding: [0, 1, 2, 0], activation: "tanh" }],
  [[8, 8, 2], [3, 3, 2, 9], { dilations: [2, 3], padding: [2, 2, 0, 0] }],
  [[1, 20, 3], [1, 5, 3, 17], { padding: [0, 0, 4, 0], activation: "relu", maxValue: 1 }],
  [[4, 4, 1], [4, 4, 1, 6], {}],
] as const) {
  const all: Node["attrs"] = { ...window, ...attrs };
  const [, , inputs, outputs] = kernel;
  net("conv2d", [shape], all, { kernel: weight(...kernel), bias: weight(outputs) });
  net("conv2d", [shape], all, { kernel: weight(...kernel) });
  for (const multiplier of [1, 2]) {
    const depthwise = { kernel: weight(kernel[0], kernel[1], inputs, multiplier) };
    net("depthwiseConv2d", [shape], all, { ...depthwise, bias: weight(inputs * multiplier) });
  }
}
net(
  "depthwiseConv2d",
  [[6, 6, 16]],
  { strides: [2, 2], dilations: [1, 1], padding: [0, 1, 0, 1] },
  {
    kernel: weight(3, 3, 16, 1),
  },
);
for (const activation of ["linear", "relu", "sigmoid"]) {
  const attrs = { ...window, activation };
  net(
    "conv2d",
    [
      [3, 5, 2],
      [3, 5, 4],
    ],
    attrs,
    { kernel: weight(1, 1, 2, 4), bias: weight(4) },
  );
}

for (const [kernel, attrs] of [
  [[3, 3], { strides: [2, 2], padding: [0, 1, 0, 1] }],
  [[2, 2], { strides: [2, 2] }],
  [[4, 4], { strides: [2, 2], padding: [1, 1, 1, 1], activation: "relu" }],
  [[3, 3], { strides: [1, 1], padding: [1, 1, 1, 1] }],
  [[2, 3], { strides: [3, 2], outputPadding: [2, 1], activation: "tanh" }],
  [[5, 2], { strides: [1, 4], padding: [3, 0, 1, 0], outputPadding: [0, 3] }],
  [[1, 7], { strides: [1, 3], padding: [0, 0, 6, 5] }],
] as const) {
  const all: Node["attrs"] = { ...{ padding: none, outputPadding: [0, 0] }, ...attrs };
  const weights = { kernel: weight(...kernel, 3, 9), bias: weight(9) };
  net("convTranspose2d", [[4, 5, 3]], all, weights);
}

for (const op of ["maxPool", "averagePool"]) {
  net(op, [[6, 8, 5]], { size: [2, 2], strides: [2, 2], padding: none });
  net(op, [[5, 7, 3]], { size: [3, 2], strides: [2, 1], padding: [1, 2, 0, 1] });
  net(op, [[1, 9, 8]], { size: [1, 4], strides: [1, 3], padding: [0, 0, 3, 2] });
}

for (const fn of ["sum", "mean", "max", "min", "product"]) {
  for (const [shape, axes] of [
    [
      [4, 5, 6],
      [1, 2],
    ],
    [[4, 5, 6], [3]],
    [
      [4, 5, 6],
      [1, 3],
    ],
    [
      [3, 2, 4],
      [1, 2, 3],
    ],
    [[9], [1]],
  ] as const) {
    net("reduce", [shape], { fn, axes, keepDims: shape.length % 2 === 1 });
  }
}

const comparisons = ["equal", "greater", "greaterEqual", "mask"];
for (const op of ["add", "subtract", "multiply", "divide", "maximum", "minimum", ...comparisons]) {
  // Few numbers, so that some are equal, or 0; or none near 0.
  const away = comparisons.includes(op)
    ? (x: number) => Math.round(x * 2)
    : (x: number) => (Math.abs(x) + 0.5) * (x < 0 ? -2 : 2);
  for (const [a, b] of [
    [
      [3, 4, 5],
      [3, 4, 5],
    ],
    [
      [3, 4, 5],
      [1, 1, 5],
    ],
    [
      [1, 1, 5],
      [3, 4, 5],
    ],
    [
      [3, 4, 5],
      [3, 4, 1],
    ],
    [
      [3, 4, 5],
      [3, 1, 5],
    ],
    [
      [3, 1, 5],
      [1, 4, 1],
    ],
    [
      [3, 4, 5],
      [1, 1, 1],
    ],
    [[1], [1]],
  ] as const) {
    net(op, [a, b], { activation: "relu" }, {}, away);
    for (const operandFirst of [false, true]) {
      const operand = f32(b, noise(sizeOf(b), seed++).map(away));
      net(op, [a], { operandFirst, activation: "relu6" }, { operand }, away);
    }
  }
  net(op, [[3, 7]], {}, { operand: f32([], [0.7]) }, away);
  net(op, [[3, 7]], {}, { operand: f32([7], noise(7).map(away)) }, away);
  net(op, [[7]], { operandFirst: true }, { operand: f32([2, 7], noise(14).map(away)) }, away);
}

const shapes = [
  [3, 2, 5],
  [3, 4, 5],
  [3, 1, 5],
];
net("concat", shapes, { axis: 2 });
net("concat", [[2, 3]], { axis: 1 });
net(
  "concat",
  [
    [2, 3],
    [4, 3],
  ],
  { axis: 1 },
);
net(
  "concat",
  [
    [2, 3, 1],
    [2, 3, 9],
  ],
  { axis: 3 },
);

net("pad", [[3, 4]], { pads: [1, 0, 2, 3], value: 0.3 });
net("pad", [[3, 4, 2]], { pads: [1, 2, 0, 1, 0, 0] });
net("pad", [[3, 4, 2]], { pads: [2, 1, 3, 2, 1, 1], mode: "reflect" });
net("pad", [[3, 4, 2]], { pads: [3, 1, 4, 2, 2, 0], mode: "symmetric" });

net("slice", [[4, 6, 5]], { begin: [1, 0, 0], size: [2, 6, 5], strides: [1, 1, 1] });
net("slice", [[4, 6, 5]], { begin: [3, 1, 4], size: [4, 3, 3], strides: [-1, 2, -2] });
net("slice", [[6]], { begin: [0], size: [6], strides: [1] });

net("transpose", [[3, 4, 5]], { perm: [0, 3, 1, 2] });
net("transpose", [[3, 4, 5]], { perm: [0, 2, 1, 3] });
net("transpose", [[3, 4, 5]], { perm: [0, 1, 2, 3] });

for (const method of ["nearest", "bilinear"]) {
  for (const [size, attrs] of [
    [[8, 10], {}],
    [[3, 2], {}],
    [[7, 9], { alignCorners: true }],
    [[1, 1], { alignCorners: true }],
    [[9, 3], { halfPixelCenters: true }],
    [[4, 5], { halfPixelCenters: true }],
  ] as const) {
    for (const channels of [1, 6]) net("resize", [[4, 5, channels]], { size, method, ...attrs });
  }
}

net("gather", [[4, 3, 2]], { axis: 1, indices: [3, 0, 0] });
net("gather", [[4, 3, 2]], { axis: 3, indices: [1, 0, 1, 1, 0] });

const row = (x: number) => Math.floor(((x + 1) / 2) * 11);
net("embedding", [[6]], {}, { embeddings: weight(11, 5) }, row);
net("embedding", [[2, 3]], {}, { embeddings: coded(11, 4) }, row);

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const a = transposeA ? [2, 7, 3] : [2, 3, 7];
    const b = transposeB ? [2, 9, 7] : [2, 7, 9];
    net("matmul", [a, b], { transposeA, transposeB });
  }
}

net("layerNorm", [[3, 7]], { epsilon: 1e-3 }, { gamma: weight(7), beta: weight(7) });
net("layerNorm", [[8]], { epsilon: 1e-5 });

for (const [op, gates] of [
  ["simpleRnn", 1],
  ["lstm", 4],
  ["gru", 3],
] as const) {
  for (const make of [weight, coded]) {
    for (const returnSequences of [false, true]) {
      for (const goBackwards of [false, true]) {
        for (const resetAfter of op === "gru" ? [false, true] : [false]) {
          const [depth, units] = [5, 6];
          const functions = goBackwards
            ? { activation: "relu", ...(gates > 1 && { recurrentActivation: "hardSigmoid" }) }
            : {};
          const attrs = { returnSequences, goBackwards, ...(resetAfter && { resetAfter }), ...functions };
          const weights = {
            kernel: make(depth, gates * units),
            recurrent: make(units, gates * units),
            ...(make === weight && { bias: resetAfter ? weight(2, 3 * units) : weight(gates * units) }),
          };
          net(op, [[7, depth]], attrs, weights);
        }
      }
    }
  }
}

net("prelu", [[3, 4, 5]], {}, { alpha: weight(1, 1, 5) });
net("prelu", [[3, 4, 5]], {}, { alpha: weight(3, 1, 1) });

// Of old: their own tests are in model.test.ts.
for (const op of ["affine", "dense", "logSoftmax", "reshape", "softmax", "unary"]) tried.add(op);

test("every op of the graph is tried", () => {
  expect([...tried].sort()).toEqual([...opNames].sort());
});

const variants = variantsHere(runtimeSet);
const samples = 3;

function inputsOf(graph: Graph, input: Net["input"], batch: number): Record<string, Float32Array> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }, i) => {
      const numbers = noise(sizeOf(shape) * samples, 50 + i).map((x) => (input ? input(x) : x));
      return [name, numbers.subarray(0, sizeOf(shape) * batch)];
    }),
  );
}

describe("f32 equals the evaluator, with the same bits on every variant", () => {
  test.each(nets.map((each) => [each.label, each] as const))("%s", (_label, { graph, input }) => {
    const inputs = inputsOf(graph, input, samples);
    // Codes with their scale, as the evaluator knows reals only.
    const wanted = evaluateAll(realGraph(graph), inputs).get("n")?.data as Float64Array;
    const range = Math.max(...Array.from(wanted, Math.abs), 1e-6);
    const outcomes = variants.map((variant) => {
      using model = createModel(graph, { variant });
      const got = model.run(inputs).y.slice();
      const one = model.run(inputsOf(graph, input, 1)).y;
      expect(one, `${variant}, one sample`).toEqual(got.subarray(0, one.length));
      using other = new shipped.Model(graph, { variant });
      expect(other.run(inputs).y, `${variant}, as shipped`).toEqual(got);
      return got;
    });
    expect(outcomes[0]).toHaveLength(wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      expect(Math.abs(outcomes[0][i] - wanted[i]), `element ${i}`).toBeLessThanOrEqual(2e-6 * range);
    }
    for (const outcome of outcomes) {
      expect(new Uint8Array(outcome.buffer)).toEqual(new Uint8Array(outcomes[0].buffer));
    }
  });
});

function realGraph(graph: Graph): Graph {
  const reals = Array.from(graph.weights, ([key, each]): [string, Weight] => {
    if (each.dtype !== "s8") return [key, each];
    const { shape, data, scale } = each;
    return [
      key,
      f32(
        shape,
        Float32Array.from(data, (code, i) => code * scale[i % scale.length]),
      ),
    ];
  });
  return { ...graph, weights: new Map(reals) };
}

describe("values that the graph keeps in u7 around ops in f32", () => {
  const attrs = { ...window, padding: [1, 1, 1, 1] };
  const nodes = [
    node("a", "conv2d", "x", { attrs, weights: { kernel: "kernel" } }),
    node("b", "transpose", "a", { attrs: { perm: [0, 2, 1, 3] } }),
    node("c", "resize", "b", { attrs: { size: [9, 5], method: "bilinear" } }),
    node("d", "reduce", "c", { attrs: { fn: "mean", axes: [1, 2] } }),
  ];
  const plain = graphOf({
    inputs: [{ name: "x", shape: [null, 4, 6, 3] }],
    nodes,
    weights: { kernel: weight(3, 3, 3, 5) },
  });
  const values = [...inferShapes(plain).keys()];
  const half = values.map((name): [string, Shape] => [name, [null]]);

  test.each(variants)("%s", (variant) => {
    const scale = 16 / 127;
    const graph: Graph = { ...plain, quant: new Map(half.map(([name]) => [name, { scale, zero: 64 }])) };
    const x = noise(2 * 72, 9);
    using model = createModel(graph, { variant, keep: "all" });
    const got = model.run(x).y;
    const wanted = evaluateAll(plain, { x }).get("d")?.data as Float64Array;
    for (let i = 0; i < wanted.length; i++) {
      // Half a code wherever it was rounded.
      expect(Math.abs(got[i] - wanted[i])).toBeLessThanOrEqual(2 * scale);
    }
    expect(got.some((value) => value !== 0)).toBe(true);
  });
});
