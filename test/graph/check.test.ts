import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AttrValue,
  checkGraph,
  type Graph,
  GraphError,
  type GraphErrorCode,
  isNormalScale,
  type QuantParams,
  type Weight,
} from "../../src/graph/index.js";
import { f32, type GraphParts, graphOf, node } from "./helpers.js";

const kernel = f32([3, 2], [1, 2, 3, 4, 5, 6]);
const s8: Weight = {
  dtype: "s8",
  shape: [3, 2],
  data: Int8Array.of(1, -2, 3, -4, 127, -127),
  scale: Float32Array.of(0.5, 0.25),
};
const i32: Weight = { dtype: "i32", shape: [2], data: Int32Array.of(7, -7) };
const table: Weight = { dtype: "u7", shape: [128], data: new Uint8Array(128).fill(127) };
const u7: QuantParams = { scale: 0.1, zero: 64 };
const denseNode = node("d", "dense", "x", { weights: { kernel: "k" } });

const f32Dense = (parts: GraphParts = {}): Graph =>
  graphOf({ nodes: [denseNode], weights: { k: kernel }, ...parts });

const s8Dense = (
  parts: GraphParts = {},
  attrs: Record<string, AttrValue> = { preScale: 0.2, preZero: 3 },
): Graph =>
  graphOf({
    nodes: [node("d", "dense", "x", { weights: { kernel: "k", bias: "b", table: "t" }, attrs })],
    weights: { k: s8, b: i32, t: table },
    quant: { x: u7, d: u7 },
    ...parts,
  });

const s8With = (change: Partial<Weight>, key = "k"): Graph => {
  const weights = { k: s8, b: i32, t: table };
  return s8Dense({ weights: { ...weights, [key]: { ...weights[key as "k"], ...change } as Weight } });
};

const unaryTable = (quant: Readonly<Record<string, QuantParams>>): Graph =>
  graphOf({
    nodes: [node("u", "unary", "x", { weights: { table: "t" }, attrs: { fn: "tanh" } })],
    weights: { t: table },
    quant,
  });

const of = (op: string, attrs: Record<string, AttrValue> = {}): Graph =>
  graphOf({ nodes: [node("n", op, "x", { attrs })] });

test("graphs that are right pass, and their shapes come back", () => {
  expect(Object.fromEntries(checkGraph(f32Dense()))).toEqual({ x: [null, 3], d: [null, 2] });
  checkGraph(s8Dense());
  checkGraph(unaryTable({ x: u7, u: u7 }));
  checkGraph(graphOf({}));
  checkGraph(of("unary", { fn: "leakyRelu", alpha: 0.2 }));
  checkGraph(of("softmax", { axis: 1 }));
  checkGraph(of("reshape", { shape: [null, 1, 3] }));
  checkGraph(f32Dense({ nodes: [{ ...denseNode, attrs: { activation: "elu", alpha: 2 } }] }));
});

type Case = readonly [what: string, code: GraphErrorCode, graph: () => Graph, message: RegExp];

const K = 133_145;
const deep: Weight = { dtype: "s8", shape: [K, 1], data: new Int8Array(K), scale: Float32Array.of(1) };
const wide = { name: "x", shape: [null, 2 ** 14, 2 ** 14] } as const;

const structure: readonly Case[] = [
  ["unknown op", "graph-op", () => of("conv9d"), /n: wanted an op of .*dense.*, got conv9d/],
  ["op of Object", "graph-op", () => of("constructor"), /got constructor/],
  [
    "too many inputs",
    "graph-arity",
    () => f32Dense({ nodes: [{ ...denseNode, inputs: ["x", "x"] }] }),
    /wants 1 inputs, got 2/,
  ],
  ["no input", "graph-arity", () => f32Dense({ nodes: [{ ...denseNode, inputs: [] }] }), /got 0/],
  ["value twice", "graph-duplicate", () => f32Dense({ nodes: [denseNode, denseNode] }), /value d/],
  [
    "node named as the input",
    "graph-duplicate",
    () => f32Dense({ nodes: [{ ...denseNode, name: "x" }] }),
    /value x/,
  ],
  [
    "output twice",
    "graph-duplicate",
    () =>
      f32Dense({
        outputs: [
          { name: "y", value: "d" },
          { name: "y", value: "x" },
        ],
      }),
    /output y/,
  ],
  [
    "reads nothing",
    "graph-dangling",
    () => f32Dense({ nodes: [{ ...denseNode, inputs: ["nix"] }] }),
    /d: reads nix/,
  ],
  [
    "output of nothing",
    "graph-dangling",
    () => f32Dense({ outputs: [{ name: "y", value: "nix" }] }),
    /output y.*nix/,
  ],
  ["parameters of nothing", "graph-dangling", () => f32Dense({ quant: { nix: u7 } }), /nix/],
  [
    "reads itself",
    "graph-cycle",
    () => f32Dense({ nodes: [{ ...denseNode, inputs: ["d"] }] }),
    /d: .*got d, made later/,
  ],
  [
    "reads what comes later",
    "graph-cycle",
    () =>
      graphOf({
        nodes: [
          node("a", "unary", "b", { attrs: { fn: "relu" } }),
          node("b", "unary", "a", { attrs: { fn: "relu" } }),
        ],
      }),
    /a: .*got b, made later/,
  ],
];

const attributes: readonly Case[] = [
  ["missing", "graph-attr", () => of("unary"), /wants fn, one of linear.*got none/],
  ["unknown", "graph-attr", () => of("unary", { fn: "relu", speed: 1 }), /wants fn, maxValue, got speed/],
  [
    "unknown where there are none",
    "graph-attr",
    () => of("prelu", { axis: 1 }),
    /wants no attributes, got axis/,
  ],
  ["number of another function", "graph-attr", () => of("unary", { fn: "relu", alpha: 1 }), /got alpha/],
  ["function of Object", "graph-attr", () => of("unary", { fn: "toString" }), /got toString/],
  [
    "not finite",
    "graph-attr",
    () => of("unary", { fn: "elu", alpha: Number.NaN }),
    /a finite number, got NaN/,
  ],
  [
    "more than a file says",
    "graph-attr",
    () => of("unary", { fn: "elu", alpha: 2 ** 53 }),
    /alpha wants a number within 2\^53 - 1, got 9007199254740992/,
  ],
  ["negative cap", "graph-attr", () => of("unary", { fn: "relu", maxValue: -1 }), />= 0, got -1/],
  [
    "number as text",
    "graph-attr",
    () => of("unary", { fn: "elu", alpha: "1" }),
    /alpha wants a finite number, got 1/,
  ],
  ["fraction as axis", "graph-attr", () => of("softmax", { axis: 0.5 }), /an integer, got 0.5/],
  ["shape without batch", "graph-attr", () => of("reshape", { shape: [3] }), /got \[3\]/],
  ["shape with -1", "graph-attr", () => of("reshape", { shape: [null, -1] }), /got \[null, -1\]/],
  ["shape of rank 9", "graph-attr", () => of("reshape", { shape: [null, 3, 1, 1, 1, 1, 1, 1, 1] }), /rank 8/],
  [
    "unknown activation",
    "graph-attr",
    () => f32Dense({ nodes: [{ ...denseNode, attrs: { activation: "softmax" } }] }),
    /d: activation wants one of .*, got softmax/,
  ],
  [
    "number of no activation",
    "graph-attr",
    () => f32Dense({ nodes: [{ ...denseNode, attrs: { alpha: 1 } }] }),
    /got alpha/,
  ],
];

const weights: readonly Case[] = [
  [
    "missing",
    "graph-weight",
    () => f32Dense({ nodes: [{ ...denseNode, weights: {} }] }),
    /wants the weight kernel, got none/,
  ],
  [
    "unknown role",
    "graph-weight",
    () => f32Dense({ nodes: [{ ...denseNode, weights: { kernel: "k", gamma: "k" } }] }),
    /wants kernel, bias, table, got gamma/,
  ],
  ["key of nothing", "graph-weight", () => f32Dense({ weights: {} }), /no weight k for kernel/],
  ["dtype of the role", "graph-weight", () => f32Dense({ weights: { k: i32 } }), /wanted f32 or s8, got i32/],
  [
    "rank",
    "graph-weight",
    () => f32Dense({ weights: { k: f32([6], [1, 2, 3, 4, 5, 6]) } }),
    /wanted rank 2, got \[6\]/,
  ],
  [
    "too little data",
    "graph-weight",
    () => f32Dense({ weights: { k: f32([3, 2], [1]) } }),
    /wants 6 elements, got 1/,
  ],
  ["size 0", "graph-weight", () => f32Dense({ weights: { k: f32([0, 2], []) } }), /at least 1.*got \[0, 2\]/],
  [
    "size that is no integer",
    "graph-weight",
    () => f32Dense({ weights: { k: f32([1.5, 2], [1, 2, 3]) } }),
    /got \[1.5, 2\]/,
  ],
  [
    "another array",
    "graph-weight",
    () => f32Dense({ weights: { k: { ...kernel, data: new Float64Array(6) } as unknown as Weight } }),
    /f32 wants a Float32Array, got Float64Array/,
  ],
  [
    "another dtype",
    "graph-weight",
    () => f32Dense({ weights: { k: { ...kernel, dtype: "f16" } as unknown as Weight } }),
    /got f16/,
  ],
  ["f32 bias of an s8 kernel", "graph-weight", () => s8With(f32([2], [1, 2]), "b"), /bias of i32, got f32/],
  [
    "i32 bias of an f32 kernel",
    "graph-weight",
    () =>
      f32Dense({
        nodes: [{ ...denseNode, weights: { kernel: "k", bias: "b" } }],
        weights: { k: kernel, b: i32 },
      }),
    /bias of f32, got i32/,
  ],
  [
    "table of an f32 kernel",
    "graph-weight",
    () =>
      f32Dense({
        nodes: [{ ...denseNode, weights: { kernel: "k", table: "t" } }],
        weights: { k: kernel, t: table },
      }),
    /table wants a kernel of s8/,
  ],
  ["code -128", "weight-range", () => s8With({ data: Int8Array.of(0, 0, 0, -128, 0, 0) }), /k: .*-128 at 3/],
  ["scale NaN", "weight-scale", () => s8With({ scale: Float32Array.of(1, Number.NaN) }), /NaN for channel 1/],
  ["scale 0", "weight-scale", () => s8With({ scale: Float32Array.of(0, 1) }), /got 0 for channel 0/],
  ["scale subnormal", "weight-scale", () => s8With({ scale: Float32Array.of(1, 2 ** -127) }), /channel 1/],
  ["scale infinite", "weight-scale", () => s8With({ scale: Float32Array.of(1, Infinity) }), /Infinity/],
  ["too few scales", "channel-count", () => s8With({ scale: Float32Array.of(1) }), /wants 2 scales, got 1/],
  [
    "too many scales",
    "channel-count",
    () => s8With({ scale: Float32Array.of(1, 1, 1) }),
    /wants 2 scales, got 3/,
  ],
  [
    "K",
    "k-too-large",
    () =>
      graphOf({
        inputs: [{ name: "x", shape: [null, K] }],
        nodes: [denseNode],
        weights: { k: deep },
        quant: { x: u7 },
      }),
    /K <= 133144.*got 133145/,
  ],
  [
    "table of 127",
    "table-length",
    () => s8With({ shape: [127], data: new Uint8Array(127) }, "t"),
    /\[128\], got \[127\]/,
  ],
  ["table of 2 x 64", "table-length", () => s8With({ shape: [2, 64] }, "t"), /got \[2, 64\]/],
  [
    "table entry 128",
    "table-range",
    () => s8With({ data: new Uint8Array(128).fill(128, 5) }, "t"),
    /got 128 at 5/,
  ],
];

const shapes: readonly Case[] = [
  [
    "channels of a dense",
    "graph-shape",
    () => f32Dense({ inputs: [{ name: "x", shape: [null, 4] }] }),
    /wants 3 channels in, got 4/,
  ],
  [
    "dense of rank 1",
    "graph-shape",
    () => f32Dense({ inputs: [{ name: "x", shape: [null] }] }),
    /rank 2 or more, got \[null\]/,
  ],
  [
    "length of a bias",
    "graph-shape",
    () =>
      f32Dense({
        nodes: [{ ...denseNode, weights: { kernel: "k", bias: "b" } }],
        weights: { k: kernel, b: f32([3], [1, 2, 3]) },
      }),
    /bias of \[2\], got \[3\]/,
  ],
  [
    "elements of a reshape",
    "graph-shape",
    () => of("reshape", { shape: [null, 4] }),
    /wanted 3 elements.*got 4/,
  ],
  ["axis of a softmax", "graph-shape", () => of("softmax", { axis: 0 }), /the last axis, -1 or 1, got 0/],
  ["axis of a logSoftmax", "graph-shape", () => of("logSoftmax", { axis: 2 }), /got 2/],
  [
    "alpha of a prelu",
    "graph-shape",
    () =>
      graphOf({
        nodes: [node("n", "prelu", "x", { weights: { alpha: "a" } })],
        weights: { a: f32([2], [1, 2]) },
      }),
    /alpha of \[3\].*got \[2\]/,
  ],
  [
    "channels of an affine",
    "graph-shape",
    () =>
      graphOf({
        nodes: [node("n", "affine", "x", { weights: { scale: "s", offset: "o" } })],
        weights: { s: f32([3], [1, 2, 3]), o: f32([2], [1, 2]) },
      }),
    /got 3 and 2/,
  ],
  [
    "input without batch",
    "graph-shape",
    () => graphOf({ inputs: [{ name: "x", shape: [3] }] }),
    /input x.*got \[3\]/,
  ],
  [
    "batch twice",
    "graph-shape",
    () => graphOf({ inputs: [{ name: "x", shape: [null, null] }] }),
    /got \[null, null\]/,
  ],
  ["size 0", "graph-shape", () => graphOf({ inputs: [{ name: "x", shape: [null, 0] }] }), /got \[null, 0\]/],
];

const numbers: readonly Case[] = [
  ...[Number.NaN, Infinity, 0, -1, 2 ** -127, 1e-46, 2 ** 53, 1e39].map(
    (scale): Case => [
      `scale ${scale}`,
      "quant-scale",
      () => f32Dense({ quant: { x: { scale, zero: 0 } } }),
      /u7 parameters of x/,
    ],
  ),
  ...[-1, 128, 0.5, Number.NaN].map(
    (zero): Case => [
      `zero ${zero}`,
      "quant-zero",
      () => f32Dense({ quant: { x: { scale: 1, zero } } }),
      /\[0, 127\], got/,
    ],
  ),
  [
    "scale of the pre-activation",
    "quant-scale",
    () => s8Dense({}, { preScale: -1, preZero: 3 }),
    /d: pre-activation/,
  ],
  [
    "zero of the pre-activation",
    "quant-zero",
    () => s8Dense({}, { preScale: 1, preZero: 200 }),
    /d: pre-activation.*200/,
  ],
  [
    "s8 reads f32",
    "quant-missing",
    () => s8Dense({ quant: { d: u7 } }),
    /parameters of x since kernel is s8/,
  ],
  ["table without pre-activation", "quant-missing", () => s8Dense({}, {}), /preScale and preZero, got none/],
  ["half a pre-activation", "quant-missing", () => s8Dense({}, { preScale: 1 }), /both preScale and preZero/],
  [
    "table into f32",
    "quant-missing",
    () => s8Dense({ quant: { x: u7 } }),
    /parameters of d since it has a table/,
  ],
  ["unary table out of f32", "quant-missing", () => unaryTable({ u: u7 }), /parameters of x/],
  ["unary table into f32", "quant-missing", () => unaryTable({ x: u7 }), /parameters of u/],
];

const memory: readonly Case[] = [
  [
    "one value",
    "memory-cap",
    () => graphOf({ inputs: [{ ...wide, shape: [null, 2 ** 14, 2 ** 14, 2] }] }),
    /x: wanted at most 1073741824/,
  ],
  [
    "a product past 2^53",
    "memory-cap",
    () => graphOf({ inputs: [{ name: "x", shape: [null, 2 ** 50, 2 ** 50, 2 ** 50] }] }),
    /at most 1073741824 bytes/,
  ],
];

for (const [group, cases] of Object.entries({ structure, attributes, weights, shapes, numbers, memory })) {
  describe(group, () => {
    test.each(cases)("%s: %s", (_what, code, graph, message) => {
      let thrown: unknown;
      try {
        checkGraph(graph());
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(GraphError);
      expect(thrown).toBeInstanceOf(RangeError);
      expect(thrown).toMatchObject({ code, name: "GraphError" });
      expect((thrown as Error).message).toMatch(message);
    });
  });
}

test("every code has a case", () => {
  const codes: Record<GraphErrorCode, true> = {
    "graph-op": true,
    "graph-attr": true,
    "graph-arity": true,
    "graph-weight": true,
    "graph-duplicate": true,
    "graph-dangling": true,
    "graph-cycle": true,
    "graph-shape": true,
    "quant-scale": true,
    "quant-zero": true,
    "quant-missing": true,
    "weight-range": true,
    "weight-scale": true,
    "channel-count": true,
    "k-too-large": true,
    "table-length": true,
    "table-range": true,
    "memory-cap": true,
  };
  const tested = [structure, attributes, weights, shapes, numbers, memory].flat().map(([, code]) => code);
  expect([...new Set(tested)].sort()).toEqual(Object.keys(codes).sort());
});

describe("the caps are exact", () => {
  test("a value of 1 GiB passes, K of 133144 passes", () => {
    checkGraph(graphOf({ inputs: [wide] }));
    const k = K - 1;
    const weight: Weight = { ...deep, shape: [k, 1], data: new Int8Array(k) };
    const inputs = [{ name: "x", shape: [null, k] }];
    checkGraph(graphOf({ inputs, nodes: [denseNode], weights: { k: weight }, quant: { x: u7 } }));
  });

  test("memoryCap counts f32 values and all weights together", () => {
    const graph = f32Dense();
    checkGraph(graph, { memoryCap: 24 });
    expect(() => checkGraph(graph, { memoryCap: 23 })).toThrow(/weights: wanted at most 23 bytes, got 24/);
    expect(() => checkGraph(graphOf({}), { memoryCap: 11 })).toThrow(/x: wanted at most 11 bytes, got 12/);
  });
});

test("a scale passes if it is normal as f32, whatever the double", () => {
  fc.assert(
    fc.property(fc.double(), (scale) => {
      const bits = new Uint32Array(Float32Array.of(scale).buffer)[0];
      const exponent = (bits >>> 23) & 0xff;
      expect(isNormalScale(scale)).toBe(bits >>> 31 === 0 && exponent > 0 && exponent < 255);
    }),
  );
});
