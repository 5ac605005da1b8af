import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkGraph,
  foldAffine,
  foldInputAffine,
  fuseActivation,
  type Graph,
  importModel,
  type Node,
  removeDead,
  removeNoOps,
  simplify,
  type Weight,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import {
  artifactsOf,
  expectClose,
  f32,
  graphOf,
  inputsOf,
  node,
  noise,
  predict,
  randomize,
} from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const weights: Readonly<Record<string, Weight>> = {
  k: f32([3, 3], noise(9, 1)),
  b: f32([3], noise(3, 2)),
  l: f32([3, 3], noise(9, 5)),
  s: f32([3], [-0.7, 1.1, 0.8]),
  o: f32([3], noise(3, 4)),
};

const dense = (name: string, input: string, attrs: Node["attrs"] = {}, bias = true, kernel = "k"): Node =>
  node(name, "dense", input, { attrs, weights: bias ? { kernel, bias: "b" } : { kernel } });
const affine = (name: string, input: string): Node =>
  node(name, "affine", input, { weights: { scale: "s", offset: "o" } });
const unary = (name: string, input: string, fn = "tanh", numbers: Node["attrs"] = {}): Node =>
  node(name, "unary", input, { attrs: { fn, ...numbers } });
const reshape = (name: string, input: string, shape: readonly (number | null)[]): Node =>
  node(name, "reshape", input, { attrs: { shape } });

const of = (nodes: readonly Node[], parts: Parameters<typeof graphOf>[0] = {}) =>
  graphOf({ nodes, weights, ...parts });
const ops = (graph: Graph) => graph.nodes.map((each) => `${each.name}:${each.op}`).join(" ");

const x = noise(12, 9);

/** The graph still passes its checks, and computes the same under the same output names. */
function expectUnchanged(after: Graph, before: Graph, bound: number): void {
  checkGraph(after);
  const [got, wanted] = [evaluate(after, { x }), evaluate(before, { x })];
  expect(Object.keys(got)).toEqual(Object.keys(wanted));
  for (const name of Object.keys(wanted)) expectClose(got[name], wanted[name], bound);
}

describe("foldAffine", () => {
  test.each([true, false])("after a dense, bias %s", (bias) => {
    const before = of([dense("d", "x", {}, bias), affine("a", "d"), unary("u", "a")]);
    const after = foldAffine(before);
    expect(ops(after)).toBe("a:dense u:unary");
    expect(after.weights.get("k")).toBe(weights.k);
    expectUnchanged(after, before, 1e-6);
  });

  test.each([true, false])("before a dense, bias %s", (bias) => {
    const before = of([affine("a", "x"), dense("d", "a", { activation: "relu" }, bias)]);
    const after = foldAffine(before);
    expect(ops(after)).toBe("d:dense");
    expect(after.nodes[0]).toMatchObject({ inputs: ["x"], attrs: { activation: "relu" } });
    expectUnchanged(after, before, 1e-6);
  });

  test("a chain: both sides and repeatedly", () => {
    const before = of([
      affine("a", "x"),
      dense("d", "a"),
      affine("e", "d"),
      affine("f", "e"),
      dense("g", "f"),
    ]);
    const after = foldAffine(before);
    expect(ops(after)).toBe("f:dense g:dense");
    expectUnchanged(after, before, 1e-5);
  });

  test("kernels that are not square, over the last axis of rank 3", () => {
    const before = graphOf({
      inputs: [{ name: "x", shape: [null, 2, 3] }],
      nodes: [
        affine("a", "x"),
        node("d", "dense", "a", { weights: { kernel: "w" } }),
        node("e", "affine", "d", { weights: { scale: "t", offset: "t" } }),
      ],
      weights: { ...weights, w: f32([3, 5], noise(15, 6)), t: f32([5], noise(5, 7)) },
    });
    const after = foldAffine(before);
    expect(ops(after)).toBe("e:dense");
    expectUnchanged(after, before, 1e-6);
  });

  test("layers that share weights share the folded ones", () => {
    const before = of([
      dense("d", "x"),
      affine("a", "d"),
      unary("u", "a"),
      dense("e", "u"),
      affine("f", "e"),
    ]);
    const after = foldAffine(before);
    expect(ops(after)).toBe("a:dense u:unary f:dense");
    expect(after.nodes[0].weights).toEqual(after.nodes[2].weights);
    expectUnchanged(after, before, 1e-6);
  });

  describe("before a dense that reads an input", () => {
    const over = (scale: readonly number[], offset: readonly number[], before: readonly Node[] = []) =>
      of([...before, affine("a", before.at(-1)?.name ?? "x"), dense("d", "a")], {
        weights: { ...weights, s: f32([3], scale), o: f32([3], offset) },
      });
    const reshapes = [reshape("r", "x", [null, 3, 1]), reshape("q", "r", [null, 3])];
    const pixel = 1 / 255;

    test.each<[string, Graph, string]>([
      ["pixels from 0 to 1", over([pixel, pixel, pixel], [0, 0, 0]), "d:dense"],
      ["pixels from -1 to 1", over([2 * pixel, 2 * pixel, 2 * pixel], [-1, -1, -1]), "d:dense"],
      ["scales twice as large, of any sign", over([-1, 2, 1], [4, -4, 0]), "d:dense"],
      ["scales further apart", over([1, 2.1, 1], [0, 0, 0]), "a:affine d:dense"],
      ["a channel that counts nothing", over([1, 0, 1], [0, 0, 0]), "a:affine d:dense"],
      ["numbers far from 0", over([1, 1, 1], [0, 4.1, 0]), "a:affine d:dense"],
      [
        "numbers that were moved",
        over([1, 9, 1], [0, 0, 0], reshapes),
        "r:reshape q:reshape a:affine d:dense",
      ],
      [
        "numbers that are none of an input's",
        over([1, 9, 1], [9, 0, 0], [unary("u", "x")]),
        "u:unary d:dense",
      ],
    ])("%s", (_what, before, wanted) => {
      const after = foldAffine(before);
      expect(ops(after)).toBe(wanted);
      expectUnchanged(after, before, 1e-6);
      const inF32 = foldInputAffine(before);
      expect(ops(inF32)).toBe(wanted.replace("a:affine ", ""));
      expectUnchanged(inF32, before, 1e-5);
    });
  });

  test.each<[string, Graph]>([
    ["an activation between", of([dense("d", "x", { activation: "relu" }), affine("a", "d")])],
    ["a second reader", of([dense("d", "x"), affine("a", "d"), unary("u", "d")])],
    [
      "an output between",
      of([dense("d", "x"), affine("a", "d")], {
        outputs: [
          { name: "y", value: "a" },
          { name: "z", value: "d" },
        ],
      }),
    ],
    [
      "an affine that is an output",
      of([affine("a", "x"), dense("d", "a")], { outputs: [{ name: "y", value: "a" }] }),
    ],
    ["an affine with two readers", of([affine("a", "x"), dense("d", "a"), unary("u", "a")])],
    ["u7 between", of([dense("d", "x"), affine("a", "d")], { quant: { d: { scale: 1, zero: 0 } } })],
  ])("not over %s", (_what, graph) => {
    expect(foldAffine(graph)).toBe(graph);
  });
});

describe("fuseActivation", () => {
  test("the unary's name and numbers stay, and its u7 parameters", () => {
    const quant = { u: { scale: 1, zero: 3 } };
    const before = of(
      [dense("d", "x", { activation: "linear" }), unary("u", "d", "leakyRelu", { alpha: 0.2 })],
      { quant },
    );
    const after = fuseActivation(before);
    expect(ops(after)).toBe("u:dense");
    expect(after.nodes[0].attrs).toEqual({ activation: "leakyRelu", alpha: 0.2 });
    expect(Object.fromEntries(after.quant)).toEqual(quant);
    expectUnchanged(after, before, 0);
  });

  test("several at once", () => {
    const before = of([dense("d", "x"), unary("u", "d"), dense("e", "u"), unary("v", "e", "relu")]);
    const after = fuseActivation(before);
    expect(ops(after)).toBe("u:dense v:dense");
    expectUnchanged(after, before, 0);
  });

  const s8: Weight = { dtype: "s8", shape: [3, 3], data: new Int8Array(9), scale: Float32Array.of(1, 1, 1) };
  test.each<[string, Graph]>([
    ["an activation that is there", of([dense("d", "x", { activation: "relu" }), unary("u", "d")])],
    ["a second reader", of([dense("d", "x"), unary("u", "d"), unary("v", "d")])],
    [
      "an output between",
      of([dense("d", "x"), unary("u", "d")], {
        outputs: [
          { name: "y", value: "u" },
          { name: "z", value: "d" },
        ],
      }),
    ],
    ["u7 between", of([dense("d", "x"), unary("u", "d")], { quant: { d: { scale: 1, zero: 0 } } })],
    [
      "an s8 kernel",
      of([dense("d", "x", {}, false), unary("u", "d")], {
        weights: { k: s8 },
        quant: { x: { scale: 1, zero: 0 } },
      }),
    ],
    ["another op", of([affine("a", "x"), unary("u", "a")])],
  ])("not over %s", (_what, graph) => {
    checkGraph(graph);
    expect(fuseActivation(graph)).toBe(graph);
  });
});

describe("removeNoOps", () => {
  test("linear unaries and reshapes to the same shape; outputs keep their names", () => {
    const before = of(
      [
        unary("a", "x", "linear"),
        dense("d", "a"),
        reshape("r", "d", [null, 3]),
        unary("b", "r", "linear"),
        reshape("q", "b", [null, 1, 3]),
      ],
      {
        outputs: [
          { name: "y", value: "q" },
          { name: "z", value: "b" },
        ],
      },
    );
    const after = removeNoOps(before);
    expect(ops(after)).toBe("d:dense q:reshape");
    expect(after.outputs).toEqual([
      { name: "y", value: "q" },
      { name: "z", value: "d" },
    ]);
    expectUnchanged(after, before, 0);
  });

  test("down to the input", () => {
    const before = of([unary("a", "x", "linear")]);
    expect(removeNoOps(before)).toMatchObject({ nodes: [], outputs: [{ name: "y", value: "x" }] });
    expectUnchanged(removeNoOps(before), before, 0);
  });

  test("u7 parameters: those that differ are a conversion", () => {
    const [p, q] = [
      { scale: 1, zero: 0 },
      { scale: 2, zero: 0 },
    ];
    const graph = (quant: Parameters<typeof graphOf>[0]["quant"] = {}) =>
      of([unary("a", "x", "linear")], { quant });
    expect(removeNoOps(graph({ x: p, a: p })).nodes).toEqual([]);
    for (const quant of [{ x: p, a: q }, { x: p }, { a: p }, { x: p, a: { ...p, zero: 1 } }]) {
      expect(removeNoOps(graph(quant)).nodes.length).toBe(1);
    }
  });

  test("nothing to do: the same graph", () => {
    const graph = of([reshape("r", "x", [null, 3, 1]), unary("u", "r", "relu")]);
    expect(removeNoOps(graph)).toBe(graph);
  });
});

describe("removeDead", () => {
  test("nodes, weights and parameters that no output needs", () => {
    const before = of([dense("d", "x"), affine("dead", "d"), unary("deader", "dead")], {
      outputs: [{ name: "y", value: "d" }],
      quant: { deader: { scale: 1, zero: 0 } },
    });
    const after = removeDead(before);
    expect(ops(after)).toBe("d:dense");
    expect([...after.weights.keys()]).toEqual(["k", "b"]);
    expect(after.quant.size).toBe(0);
    expectUnchanged(after, before, 0);
  });

  test("inputs stay", () => {
    const inputs = [
      { name: "x", shape: [null, 3] },
      { name: "unread", shape: [null, 1] },
    ];
    const before = of([unary("u", "x")], { inputs });
    expect(removeDead(before).inputs).toBe(inputs);
  });

  test("nothing to do: the same graph", () => {
    const graph = graphOf({ nodes: [dense("d", "x")], weights: { k: weights.k, b: weights.b } });
    expect(removeDead(graph)).toBe(graph);
  });
});

describe("simplify", () => {
  test("passes make work for each other", () => {
    const before = of([
      dense("d", "x"),
      unary("i", "d", "linear"),
      affine("a", "i"),
      reshape("r", "a", [null, 3]),
      unary("u", "r", "relu"),
      affine("f", "u"),
      dense("e", "f"),
    ]);
    const after = simplify(before);
    expect(ops(after)).toBe("u:dense e:dense");
    expect(after.weights.size).toBe(4);
    expectUnchanged(after, before, 1e-6);
    expect(simplify(after)).toBe(after);
  });

  test("any graph computes the same before and after, under the same names", () => {
    const step = fc.record({
      kind: fc.constantFrom("dense", "dense", "affine", "linear", "relu", "same", "prelu"),
      back: fc.nat({ max: 2 }),
      bias: fc.boolean(),
      kernel: fc.constantFrom("k", "l"),
    });
    const steps = fc.array(step, { minLength: 1, maxLength: 10 });
    const makers: Readonly<
      Record<string, (name: string, input: string, bias: boolean, kernel: string) => Node>
    > = {
      dense: (name, input, bias, kernel) => dense(name, input, {}, bias, kernel),
      affine,
      linear: (name, input) => unary(name, input, "linear"),
      relu: (name, input) => unary(name, input, "relu"),
      same: (name, input) => reshape(name, input, [null, 3]),
      prelu: (name, input) => node(name, "prelu", input, { weights: { alpha: "s" } }),
    };
    let folded = 0;
    const property = fc.property(steps, fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), (list, picks) => {
      const nodes: Node[] = [];
      for (const [i, { kind, back, bias, kernel }] of list.entries()) {
        const input = i - 1 - back >= 0 ? `n${i - 1 - back}` : "x";
        nodes.push(makers[kind](`n${i}`, input, bias, kernel));
      }
      const outputs = picks.map((pick, i) => ({ name: `y${i}`, value: `n${pick % list.length}` }));
      const before = of(nodes, { outputs });
      const after = simplify(before);
      if (after.nodes.length < before.nodes.length) folded++;
      expectUnchanged(after, before, 1e-4);
    });
    fc.assert(property, { numRuns: 300, seed: 7 });
    expect(folded).toBeGreaterThan(100);
  });

  test("a tfjs model: its predictions", async () => {
    const { layers } = tf;
    const model = tf.sequential({
      layers: [
        layers.batchNormalization({ inputShape: [6], name: "in" }),
        layers.dense({ units: 8, name: "d1" }),
        layers.batchNormalization({ name: "bn" }),
        layers.activation({ activation: "relu", name: "act" }),
        layers.dropout({ rate: 0.3 }),
        layers.dense({ units: 5, useBias: false, name: "d2" }),
        layers.leakyReLU({ name: "leaky" }),
        layers.batchNormalization({ name: "bn2", scale: false }),
        layers.dense({ units: 4, activation: "linear", name: "d3" }),
        layers.activation({ activation: "softmax", name: "probabilities" }),
      ],
    });
    randomize(model);
    const graph = simplify(importModel(await artifactsOf(model)));
    expect(ops(graph)).toBe("in:affine act:dense leaky:dense d3:dense probabilities:softmax");
    expect(graph.outputs).toEqual([{ name: "probabilities", value: "probabilities" }]);
    const inputs = inputsOf(model);
    expectClose(evaluate(graph, inputs).probabilities, predict(model, inputs)[0], 1e-5);
  });
});
