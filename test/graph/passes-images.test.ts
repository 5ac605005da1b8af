/** The passes on convolutions: what they make of a graph, and that it computes the same. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  arithmeticToAffine,
  checkGraph,
  foldAffine,
  foldFrames,
  fuseActivation,
  fuseResidual,
  type Graph,
  inferShapes,
  mergeMoves,
  type Node,
  removeNoOps,
  type Shape,
  simplify,
  sizeOf,
  type Weight,
  wholeWindows,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, f32, type GraphParts, graphOf, node, noise } from "./helpers.js";

const vectors = Object.fromEntries(["o", "b", "c"].map((key, i) => [key, f32([4], noise(4, i + 20))]));
const weights: Readonly<Record<string, Weight>> = {
  ...vectors,
  s: f32([4], [0.7, -1.1, 0.8, 1.3]),
  zero: f32([4], [0, 0, 0, 0]),
  k: f32([3, 3, 4, 4], noise(144, 1)),
  one: f32([1, 1, 4, 4], noise(16, 2)),
  d: f32([3, 3, 4, 1], noise(36, 3)),
  two: f32([2, 2, 4, 2], noise(32, 4)),
  whole: f32([6, 5, 4, 3], noise(360, 5)),
  scalar: f32([], [3]),
  map: f32([6, 5, 4], noise(120, 6)),
  row: f32([1, 1, 4], noise(4, 7)),
  s8x: f32([8], noise(8, 8)),
  b8: f32([8], noise(8, 9)),
};

const image: Shape = [null, 6, 5, 4];
const still = { strides: [1, 1], dilations: [1, 1], padding: [0, 0, 0, 0] };
const same = { ...still, padding: [1, 1, 1, 1] };

const conv = (
  name: string,
  input: string | readonly string[],
  attrs: Node["attrs"] = same,
  kernel = "k",
  bias = "b",
) => node(name, "conv2d", input, { attrs, weights: { kernel, ...(bias ? { bias } : {}) } });
const depthwise = (name: string, input: string, attrs: Node["attrs"] = same, kernel = "d") =>
  node(name, "depthwiseConv2d", input, { attrs, weights: { kernel } });
const largest = (name: string, input: string) =>
  node(name, "maxPool", input, { attrs: { size: [2, 2], strides: [1, 1], padding: [0, 0, 0, 0] } });
const upwards = (name: string, input: string, attrs: Node["attrs"] = {}) =>
  node(name, "convTranspose2d", input, {
    attrs: { strides: [2, 2], padding: [0, 0, 0, 0], outputPadding: [0, 0], ...attrs },
    weights: { kernel: "k", bias: "b" },
  });
const affine = (name: string, input: string, offset = "o", scale = "s") =>
  node(name, "affine", input, { weights: { scale, offset } });
const unary = (name: string, input: string, fn = "tanh") => node(name, "unary", input, { attrs: { fn } });
const reshape = (name: string, input: string, shape: Shape) =>
  node(name, "reshape", input, { attrs: { shape } });
const pad = (name: string, input: string, pads: readonly number[], more: Node["attrs"] = {}) =>
  node(name, "pad", input, { attrs: { pads, ...more } });
const crop = (name: string, input: string, begin: readonly number[], size: readonly number[]) =>
  node(name, "slice", input, { attrs: { begin, size, strides: [1, 1, 1] } });

const of = (nodes: readonly Node[], parts: GraphParts = {}) =>
  graphOf({ inputs: [{ name: "x", shape: image }], nodes, weights, ...parts });
const ops = (graph: Graph) => graph.nodes.map((each) => `${each.name}:${each.op}`).join(" ");

/** The graph still passes its checks, has the same shapes of outputs, and computes the same. */
function expectUnchanged(after: Graph, before: Graph, bound = 1e-5): void {
  const [shapes, earlier] = [checkGraph(after), inferShapes(before)];
  const inputs = Object.fromEntries(
    before.inputs.map(({ name, shape }, i) => [name, noise(sizeOf(shape) * 2, i + 40)]),
  );
  const [got, wanted] = [evaluate(after, inputs), evaluate(before, inputs)];
  for (const [i, { name, value }] of before.outputs.entries()) {
    expect(shapes.get(after.outputs[i].value)).toEqual(earlier.get(value));
    expectClose(got[name], wanted[name], bound);
  }
}

type Case = readonly [what: string, pass: (graph: Graph) => Graph, nodes: readonly Node[], wanted: string];

const cases: readonly Case[] = [
  ["affine after a conv2d, padded", foldAffine, [conv("a", "x"), affine("f", "a")], "f:conv2d"],
  [
    "affine after a conv2d without bias",
    foldAffine,
    [conv("a", "x", same, "k", ""), affine("f", "a")],
    "f:conv2d",
  ],
  ["affine after a depthwise", foldAffine, [depthwise("a", "x"), affine("f", "a")], "f:depthwiseConv2d"],
  [
    "affine after a depthwise of several channels each",
    foldAffine,
    [depthwise("a", "x", still, "two"), affine("f", "a", "b8", "s8x")],
    "f:depthwiseConv2d",
  ],
  [
    "affine after a transposed convolution",
    foldAffine,
    [upwards("a", "x"), affine("f", "a")],
    "f:convTranspose2d",
  ],
  ["affine before a conv2d, not padded", foldAffine, [affine("f", "x"), conv("a", "f", still)], "a:conv2d"],
  [
    "affine before a depthwise, not padded",
    foldAffine,
    [affine("f", "x"), depthwise("a", "f", still)],
    "a:depthwiseConv2d",
  ],
  [
    "affine before a depthwise of several channels each",
    foldAffine,
    [affine("f", "x"), depthwise("a", "f", still, "two")],
    "a:depthwiseConv2d",
  ],
  [
    "a scale alone, before a padded conv2d",
    foldAffine,
    [affine("f", "x", "zero"), conv("a", "f")],
    "a:conv2d",
  ],
  [
    "a scale alone, before a transposed one",
    foldAffine,
    [affine("f", "x", "zero"), upwards("a", "f")],
    "a:convTranspose2d",
  ],
  ["affine after affine", foldAffine, [affine("f", "x"), affine("g", "f", "b", "c")], "g:affine"],
  ["pad of zeros", foldFrames, [pad("p", "x", [1, 2, 0, 1, 0, 0]), conv("a", "p", same)], "a:conv2d"],
  [
    "pad of zeros of a depthwise",
    foldFrames,
    [pad("p", "x", [1, 1, 1, 1, 0, 0]), depthwise("a", "p", still)],
    "a:depthwiseConv2d",
  ],
  [
    "a frame below all numbers, of a max pool",
    foldFrames,
    [pad("p", "x", [1, 0, 1, 1, 0, 0], { value: -1e15 }), largest("m", "p")],
    "m:maxPool",
  ],
  ["crop of a conv2d", foldFrames, [conv("a", "x"), crop("c", "a", [1, 0, 0], [4, 5, 4])], "c:conv2d"],
  [
    "crop of a depthwise",
    foldFrames,
    [depthwise("a", "x"), crop("c", "a", [0, 1, 0], [5, 3, 4])],
    "c:depthwiseConv2d",
  ],
  [
    "crop of a transposed convolution",
    foldFrames,
    [upwards("a", "x"), crop("c", "a", [1, 0, 0], [10, 9, 4])],
    "c:convTranspose2d",
  ],
  [
    "crop that reaches the rows of bias alone",
    foldFrames,
    [upwards("a", "x", { outputPadding: [1, 1] }), crop("c", "a", [0, 1, 0], [11, 11, 4])],
    "c:convTranspose2d",
  ],
  ...["relu", "tanh", "swish"].flatMap((fn): Case[] => [
    [`${fn} after conv2d`, fuseActivation, [conv("a", "x"), unary("u", "a", fn)], "u:conv2d"],
    [
      `${fn} after depthwise`,
      fuseActivation,
      [depthwise("a", "x"), unary("u", "a", fn)],
      "u:depthwiseConv2d",
    ],
    [
      `${fn} after a transposed one`,
      fuseActivation,
      [upwards("a", "x"), unary("u", "a", fn)],
      "u:convTranspose2d",
    ],
  ]),
  [
    "relu6 after a sum",
    fuseActivation,
    [conv("a", "x"), node("t", "add", ["a", "x"]), unary("u", "t", "relu6")],
    "a:conv2d u:add",
  ],
  [
    "a residual, and its relu",
    (graph) => fuseResidual(fuseActivation(graph)),
    [conv("a", "x"), node("t", "add", ["x", "a"]), unary("u", "t", "relu")],
    "u:conv2d",
  ],
  [
    "a residual that is made after the convolution",
    fuseResidual,
    [conv("a", "x"), unary("r", "x"), node("t", "add", ["a", "r"])],
    "r:unary t:conv2d",
  ],
  [
    "two convolutions: the second takes in the first",
    fuseResidual,
    [conv("a", "x"), conv("c", "x", still, "one"), node("t", "add", ["a", "c"])],
    "a:conv2d t:conv2d",
  ],
  ...["add", "subtract", "multiply", "divide"].flatMap((op): Case[] => [
    [
      `${op} of a vector`,
      arithmeticToAffine,
      [node("m", op, "x", { weights: { operand: "c" } })],
      "m:affine",
    ],
    [
      `${op} of one number`,
      arithmeticToAffine,
      [node("m", op, "x", { weights: { operand: "scalar" } })],
      "m:affine",
    ],
    [
      `${op} of [1, 1, C]`,
      arithmeticToAffine,
      [node("m", op, "x", { weights: { operand: "row" } })],
      "m:affine",
    ],
  ]),
  [
    "a difference from a vector",
    arithmeticToAffine,
    [node("m", "subtract", "x", { weights: { operand: "c" }, attrs: { operandFirst: true } })],
    "m:affine",
  ],
  [
    "a kernel as large as the image",
    wholeWindows,
    [conv("a", "x", { ...still, activation: "relu" }, "whole", "")],
    "a/flat:reshape a/dense:dense a:reshape",
  ],
  [
    "a kernel of one pixel on one",
    wholeWindows,
    [
      node("g", "reduce", "x", { attrs: { fn: "mean", axes: [1, 2], keepDims: true } }),
      conv("a", "g", still, "one"),
    ],
    "g:reduce a:dense",
  ],
  [
    "a pool of the whole image",
    wholeWindows,
    [node("p", "averagePool", "x", { attrs: { size: [6, 5], strides: [6, 5], padding: [0, 0, 0, 0] } })],
    "p:reduce",
  ],
  ["reshapes", mergeMoves, [reshape("r", "x", [null, 30, 4]), reshape("q", "r", [null, 120])], "q:reshape"],
  [
    "transposes",
    mergeMoves,
    [
      node("t", "transpose", "x", { attrs: { perm: [0, 2, 3, 1] } }),
      node("v", "transpose", "t", { attrs: { perm: [0, 3, 2, 1] } }),
    ],
    "v:transpose",
  ],
  [
    "a reshape of images moves behind",
    mergeMoves,
    [reshape("r", "x", [null, 30, 4]), affine("f", "r"), unary("u", "f"), reshape("q", "u", image)],
    "f/image:affine u/image:unary q:reshape",
  ],
  [
    "two reshapes move behind their sum",
    mergeMoves,
    [
      unary("w", "x"),
      reshape("r", "x", [null, 30, 4]),
      reshape("q", "w", [null, 30, 4]),
      node("t", "add", ["r", "q"], { attrs: { activation: "relu" } }),
    ],
    "w:unary t/image:add t:reshape",
  ],
  [
    "nodes that move nothing",
    removeNoOps,
    [
      pad("p", "x", [0, 0, 0, 0, 0, 0]),
      crop("c", "p", [0, 0, 0], [6, 5, 4]),
      node("t", "transpose", "c", { attrs: { perm: [0, 1, 2, 3] } }),
      node("j", "concat", "t", { attrs: { axis: 1 } }),
      node("r", "resize", "j", { attrs: { size: [6, 5], method: "bilinear" } }),
      affine("f", "r", "zero", "ones"),
      unary("u", "f"),
    ],
    "u:unary",
  ],
];

const withOnes = { weights: { ...weights, ones: f32([4], [1, 1, 1, 1]) } };

test.each(cases)("%s", (_what, pass, nodes, wanted) => {
  const before = of(nodes, withOnes);
  const after = pass(before);
  expect(ops(after)).toBe(wanted);
  expectUnchanged(after, before);
  expect(pass(after)).toBe(after);
});

describe("what stays", () => {
  const params = { scale: 1, zero: 0 };
  test.each<[string, (graph: Graph) => Graph, readonly Node[], GraphParts?]>([
    ["an offset before a padded conv2d", foldAffine, [affine("f", "x"), conv("a", "f")]],
    ["an offset before a transposed one", foldAffine, [affine("f", "x"), upwards("a", "f")]],
    [
      "an affine after an activation",
      foldAffine,
      [conv("a", "x", { ...same, activation: "relu" }), affine("f", "a")],
    ],
    ["an affine that is a residual", foldAffine, [affine("f", "x", "zero"), conv("a", ["x", "f"])]],
    ["an affine after a residual", foldAffine, [conv("a", ["x", "x"]), affine("f", "a")]],
    ["a pad of ones", foldFrames, [pad("p", "x", [1, 1, 1, 1, 0, 0], { value: 1 }), conv("a", "p", still)]],
    ["a mirror", foldFrames, [pad("p", "x", [1, 1, 1, 1, 0, 0], { mode: "reflect" }), conv("a", "p", still)]],
    ["a pad before a pool", foldFrames, [pad("p", "x", [1, 1, 1, 1, 0, 0]), largest("m", "p")]],
    [
      "a frame as wide as a pool's window",
      foldFrames,
      [pad("p", "x", [0, 2, 0, 0, 0, 0], { value: -1e15 }), largest("m", "p")],
    ],
    [
      "channels below all numbers",
      foldFrames,
      [pad("p", "x", [1, 1, 1, 1, 0, 1], { value: -1e15 }), largest("m", "p")],
    ],
    ["a crop of channels", foldFrames, [upwards("a", "x"), crop("c", "a", [0, 0, 1], [13, 11, 3])]],
    [
      "a crop that leaves rows of bias alone",
      foldFrames,
      [upwards("a", "x", { outputPadding: [1, 0] }), crop("c", "a", [13, 0, 0], [1, 11, 4])],
    ],
    [
      "a crop of a conv2d of strides",
      foldFrames,
      [conv("a", "x", { ...same, strides: [2, 2] }), crop("c", "a", [1, 0, 0], [2, 3, 4])],
    ],
    ["a crop of more than the padding", foldFrames, [conv("a", "x"), crop("c", "a", [2, 0, 0], [3, 5, 4])]],
    ["tanh after a sum", fuseActivation, [node("t", "add", ["x", "x"]), unary("u", "t")]],
    [
      "a residual that broadcasts",
      fuseResidual,
      [
        node("g", "reduce", "x", { attrs: { fn: "mean", axes: [1, 2], keepDims: true } }),
        conv("a", "x"),
        node("t", "add", ["a", "g"]),
      ],
    ],
    ["a convolution added to itself", fuseResidual, [conv("a", "x"), node("t", "add", ["a", "a"])]],
    [
      "a residual after an activation",
      fuseResidual,
      [conv("a", "x", { ...same, activation: "relu" }), node("t", "add", ["a", "x"])],
    ],
    [
      "a residual with u7 between",
      fuseResidual,
      [conv("a", "x"), node("t", "add", ["a", "x"])],
      { quant: { a: params } },
    ],
    [
      "arithmetic with a map",
      arithmeticToAffine,
      [node("m", "multiply", "x", { weights: { operand: "map" } })],
    ],
    [
      "a number divided",
      arithmeticToAffine,
      [node("m", "divide", "x", { weights: { operand: "scalar" }, attrs: { operandFirst: true } })],
    ],
    ["a maximum", arithmeticToAffine, [node("m", "maximum", "x", { weights: { operand: "scalar" } })]],
    [
      "a sum with an activation",
      arithmeticToAffine,
      [node("m", "add", "x", { weights: { operand: "c" }, attrs: { activation: "relu" } })],
    ],
    ["a padded kernel as large as the image", wholeWindows, [conv("a", "x", same, "whole", "")]],
    ["a flatten before a softmax", mergeMoves, [reshape("r", "x", [null, 120]), node("s", "softmax", "r")]],
    [
      "an axis that is reversed",
      removeNoOps,
      [node("r", "slice", "x", { attrs: { begin: [5, 0, 0], size: [6, 5, 4], strides: [-1, 1, 1] } })],
    ],
    ["an affine by one and an offset", removeNoOps, [affine("f", "x", "o", "ones")]],
  ])("%s", (_what, pass, nodes, parts = {}) => {
    const graph = of(nodes, { ...withOnes, ...parts });
    checkGraph(graph);
    expect(pass(graph)).toBe(graph);
  });
});

test("any graph of images computes the same before and after", () => {
  const step = fc.record({ kind: fc.nat({ max: 11 }), back: fc.nat({ max: 2 }), other: fc.nat({ max: 3 }) });
  const makers: readonly ((name: string, input: string, other: string) => Node)[] = [
    (name, input) => conv(name, input),
    (name, input) => depthwise(name, input),
    (name, input) => conv(name, input, { ...still }, "one", ""),
    (name, input) => affine(name, input),
    (name, input) => affine(name, input, "zero"),
    (name, input) => unary(name, input, "relu"),
    (name, input) => unary(name, input, "linear"),
    (name, input, other) => node(name, "add", [input, other]),
    (name, input, other) => node(name, "multiply", [input, other]),
    (name, input) => node(name, "add", input, { weights: { operand: "c" } }),
    (name, input) =>
      node(name, "subtract", input, { weights: { operand: "scalar" }, attrs: { operandFirst: true } }),
    (name, input) => reshape(name, input, image),
  ];
  let saved = 0;
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 9 }), fc.nat(), (list, pick) => {
    const nodes: Node[] = [];
    const at = (i: number) => (i >= 0 ? `n${i}` : "x");
    for (const [i, { kind, back, other }] of list.entries()) {
      nodes.push(makers[kind](`n${i}`, at(i - 1 - back), at(i - 1 - other)));
    }
    const outputs = [
      { name: "y", value: `n${list.length - 1}` },
      { name: "z", value: `n${pick % list.length}` },
    ];
    const before = of(nodes, { outputs });
    const after = simplify(before);
    const fused = fuseResidual(after);
    saved += before.nodes.length - fused.nodes.length;
    expectUnchanged(after, before, 1e-3);
    expectUnchanged(fused, before, 1e-3);
  });
  fc.assert(property, { numRuns: 150, seed: 11 });
  expect(saved).toBeGreaterThan(150);
});
