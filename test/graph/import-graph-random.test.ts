/** Random chains of ops that tfjs loads, with an open batch and with a batch of one: the same numbers as tfjs. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { simplify } from "../../src/graph/index.js";
import { createModel } from "../../src/runtime/index.js";
import { expectSameAsTfjs, GraphDef, integers, runInTfjs } from "./graph-model.js";
import { expectClose, noise } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

/** The batch where it is open. */
const open = -1;
const mostElements = 300;
const mostRank = 4;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A chain under construction: what it has made, and numbers that decide what comes next. */
class Chain {
  readonly def = new GraphDef();
  readonly made: Tensor[] = [];
  #count = 0;

  name(): string {
    return `n${this.#count++}`;
  }

  add(op: string, input: readonly string[], shape: readonly number[], attr = {}): Tensor {
    const tensor = { name: this.def.node(this.name(), op, input, attr), shape };
    this.made.push(tensor);
    return tensor;
  }

  sizes(values: readonly number[] | number): string {
    return this.def.sizes(this.name(), values);
  }

  matrix(shape: readonly number[], values: readonly number[]): string {
    return this.def.weightless(this.name(), shape, values);
  }

  weight(shape: readonly number[]): string {
    const size = shape.reduce((a, b) => a * b, 1);
    return this.def.weight(this.name(), shape, noise(size, this.#count));
  }
}

const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * Math.abs(b), 1);
/** Axes that an op may touch: not the batch, unless it is one. */
const free = (shape: readonly number[]) => shape.flatMap((dim, axis) => (dim === open ? [] : [axis]));

/** Makes the next tensor of x, or undefined where it does not apply. */
type Step = (chain: Chain, x: Tensor, pick: (n: number) => number) => Tensor | undefined;

const unary: readonly (readonly string[])[] = [
  ["Tanh"],
  ["Sigmoid"],
  ["Relu"],
  ["Relu6"],
  ["Elu"],
  ["Abs"],
  ["Neg"],
  ["Sign"],
  ["Erf"],
  ["Softplus"],
  ["Selu"],
  ["Tanh", "Exp"],
  ["Tanh", "Square"],
  ["Abs", "Sqrt"],
  ["Sigmoid", "Log"],
  ["Sigmoid", "Rsqrt"],
  ["Exp", "Log1p"],
  ["Sigmoid", "Reciprocal"],
  ["Tanh", "Floor"],
  ["Tanh", "Ceil"],
  ["Tanh", "Round"],
  ["Tanh", "Expm1"],
];

const binary = ["AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference"];
const comparisons = ["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"];

const one = (_chain: Chain, x: Tensor, axis: (axes: readonly number[]) => number) => {
  const axes = free(x.shape);
  return axes.length === 0 ? undefined : axis(axes);
};

const steps: Readonly<Record<string, Step>> = {
  unary: (chain, x, pick) =>
    unary[pick(unary.length)].reduce((from, op) => chain.add(op, [from.name], from.shape), x),
  withConstant(chain, x, pick) {
    const shape = x.shape
      .map((dim) => (dim === open || pick(3) === 0 ? 1 : dim))
      .slice(pick(x.shape.length + 1));
    const sides = [x.name, chain.weight(shape)];
    return chain.add(binary[pick(binary.length)], pick(2) ? sides : sides.reverse(), x.shape);
  },
  withEarlier(chain, x, pick) {
    const alike = chain.made.filter(({ shape }) => `${shape}` === `${x.shape}`);
    return chain.add(binary[pick(binary.length)], [x.name, alike[pick(alike.length)].name], x.shape);
  },
  compare(chain, x, pick) {
    const bool = chain.def.node(chain.name(), comparisons[pick(comparisons.length)], [
      x.name,
      chain.weight([x.shape.at(-1) === open ? 1 : (x.shape.at(-1) ?? 1)]),
    ]);
    if (pick(2))
      return chain.add("Cast", [bool], x.shape, { SrcT: { type: "DT_BOOL" }, DstT: { type: "DT_FLOAT" } });
    return chain.add("SelectV2", [bool, x.name, chain.weight([])], x.shape);
  },
  reduce(chain, x, pick) {
    const axes = free(x.shape).filter(() => pick(2) === 0);
    if (axes.length === 0) return undefined;
    const keeps = pick(2) === 0;
    const shape = x.shape.flatMap((dim, axis) => (axes.includes(axis) ? (keeps ? [1] : []) : [dim]));
    const op = ["Sum", "Mean", "Max", "Min"][pick(4)];
    return chain.add(op, [x.name, chain.sizes(axes)], shape, { keep_dims: { b: keeps } });
  },
  transpose(chain, x, pick) {
    const perm = x.shape.map((_, i) => i);
    for (let i = perm.length - 1; i > 0; i--) {
      const j = pick(i + 1);
      [perm[i], perm[j]] = [perm[j], perm[i]];
    }
    return chain.add(
      "Transpose",
      [x.name, chain.sizes(perm)],
      perm.map((axis) => x.shape[axis]),
    );
  },
  merge(chain, x, pick) {
    const places = x.shape.flatMap((dim, i) =>
      i + 1 < x.shape.length && dim !== open && x.shape[i + 1] !== open ? [i] : [],
    );
    if (places.length === 0) return undefined;
    const at = places[pick(places.length)];
    const shape = x.shape.toSpliced(at, 2, x.shape[at] * x.shape[at + 1]);
    return chain.add("Reshape", [x.name, chain.sizes(shape)], shape);
  },
  expand(chain, x, pick) {
    if (x.shape.length >= mostRank) return undefined;
    const at = pick(x.shape.length + 1);
    return chain.add("ExpandDims", [x.name, chain.sizes(at)], x.shape.toSpliced(at, 0, 1));
  },
  squeeze(chain, x, pick) {
    const ones = free(x.shape).filter((axis) => x.shape[axis] === 1);
    if (ones.length === 0 || x.shape.length < 2) return undefined;
    const at = ones[pick(ones.length)];
    return chain.add("Squeeze", [x.name], x.shape.toSpliced(at, 1), { squeeze_dims: integers(at) });
  },
  slice(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const from = pick(x.shape[axis]);
    const size = 1 + pick(x.shape[axis] - from);
    const begin = x.shape.map((_, i) => (i === axis ? from : 0));
    const sizes = x.shape.map((_, i) => (i === axis ? size : -1));
    return chain.add("Slice", [x.name, chain.sizes(begin), chain.sizes(sizes)], x.shape.with(axis, size));
  },
  strided(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const isBack = pick(2) === 0;
    const step = 1 + pick(2);
    const at = (value: number, rest: number) => x.shape.map((_, i) => (i === axis ? value : rest));
    const mask = x.shape.reduce((bits, _, i) => (i === axis ? bits : bits | (1 << i)), 0);
    const both = { begin_mask: { i: `${mask | (1 << axis)}` }, end_mask: { i: `${mask | (1 << axis)}` } };
    const input = [
      x.name,
      chain.sizes(at(0, 0)),
      chain.sizes(at(0, 0)),
      chain.sizes(at(isBack ? -step : step, 1)),
    ];
    return chain.add("StridedSlice", input, x.shape.with(axis, Math.ceil(x.shape[axis] / step)), both);
  },
  join(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const alike = chain.made.filter(({ shape }) => `${shape}` === `${x.shape}`);
    const other = alike[pick(alike.length)];
    return chain.add(
      "ConcatV2",
      [x.name, other.name, chain.sizes(axis)],
      x.shape.with(axis, x.shape[axis] * 2),
    );
  },
  stack(chain, x, pick) {
    if (x.shape.length >= mostRank) return undefined;
    const alike = chain.made.filter(({ shape }) => `${shape}` === `${x.shape}`);
    const axis = pick(x.shape.length + 1);
    return chain.add("Pack", [x.name, alike[pick(alike.length)].name], x.shape.toSpliced(axis, 0, 2), {
      axis: { i: `${axis}` },
    });
  },
  unstack(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined || x.shape.length < 2) return undefined;
    const count = x.shape[axis];
    const parts = chain.def.node(chain.name(), "Unpack", [x.name], {
      axis: { i: `${axis}` },
      num: { i: `${count}` },
    });
    return chain.add("Identity", [`${parts}:${pick(count)}`], x.shape.toSpliced(axis, 1));
  },
  gather(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const indices = Array.from({ length: 1 + pick(3) }, () => pick(x.shape[axis]));
    return chain.add(
      "GatherV2",
      [x.name, chain.sizes(indices), chain.sizes(axis)],
      x.shape.with(axis, indices.length),
    );
  },
  tile(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const times = x.shape.map((_, i) => (i === axis ? 2 : 1));
    return chain.add("Tile", [x.name, chain.sizes(times)], x.shape.with(axis, x.shape[axis] * 2));
  },
  pad(chain, x, pick) {
    const pads = x.shape.flatMap((dim) => (dim === open ? [0, 0] : [pick(2), pick(2)]));
    const shape = x.shape.map((dim, i) => (dim === open ? dim : dim + pads[2 * i] + pads[2 * i + 1]));
    return chain.add("PadV2", [x.name, chain.matrix([x.shape.length, 2], pads), chain.weight([])], shape);
  },
  softmax: (chain, x) =>
    x.shape.at(-1) === open || x.shape.length === 0 ? undefined : chain.add("Softmax", [x.name], x.shape),
  cumsum(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined) return undefined;
    const attr = { exclusive: { b: pick(2) === 0 }, reverse: { b: pick(2) === 0 } };
    return chain.add("Cumsum", [x.name, chain.sizes(axis)], x.shape, attr);
  },
  argmax(chain, x, pick) {
    const axis = one(chain, x, (axes) => axes[pick(axes.length)]);
    if (axis === undefined || x.shape.length < 2) return undefined;
    const place = chain.def.node(chain.name(), ["ArgMax", "ArgMin"][pick(2)], [x.name, chain.sizes(axis)]);
    return chain.add("Cast", [place], x.shape.toSpliced(axis, 1), {
      SrcT: { type: "DT_INT64" },
      DstT: { type: "DT_FLOAT" },
    });
  },
  product(chain, x, pick) {
    const last = x.shape.at(-1);
    if (last === undefined || last === open || x.shape.length < 2) return undefined;
    const width = 1 + pick(4);
    return chain.add("BatchMatMulV2", [x.name, chain.weight([last, width])], x.shape.with(-1, width));
  },
};

const kinds = Object.keys(steps);

/** A chain of steps that end with the batch in front, or with a batch of one wherever it is. */
function build(shape: readonly number[], plan: readonly (readonly number[])[]): GraphDef {
  const chain = new Chain();
  const first = { name: chain.def.input("x", shape), shape };
  chain.made.push(first);
  let x = first as Tensor;
  for (const choices of plan) {
    let next = 0;
    const pick = (n: number) => choices[1 + (next++ % (choices.length - 1))] % n;
    const made = steps[kinds[choices[0] % kinds.length]](chain, x, pick);
    if (made && elements(made.shape) <= mostElements && made.shape.length > 0) x = made;
  }
  const batch = x.shape.indexOf(open);
  const order = x.shape.map((_, i) => i);
  if (batch > 0)
    x = chain.add("Transpose", [x.name, chain.sizes([batch, ...order.filter((i) => i !== batch)])], []);
  // Bounded, so that a bound of the error means the same everywhere.
  const end = chain.def.node("end", "Tanh", [x.name]);
  keepOnly(chain.def, end);
  return chain.def;
}

/** Leaves out what the end does not need: tfjs takes what nobody reads for outputs. */
function keepOnly(def: GraphDef, end: string): void {
  const byName = new Map(def.nodes.map((node) => [node.name, node]));
  const needed = new Set<string>(["x"]);
  const visit = (name: string) => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const input of byName.get(name)?.input ?? []) visit(input.replace(/:\d+$/, ""));
  };
  visit(end);
  const kept = def.nodes.filter(({ name }) => needed.has(name));
  def.nodes.splice(0, def.nodes.length, ...kept);
}

const plans = fc.array(fc.array(fc.nat({ max: 10_000 }), { minLength: 6, maxLength: 12 }), {
  minLength: 3,
  maxLength: 12,
});
const sample = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 });

describe.each([
  { what: "an open batch", batch: open, samples: 2 },
  { what: "a batch of one", batch: 1, samples: 1 },
])("$what", ({ batch, samples }) => {
  test("random chains, in the graph and in the runtime", async () => {
    const ops = new Set<string>();
    await fc.assert(
      fc.asyncProperty(sample, plans, async (sizes, plan) => {
        const def = build([batch, ...sizes], plan);
        for (const { op } of def.nodes) ops.add(op);
        const graph = await expectSameAsTfjs(def, samples, 1e-4);
        const { outputs, inputs } = await runInTfjs(def, graph, samples);
        using model = createModel(simplify(graph));
        const got = model.run(inputs as Record<string, Float32Array>);
        expectClose(got[graph.outputs[0].name], outputs[0], 1e-4);
      }),
      { numRuns: 100, seed: 15 },
    );
    // The chains do reach the ops.
    expect(ops.size).toBeGreaterThan(50);
  });
});
