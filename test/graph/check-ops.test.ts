/** What the rules of the ops refuse, whoever wrote the graph, and which code each refusal has. */

import { describe, expect, test } from "vitest";
import {
  type AttrValue,
  checkGraph,
  type Graph,
  GraphError,
  type GraphErrorCode,
  opNames,
  type QuantParams,
  type Shape,
  type Weight,
} from "../../src/graph/index.js";
import { evaluatedOps } from "./evaluate.js";
import { f32, type GraphParts, graphOf, node } from "./helpers.js";

type Attrs = Readonly<Record<string, AttrValue>>;

const zeros = (...shape: number[]): Weight => f32(shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
const s8 = (scales: number, ...shape: number[]): Weight => ({
  dtype: "s8",
  shape,
  data: new Int8Array(shape.reduce((a, b) => a * b, 1)),
  scale: new Float32Array(scales).fill(1),
});
const u7: QuantParams = { scale: 0.1, zero: 64 };

const image: Shape = [null, 6, 5, 4];
const still: Attrs = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
const pool: Attrs = { size: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] };
const up: Attrs = { strides: [2, 2], padding: [0, 0, 0, 0], outputPadding: [0, 0] };

/** A graph of one node that reads values of the given shapes. */
function of(
  op: string,
  attrs: Attrs,
  weights: Readonly<Record<string, Weight>> = {},
  shapes: readonly Shape[] = [image],
  parts: GraphParts = {},
): Graph {
  const inputs = shapes.map((shape, i) => ({ name: `x${i}`, shape }));
  const roles = Object.fromEntries(Object.keys(weights).map((role) => [role, role]));
  const names = inputs.map(({ name }) => name);
  return graphOf({ inputs, nodes: [node("n", op, names, { attrs, weights: roles })], weights, ...parts });
}

const conv = (attrs: Attrs, kernel = zeros(3, 3, 4, 2), shapes?: readonly Shape[]) =>
  of("conv2d", { ...still, ...attrs }, { kernel }, shapes);
const sequence: Shape = [null, 5, 3];
const mask: Shape = [null, sequence[1]];
const state: Shape = [null, 2];
const lstmOn = (attrs: Attrs, others: readonly Shape[]) =>
  of("lstm", attrs, { kernel: zeros(3, 8), recurrent: zeros(2, 8) }, [sequence, ...others]);
const lstm = (attrs: Attrs, weights: Readonly<Record<string, Weight>> = {}, parts: GraphParts = {}) =>
  of("lstm", attrs, { kernel: zeros(3, 8), recurrent: zeros(2, 8), ...weights }, [sequence], parts);

test("every op can be evaluated", () => expect([...evaluatedOps].sort()).toEqual([...opNames].sort()));

type Right = readonly [what: string, graph: () => Graph, result: Shape];

test.each<Right>([
  ["conv2d", () => conv({ strides: [2, 2], padding: [0, 1, 1, 1] }), [null, 3, 3, 2]],
  ["dilated", () => conv({ dilations: [2, 2] }), [null, 2, 1, 2]],
  ["with a residual", () => conv({}, undefined, [image, [null, 4, 3, 2]]), [null, 4, 3, 2]],
  [
    "depthwise",
    () => of("depthwiseConv2d", still, { kernel: zeros(2, 2, 4, 3), bias: zeros(12) }),
    [null, 5, 4, 12],
  ],
  [
    "s8 depthwise: a scale for each of in x multiplier",
    () => of("depthwiseConv2d", still, { kernel: s8(12, 2, 2, 4, 3) }, [image], { quant: { x0: u7 } }),
    [null, 5, 4, 12],
  ],
  [
    "transposed",
    () =>
      of(
        "convTranspose2d",
        { ...up, outputPadding: [1, 0], padding: [1, 0, 0, 2] },
        { kernel: zeros(3, 3, 4, 2) },
      ),
    [null, 13, 9, 2],
  ],
  ["maxPool", () => of("maxPool", { ...pool, padding: [1, 0, 0, 1] }), [null, 3, 3, 4]],
  ["reduce, kept", () => of("reduce", { fn: "max", axes: [1, 3], keepDims: true }), [null, 1, 5, 1]],
  ["reduce, gone", () => of("reduce", { fn: "sum", axes: [1, 2] }), [null, 4]],
  ["add that broadcasts", () => of("add", {}, {}, [image, [null, 1, 1, 4]]), image],
  ["add of a larger constant", () => of("add", {}, { operand: zeros(5, 4) }, [[null, 1, 4]]), [null, 5, 4]],
  ["concat", () => of("concat", { axis: 3 }, {}, [image, [null, 6, 5, 1]]), [null, 6, 5, 5]],
  ["pad", () => of("pad", { pads: [1, 0, 0, 2, 0, 0] }), [null, 7, 7, 4]],
  [
    "slice, reversed",
    () => of("slice", { begin: [5, 0, 1], size: [3, 5, 2], strides: [-2, 1, 2] }),
    [null, 3, 5, 2],
  ],
  ["transpose", () => of("transpose", { perm: [0, 3, 1, 2] }), [null, 4, 6, 5]],
  ["resize", () => of("resize", { size: [3, 9], method: "nearest" }), [null, 3, 9, 4]],
  ["gather", () => of("gather", { axis: 1, indices: [5, 5, 0] }), [null, 3, 5, 4]],
  ["embedding", () => of("embedding", {}, { embeddings: zeros(9, 3) }, [[null, 7]]), [null, 7, 3]],
  [
    "embedding of codes, which are stored only",
    () => of("embedding", {}, { embeddings: s8(3, 9, 3) }, [[null, 7]]),
    [null, 7, 3],
  ],
  ["matmul", () => of("matmul", { transposeB: true }, {}, [sequence, [null, 7, 3]]), [null, 5, 7]],
  ["layerNorm", () => of("layerNorm", { epsilon: 1e-3 }, { gamma: zeros(4) }), image],
  ["lstm", () => lstm({}, { bias: zeros(8) }), [null, 2]],
  [
    "lstm with a mask, a state, and its cell in the end",
    () => lstmOn({ masked: true, cellState: true, returnSequences: true }, [mask, state, state]),
    [null, (sequence[1] as number) + 1, 2],
  ],
  ["lstm with its cell in the end", () => lstmOn({ cellState: true }, []), [null, 2, 2]],
  [
    "s8 lstm, its weights stored only",
    () => lstm({ returnSequences: true }, { kernel: s8(8, 3, 8), recurrent: s8(8, 2, 8) }),
    [null, 5, 2],
  ],
  [
    "gru with two biases",
    () =>
      of("gru", { resetAfter: true }, { kernel: zeros(3, 6), recurrent: zeros(2, 6), bias: zeros(2, 6) }, [
        sequence,
      ]),
    [null, 2],
  ],
])("%s is right", (_what, graph, wanted) => {
  expect(checkGraph(graph()).get("n")).toEqual(wanted);
});

type Case = readonly [what: string, code: GraphErrorCode, graph: () => Graph, message: RegExp];

const windows: readonly Case[] = [
  [
    "stride 0",
    "graph-attr",
    () => conv({ strides: [1, 0] }),
    /strides wants a list of 2 integers of at least 1, got \[1, 0\]/,
  ],
  ["dilation 0", "graph-attr", () => conv({ dilations: [0, 1] }), /dilations wants/],
  ["a stride for one axis", "graph-attr", () => conv({ strides: [1] }), /a list of 2 integers/],
  ["half a stride", "graph-attr", () => conv({ strides: [1, 1.5] }), /got \[1, 1.5\]/],
  ["strides as a number", "graph-attr", () => conv({ strides: 1 }), /strides wants a list/],
  [
    "no strides",
    "graph-attr",
    () => of("conv2d", { dilations: [1, 1], padding: [0, 0, 0, 0] }, { kernel: zeros(1, 1, 4, 1) }),
    /conv2d wants strides.*got none/,
  ],
  [
    "negative padding",
    "graph-attr",
    () => conv({ padding: [0, -1, 0, 0] }),
    /padding wants a list of 4 integers of at least 0/,
  ],
  [
    "kernel larger than its padded input",
    "graph-shape",
    () => conv({}, zeros(7, 3, 4, 2)),
    /window within the padded input \[6, 5\], got \[7, 3\]/,
  ],
  ["dilation past it", "graph-shape", () => conv({ dilations: [1, 3] }), /got \[3, 7\]/],
  ["channels", "graph-shape", () => conv({}, zeros(3, 3, 3, 2)), /wants 3 channels in, got 4/],
  [
    "rank",
    "graph-shape",
    () => conv({}, undefined, [[null, 5, 4]]),
    /an input of rank 4, got \[null, 5, 4\]/,
  ],
  [
    "residual of an s8 kernel",
    "graph-arity",
    () => {
      const same = { ...still, padding: [1, 1, 1, 1] };
      return of("conv2d", same, { kernel: s8(4, 3, 3, 4, 4) }, [image, image], { quant: { x0: u7 } });
    },
    /a kernel of s8 wants 1 input/,
  ],
  ["kernel of rank 3", "graph-weight", () => conv({}, zeros(3, 4, 2)), /wanted rank 4/],
  [
    "residual of another shape",
    "graph-shape",
    () => conv({}, undefined, [image, image]),
    /a residual of \[null, 4, 3, 2\]/,
  ],
  [
    "three inputs",
    "graph-arity",
    () => conv({}, undefined, [image, image, image]),
    /wants 1 to 2 inputs, got 3/,
  ],
  [
    "scales of a depthwise",
    "channel-count",
    () => of("depthwiseConv2d", still, { kernel: s8(3, 2, 2, 4, 3) }, [image], { quant: { x0: u7 } }),
    /wants 12 scales, got 3/,
  ],
  [
    "K of a convolution: height x width x channels",
    "k-too-large",
    () =>
      of("conv2d", { ...still, padding: [200, 200, 200, 200] }, { kernel: s8(1, 183, 182, 4, 1) }, [image], {
        quant: { x0: u7 },
      }),
    /K <= 133144.*got 133224/,
  ],
  ["s8 without u7 to read", "quant-missing", () => conv({}, s8(2, 3, 3, 4, 2)), /u7 parameters of x0/],
  [
    "bias of an s8 kernel in f32",
    "graph-weight",
    () => of("conv2d", still, { kernel: s8(2, 3, 3, 4, 2), bias: zeros(2) }),
    /bias of i32, got f32/,
  ],
  [
    "padding past the result",
    "graph-shape",
    () => of("convTranspose2d", { ...up, padding: [7, 6, 0, 0] }, { kernel: zeros(3, 3, 4, 2) }),
    /padding below the full result of 13/,
  ],
  [
    "outputPadding of a stride",
    "graph-shape",
    () => of("convTranspose2d", { ...up, outputPadding: [2, 0] }, { kernel: zeros(3, 3, 4, 2) }),
    /outputPadding below the stride/,
  ],
  [
    "pool of nothing but padding",
    "graph-shape",
    () => of("averagePool", { ...pool, padding: [2, 0, 0, 0] }),
    /padding below the size \[2, 2\], got \[2, 0, 0, 0\]/,
  ],
  ["pool of size 0", "graph-attr", () => of("maxPool", { ...pool, size: [0, 2] }), /size wants/],
  [
    "result past the cap",
    "memory-cap",
    () => conv({ padding: [2 ** 15, 0, 2 ** 15, 0] }),
    /n: wanted at most 1073741824 bytes/,
  ],
  [
    "padded plane past the cap, strides that hide it",
    "memory-cap",
    () => conv({ padding: [2 ** 20, 0, 2 ** 20, 0], strides: [2 ** 20, 2 ** 20] }),
    /n: workspace: wanted at most/,
  ],
  ["padding that overflows", "memory-cap", () => conv({ padding: [2 ** 52, 0, 2 ** 52, 0] }), /at most/],
];

const others: readonly Case[] = [
  ["resize to 0", "graph-attr", () => of("resize", { size: [0, 1], method: "nearest" }), /at least 1/],
  [
    "resize both ways",
    "graph-shape",
    () => of("resize", { size: [1, 1], method: "nearest", alignCorners: true, halfPixelCenters: true }),
    /got both/,
  ],
  [
    "resize past the cap",
    "memory-cap",
    () => of("resize", { size: [2 ** 20, 2 ** 20], method: "nearest" }),
    /at most/,
  ],
  ["reduce of the batch", "graph-attr", () => of("reduce", { fn: "max", axes: [0] }), /axes wants/],
  [
    "reduce past the rank",
    "graph-shape",
    () => of("reduce", { fn: "max", axes: [4] }),
    /an axis of 1 to 3, got 4/,
  ],
  ["reduce twice", "graph-shape", () => of("reduce", { fn: "max", axes: [1, 1] }), /ascending order/],
  ["reduce by another function", "graph-attr", () => of("reduce", { fn: "median", axes: [1] }), /got median/],
  ["add of one", "graph-shape", () => of("add", {}), /two values or one and an operand/],
  [
    "add of three",
    "graph-shape",
    () => of("add", {}, { operand: zeros(4) }, [image, image]),
    /two values or one/,
  ],
  ["add of other ranks", "graph-shape", () => of("add", {}, {}, [image, [null, 4]]), /equal or 1/],
  ["add of other sizes", "graph-shape", () => of("multiply", {}, { operand: zeros(3) }), /equal or 1/],
  [
    "add with a tanh",
    "graph-attr",
    () => of("add", { activation: "tanh" }, { operand: zeros(4) }),
    /one of linear, relu, relu6/,
  ],
  ["concat of the batch", "graph-shape", () => of("concat", { axis: 0 }), /an axis of 1 to 3, got 0/],
  [
    "concat of other sizes",
    "graph-shape",
    () => of("concat", { axis: 3 }, {}, [image, [null, 6, 4, 4]]),
    /shapes like/,
  ],
  [
    "concat of nothing",
    "graph-arity",
    () => of("concat", { axis: 3 }, {}, []),
    /wants 1 or more inputs, got 0/,
  ],
  ["pads of other axes", "graph-shape", () => of("pad", { pads: [1, 1] }), /wanted 6 pads/],
  [
    "mirror past the edge",
    "graph-shape",
    () => of("pad", { pads: [6, 0, 0, 0, 0, 0], mode: "reflect" }),
    /reflect wants pads within/,
  ],
  ["pad by NaN", "graph-attr", () => of("pad", { pads: [1, 0, 0, 0, 0, 0], value: Number.NaN }), /finite/],
  [
    "slice past the end",
    "graph-shape",
    () => of("slice", { begin: [5, 0, 0], size: [2, 5, 4], strides: [1, 1, 1] }),
    /wanted a part of/,
  ],
  [
    "slice past the begin",
    "graph-shape",
    () => of("slice", { begin: [1, 0, 0], size: [3, 5, 4], strides: [-1, 1, 1] }),
    /wanted a part of/,
  ],
  [
    "slice by 0",
    "graph-attr",
    () => of("slice", { begin: [0, 0, 0], size: [6, 5, 4], strides: [0, 1, 1] }),
    /none 0, got/,
  ],
  [
    "slice of other axes",
    "graph-shape",
    () => of("slice", { begin: [0, 0, 0, 0], size: [6, 5, 4, 1], strides: [1, 1, 1, 1] }),
    /wanted a part/,
  ],
  ["transpose of the batch", "graph-shape", () => of("transpose", { perm: [1, 0, 2, 3] }), /0 first/],
  [
    "transpose of an axis twice",
    "graph-shape",
    () => of("transpose", { perm: [0, 1, 1, 2] }),
    /an order of the axes/,
  ],
  [
    "gather past the axis",
    "graph-shape",
    () => of("gather", { axis: 1, indices: [6] }),
    /indices below 6, got 6/,
  ],
  ["gather of nothing", "graph-shape", () => of("gather", { axis: 1, indices: [] }), /got none/],
  [
    "matmul of other depths",
    "graph-shape",
    () => of("matmul", {}, {}, [sequence, sequence]),
    /matrices that go together/,
  ],
  ["layerNorm by 0", "graph-attr", () => of("layerNorm", { epsilon: 0 }), /> 0, got 0/],
  [
    "gamma of other channels",
    "graph-shape",
    () => of("layerNorm", { epsilon: 1 }, { gamma: zeros(3) }),
    /wanted \[4\]/,
  ],
  [
    "kernel of three gates",
    "graph-shape",
    () => lstm({}, { kernel: zeros(3, 6) }),
    /a kernel of \[3, 8\], got \[3, 6\]/,
  ],
  ["lstm without its mask", "graph-shape", () => lstmOn({ masked: true }, []), /wanted a mask of/],
  ["a state in the place of a mask", "graph-shape", () => lstmOn({ masked: true }, [state]), /wanted a mask/],
  ["one state of two", "graph-shape", () => lstmOn({}, [state]), /wanted 0 or 2 states, got 1/],
  [
    "a state of other units",
    "graph-shape",
    () => lstmOn({}, [state, [null, 3]]),
    /wanted a state of \[null, 2\]/,
  ],
  ["state of other units", "graph-shape", () => lstm({}, { recurrent: zeros(3, 8) }), /\[3, 12\]/],
  [
    "one bias of two",
    "graph-shape",
    () =>
      of("gru", { resetAfter: true }, { kernel: zeros(3, 6), recurrent: zeros(2, 6), bias: zeros(6) }, [
        sequence,
      ]),
    /a bias of \[2, 6\]/,
  ],
  ["reset of an lstm", "graph-attr", () => lstm({ resetAfter: true }), /got resetAfter/],
  ["leaky gate", "graph-attr", () => lstm({ recurrentActivation: "leakyRelu" }), /got leakyRelu/],
];

describe.each([
  ["windows", windows],
  ["others", others],
])("%s", (_group, cases) => {
  test.each(cases)("%s: %s", (_what, code, graph, message) => {
    expect(() => checkGraph(graph())).toThrow(GraphError);
    expect(() => checkGraph(graph())).toThrow(expect.objectContaining({ code }));
    expect(() => checkGraph(graph())).toThrow(message);
  });
});
