/** Nets of the ops that run in f32 alone, between layers in int8: compressed, written, loaded and run, against tfjs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { compress } from "../../src/compress.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { load } from "../../src/runtime/index.js";
import { GraphDef, integers, runInTfjs, window } from "../graph/graph-model.js";
import { noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

beforeAll(() => tf.setBackend("cpu"));

/** A net under construction: layers of weights as training leaves them, neither dead nor saturated. */
class Net {
  readonly def = new GraphDef();
  #seed = 1;
  #count = 0;

  name = () => `n${this.#count++}`;

  op = (op: string, inputs: readonly string[], attr = {}) => this.def.node(this.name(), op, inputs, attr);

  number = (value: number) => this.def.weight(this.name(), [], [value]);

  weight(shape: readonly number[], spread: number): string {
    const size = shape.reduce((a, b) => a * b, 1);
    return this.def.weight(
      this.name(),
      shape,
      noise(size, this.#seed++).map((value) => value * spread),
    );
  }

  conv(x: string, inputs: number, outputs: number, size = 3): string {
    const kernel = this.weight([size, size, inputs, outputs], Math.sqrt(4.5 / (size * size * inputs)));
    const sum = this.op("Conv2D", [x, kernel], window([1, 1], "SAME", { dilations: integers(1, 1, 1, 1) }));
    return this.op("BiasAdd", [sum, this.weight([outputs], 0.2)]);
  }

  dense(x: string, inputs: number, outputs: number): string {
    return this.op("MatMul", [x, this.weight([inputs, outputs], Math.sqrt(4.5 / inputs))]);
  }

  mean = (x: string) => this.op("Mean", [x, this.def.sizes(this.name(), [1, 2])]);
}

const cases: Readonly<
  Record<string, { readonly bound: number; readonly between: (net: Net, x: string) => string }>
> = {
  "hard-swish as it is written out": {
    bound: 0.1,
    between: (net, x) =>
      net.op("Mul", [
        net.op("Mul", [x, net.op("Relu6", [net.op("AddV2", [x, net.number(3)])])]),
        net.number(1 / 6),
      ]),
  },
  "exp, log and root": {
    bound: 0.1,
    between: (net, x) =>
      net.op("Sqrt", [net.op("Log", [net.op("AddV2", [net.op("Exp", [x]), net.number(1.5)])])]),
  },
  "steps and choices": {
    bound: 0.15,
    between: (net, x) =>
      net.op("SelectV2", [
        net.op("Greater", [x, net.number(0.1)]),
        x,
        net.op("Mul", [net.op("Abs", [x]), net.number(0.2)]),
      ]),
  },
  "the instance's own mean and spread": {
    bound: 0.1,
    between(net, x) {
      const axes = net.def.sizes(net.name(), [1, 2]);
      const keep = { keep_dims: { b: true } };
      const mean = net.op("Mean", [x, axes], keep);
      const variance = net.op("Mean", [net.op("SquaredDifference", [x, mean]), axes], keep);
      return net.op("Mul", [
        net.op("Sub", [x, mean]),
        net.op("Rsqrt", [net.op("AddV2", [variance, net.number(1e-3)])]),
      ]);
    },
  },
  "gelu by its error function": {
    bound: 0.1,
    between(net, x) {
      const erf = net.op("Erf", [net.op("Mul", [x, net.number(Math.SQRT1_2)])]);
      return net.op("Mul", [net.op("Mul", [x, net.number(0.5)]), net.op("AddV2", [erf, net.number(1)])]);
    },
  },
  "logarithms of probabilities": {
    bound: 0.1,
    between: (net, x) => net.op("Log", [net.op("Sigmoid", [x])]),
  },
};

async function expectNear(def: GraphDef, bound: number): Promise<void> {
  const artifacts = def.artifacts();
  const plain = await compress(artifacts, { precision: "f32" });
  const shape = plain.graph.inputs[0].shape.slice(1) as number[];
  const size = shape.reduce((product, dim) => product * dim, 1);
  const { outputs, inputs } = await runInTfjs(def, plain.graph, 3);
  const calibration = noise(size * 40, 5).map((value) => value * 2);
  const int8 = await compress(artifacts, { calibration });
  expect(int8.graph.quant.size).toBeGreaterThan(0);
  for (const [bytes, limit] of [
    [await plain.bytes(), 1e-4],
    [await int8.bytes(), bound],
  ] as const) {
    const all = [];
    for (const variant of variantsHere(runtimeSet)) {
      using model = await load(bytes, { variant });
      all.push(Object.values(model.run(inputs))[0].slice());
    }
    const [first, ...others] = all;
    for (const other of others) expect(other).toEqual(first);
    const squares = (numbers: ArrayLike<number>) =>
      Array.from(numbers, (x) => x * x).reduce((a, b) => a + b, 0);
    const error = Math.sqrt(squares(first.map((x, i) => x - outputs[0][i])) / squares(outputs[0]));
    expect(error).toBeLessThan(limit);
  }
}

describe("between two convolutions", () => {
  test.each(Object.entries(cases))("%s", async (_what, { between, bound }) => {
    const net = new Net();
    const first = net.conv(net.def.input("x", [-1, 9, 9, 3]), 3, 8);
    const second = net.op("Relu", [net.conv(between(net, first), 8, 8)]);
    net.def.node("y", "Tanh", [net.dense(net.mean(second), 8, 4)]);
    await expectNear(net.def, bound);
  });
});

test("a dilation by blocks, groups that are normalized, and channels that are split and joined", async () => {
  const net = new Net();
  const x = net.op("Relu", [net.conv(net.def.input("x", [-1, 9, 9, 3]), 3, 8)]);
  const block = net.def.sizes(net.name(), [2, 2]);
  const pads = net.def.weightless(net.name(), [2, 2], [2, 3, 2, 3]);
  const there = net.op("SpaceToBatchND", [x, block, pads]);
  const kernel = net.weight([3, 3, 8, 8], 0.25);
  const conv = net.op(
    "Conv2D",
    [there, kernel],
    window([1, 1], "VALID", { dilations: integers(1, 1, 1, 1) }),
  );
  const back = net.op("BatchToSpaceND", [conv, block, net.def.weightless(net.name(), [2, 2], [0, 1, 0, 1])]);
  const halves = net.op("Split", [net.def.sizes(net.name(), 3), net.op("Relu", [back])], {
    num_split: { i: "2" },
  });
  const joined = net.op("ConcatV2", [
    `${halves}:1`,
    net.op("Square", [`${halves}:0`]),
    net.def.sizes(net.name(), -1),
  ]);
  net.def.node("y", "Tanh", [net.dense(net.mean(net.conv(joined, 8, 6)), 6, 4)]);
  await expectNear(net.def, 0.1);
});

test("a recurrent net that was unrolled", async () => {
  const net = new Net();
  const x = net.def.input("x", [-1, 6, 5]);
  const turned = net.op("Transpose", [x, net.def.sizes(net.name(), [1, 0, 2])]);
  const steps = net.op("Unpack", [turned], { num: { i: "6" }, axis: { i: "0" } });
  const [kernel, recurrent] = [net.weight([5, 8], 0.7), net.weight([8, 8], 0.4)];
  let h: string | undefined;
  for (let t = 0; t < 6; t++) {
    const read = net.op("MatMul", [`${steps}:${t}`, kernel]);
    h = net.op("Tanh", [h ? net.op("AddV2", [read, net.op("MatMul", [h, recurrent])]) : read]);
  }
  net.def.node("y", "Tanh", [net.dense(h as string, 8, 3)]);
  await expectNear(net.def, 0.1);
});
