/** Nets of pictures in int8: near f32, the same bits in every variant, and in integers where they can be. */

import { describe, expect, test } from "vitest";
import {
  planQuantization,
  type QuantizeOptions,
  quantizeGraph,
  readSamples,
} from "../../src/compress/index.js";
import { checkGraph, type Graph, type Node, simplify } from "../../src/graph/index.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createModel } from "../../src/runtime/index.js";
import { evaluate } from "../graph/evaluate.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";
import { variantsHere } from "../kernels/variants.js";

type Attrs = Node["attrs"];

const [height, width, channels] = [12, 10, 5];
const sample = height * width * channels;

/** A net under construction: each call adds a node with weights of its own. */
function netOf(build: (net: Net) => string | Record<string, string>): Graph {
  const net = new Net();
  const result = build(net);
  const outputs = typeof result === "string" ? { y: result } : result;
  return graphOf({
    inputs: [{ name: "x", shape: [null, height, width, channels] }],
    nodes: net.nodes,
    weights: net.weights,
    outputs: Object.entries(outputs).map(([name, value]) => ({ name, value })),
  });
}

class Net {
  readonly nodes: Node[] = [];
  readonly weights: Record<string, ReturnType<typeof f32>> = {};

  op(
    op: string,
    inputs: string | string[],
    attrs: Attrs = {},
    shapes: Record<string, number[]> = {},
  ): string {
    const name = `n${this.nodes.length}`;
    const roles: Record<string, string> = {};
    for (const [role, shape] of Object.entries(shapes)) {
      const key = `${name}/${role}`;
      const size = shape.reduce((product, dim) => product * dim, 1);
      const spread = role === "kernel" ? Math.sqrt(6 / (size / (shape.at(-1) ?? 1))) : 0.3;
      this.weights[key] = f32(
        shape,
        noise(size, 20 + this.nodes.length).map((value) => value * spread),
      );
      roles[role] = key;
    }
    this.nodes.push(node(name, op, inputs, { attrs, weights: roles }));
    return name;
  }

  conv(x: string, kernel: number[], attrs: Attrs = {}): string {
    const same = [(kernel[0] - 1) >> 1, kernel[0] >> 1, (kernel[1] - 1) >> 1, kernel[1] >> 1];
    return this.op(
      "conv2d",
      x,
      { strides: [1, 1], dilations: [1, 1], padding: same, activation: "relu", ...attrs },
      { kernel, bias: [kernel[3]] },
    );
  }

  depthwise(x: string, size: number, inputs: number, attrs: Attrs = {}): string {
    const pad = size >> 1;
    return this.op(
      "depthwiseConv2d",
      x,
      { strides: [1, 1], dilations: [1, 1], padding: [pad, pad, pad, pad], activation: "relu", ...attrs },
      { kernel: [size, size, inputs, 1], bias: [inputs] },
    );
  }
}

const options: Omit<QuantizeOptions, "samples"> = {
  open: (graph, keep) => createModel(graph, { keep }),
  ranges: { method: "percentile", percentile: 99.99 },
  biasCorrection: true,
  equalization: true,
  inputError: 0.01,
};

/** Labels of all steps, once outputs are near f32 and the same bits on every variant, for any batch. */
async function quantized(graph: Graph, bound: number): Promise<readonly string[]> {
  checkGraph(graph);
  const samples = readSamples(graph, noise(sample * 24, 77));
  const { graph: int8 } = await quantizeGraph(simplify(graph), { ...options, samples });
  checkGraph(int8);
  const x = noise(sample * 3, 123);
  const wanted = evaluate(graph, { x });
  const results = variantsHere(runtimeSet).map((variant) => {
    using model = createModel(int8, { variant });
    const all = model.run({ x });
    const copied = Object.fromEntries(Object.entries(all).map(([name, data]) => [name, data.slice()]));
    // One at a time is the same as three at once.
    for (let i = 0; i < 3; i++) {
      const one = model.run({ x: x.subarray(i * sample, (i + 1) * sample) });
      for (const [name, data] of Object.entries(one)) {
        expect(data, name).toEqual(copied[name].subarray(i * data.length, (i + 1) * data.length));
      }
    }
    return copied;
  });
  for (const result of results) expect(result).toEqual(results[0]);
  for (const [name, values] of Object.entries(wanted)) {
    let [off, all] = [0, 0];
    values.forEach((value, i) => {
      off += (results[0][name][i] - value) ** 2;
      all += value ** 2;
    });
    expect(Math.sqrt(off / all), name).toBeLessThan(bound);
  }
  using model = createModel(int8);
  return model.steps();
}

const up: Attrs = { strides: [2, 2], padding: [0, 1, 1, 0], outputPadding: [0, 0], activation: "relu" };
const pool: Attrs = { size: [2, 2], strides: [2, 2], padding: [0, 0, 0, 0] };
const whole: Attrs = { fn: "mean", axes: [1, 2] };

type Case = readonly [what: string, graph: () => Graph, steps: readonly RegExp[], bound?: number];

const cases: readonly Case[] = [
  [
    "convolutions, pools, a mean and a dense",
    () =>
      netOf((net) => {
        const a = net.op("maxPool", net.conv("x", [3, 3, channels, 9]), pool);
        const b = net.op("averagePool", net.conv(a, [1, 1, 9, 8], { activation: "tanh" }), pool);
        return net.op("dense", net.op("reduce", b, whole), {}, { kernel: [8, 4], bias: [4] });
      }),
    [/spmm/, /u7_c4_max_pool/, /u7_c4_average_pool/, /u7_c4_sum/, /matvec/],
  ],
  [
    "depthwise kernels of all kinds",
    () =>
      netOf((net) => {
        const a = net.depthwise(net.conv("x", [1, 1, channels, 6]), 3, 6);
        const b = net.depthwise(a, 5, 6, { padding: [2, 2, 2, 2] });
        const c = net.depthwise(b, 3, 6, { strides: [2, 2], padding: [0, 1, 0, 1] });
        const d = net.depthwise(c, 3, 6, { dilations: [2, 1], padding: [2, 2, 1, 1] });
        return net.op("reduce", net.conv(d, [1, 1, 6, 5]), whole);
      }),
    [/u7_s8w_depthwise_3x3/, /u7_s8w_depthwise$/],
    0.08,
  ],
  [
    "residuals: sums and differences, with a relu",
    () =>
      netOf((net) => {
        const a = net.conv("x", [3, 3, channels, 8]);
        const b = net.op("add", [a, net.conv(a, [3, 3, 8, 8], { activation: "linear" })], {
          activation: "relu",
        });
        const c = net.op("subtract", [b, net.conv(b, [1, 1, 8, 8])]);
        return net.op("reduce", net.conv(c, [3, 3, 8, 6], { strides: [2, 2], padding: [0, 1, 0, 1] }), whole);
      }),
    [/u7_add/, /u7_rows_words/],
  ],
  [
    "a net that goes down and up again, with what was there put beside it",
    () =>
      netOf((net) => {
        const a = net.conv("x", [3, 3, channels, 8]);
        const b = net.conv(net.op("maxPool", a, pool), [3, 3, 8, 12]);
        const c = net.op("convTranspose2d", b, up, { kernel: [3, 3, 12, 8], bias: [8] });
        const d = net.op("concat", [a, c], { axis: 3 });
        return net.conv(d, [1, 1, 16, 2], { activation: "sigmoid" });
      }),
    [/spmm transposed/, /n4: u7_pad|u7_pad/, /u7_s8w_f32_spmm/, /f32_unary sigmoid/],
  ],
  [
    "moves of pictures stay codes in planes",
    () =>
      netOf((net) => {
        const a = net.conv("x", [3, 3, channels, 8]);
        const b = net.op("resize", a, { size: [24, 20], method: "nearest" });
        const c = net.op("slice", b, { begin: [1, 2, 0], size: [10, 8, 8], strides: [2, 2, 1] });
        const d = net.op("pad", c, { pads: [1, 2, 0, 1, 0, 0] });
        const e = net.op("transpose", d, { perm: [0, 2, 1, 3] });
        return net.op("reduce", net.conv(e, [3, 3, 8, 4]), whole);
      }),
    [/f32_gather words/],
  ],
  [
    "a function between sums is a table, on planes too",
    () =>
      netOf((net) => {
        const a = net.conv("x", [3, 3, channels, 8]);
        const b = net.op("add", [a, net.conv(a, [1, 1, 8, 8], { activation: "linear" })]);
        return net.op("reduce", net.conv(net.op("unary", b, { fn: "tanh" }), [3, 3, 8, 4]), whole);
      }),
    [/u7_table/],
  ],
  ...[5, 6, 7, 9, 10].map(
    (count): Case => [
      `${count} channels beside those of the next pixels, and other readers of the same planes`,
      () =>
        netOf((net) => {
          const valid = { padding: [0, 0, 0, 0] };
          const a = net.conv("x", [1, 1, channels, count]);
          const more = net.conv("x", [1, 1, channels, 4]);
          const means = [
            // Without a border: in the planes that the others read.
            net.conv(a, [3, 3, count, 6], valid),
            net.conv(a, [2, 4, count, 5], { ...valid, activation: "tanh" }),
            net.conv(a, [1, 5, count, 4], { ...valid, strides: [2, 1], dilations: [1, 1] }),
            net.conv(a, [3, 3, count, 4], { ...valid, strides: [1, 2] }),
            net.conv(a, [3, 3, count, 4], { ...valid, dilations: [1, 2] }),
            net.depthwise(a, 3, count),
            net.op("maxPool", a, pool),
            net.op("averagePool", a, pool),
            net.op("add", [a, net.conv(a, [1, 1, count, count])]),
            net.conv(net.op("concat", [more, a], { axis: 3 }), [3, 3, 4 + count, 4], valid),
            net.op("unary", a, { fn: "tanh" }),
            a,
          ].map((value) => net.op("reduce", value, whole));
          const seen = net.conv(a, [3, 3, count, 3], { ...valid, activation: "sigmoid" });
          return { seen, ...Object.fromEntries(means.map((mean, i) => [`mean${i}`, mean])) };
        }),
      count % 4 === 3 ? [/spmm/] : [/u7_c4_fold/],
      0.12,
    ],
  ),
  [
    "few channels are read as words",
    () =>
      netOf((net) => {
        const three = net.op("slice", "x", {
          begin: [0, 0, 1],
          size: [height, width, 3],
          strides: [1, 1, 1],
        });
        return net.op(
          "reduce",
          net.conv(three, [3, 3, 3, 6], { strides: [2, 2], padding: [0, 1, 0, 1] }),
          whole,
        );
      }),
    [/words/],
  ],
  [
    "outputs of all kinds",
    () =>
      netOf((net) => {
        const a = net.conv("x", [3, 3, channels, 8]);
        const b = net.depthwise(a, 3, 8);
        const c = net.conv(b, [3, 3, 8, 3], { strides: [2, 2], padding: [0, 1, 0, 1], activation: "linear" });
        const d = net.op("reduce", b, whole);
        return { a, b, c, d, e: net.op("dense", d, {}, { kernel: [8, 3] }) };
      }),
    [/u7_s8w_f32_spmm/],
  ],
];

test.each(cases.map(([what, graph, steps, bound = 0.05]) => ({ what, graph, steps, bound })))(
  "$what",
  async ({ graph, steps, bound }) => {
    const labels = await quantized(graph(), bound);
    for (const step of steps)
      expect(
        labels.some((label) => step.test(label)),
        `${step} in\n${labels.join("\n")}`,
      ).toBe(true);
  },
);

test("the largest of all pixels is a pool of codes", async () => {
  const graph = netOf((net) => {
    const a = net.conv("x", [3, 3, channels, 9]);
    return net.op("dense", net.op("reduce", a, { fn: "max", axes: [1, 2] }), {}, { kernel: [9, 3] });
  });
  const labels = await quantized(graph, 0.05);
  expect(labels.some((label) => /u7_c4_max_pool/.test(label))).toBe(true);
  expect(labels.some((label) => /dequantize/.test(label))).toBe(false);
});

test("layers in f32 among layers of codes read real numbers, by whatever name", async () => {
  const graph = netOf((net) => {
    const a = net.op("maxPool", net.conv("x", [3, 3, channels, 8]), pool);
    const flat = net.op("reshape", a, { shape: [null, 6 * 5 * 8] });
    return net.op("softmax", net.op("dense", flat, {}, { kernel: [240, 4] }));
  });
  const samples = readSamples(graph, noise(sample * 24, 77));
  const { graph: int8 } = await quantizeGraph(graph, { ...options, samples, keepF32: new Set(["n3"]) });
  checkGraph(int8);
  using model = createModel(int8);
  const x = noise(sample * 3, 123);
  const wanted = evaluate(graph, { x }).y;
  model.run({ x }).y.forEach((value, i) => {
    expect(Math.abs(value - wanted[i])).toBeLessThan(0.05);
  });
});

describe("the plan", () => {
  test("what only moves shares its codes; sums have their own", () => {
    const graph = netOf((net) => {
      const a = net.conv("x", [3, 3, channels, 8]);
      const b = net.conv(a, [1, 1, 8, 8]);
      const c = net.op("concat", [a, b], { axis: 3 });
      const d = net.op("maxPool", c, pool);
      const e = net.op("add", [d, d]);
      return net.conv(e, [1, 1, 16, 4]);
    });
    const { roots, sources } = planQuantization(graph);
    const [a, b, c, d, e] = ["n0", "n1", "n2", "n3", "n4"].map((name) => roots.get(name));
    expect([b, c, d]).toEqual([a, a, a]);
    expect(e).toBe("n4");
    expect(sources.get(a as string)).toEqual(["n0", "n1"]);
    // The last convolution is an output that nobody reads in codes.
    expect(roots.has("n5")).toBe(false);
  });

  test("what has no form in integers is said by name", () => {
    const graph = netOf((net) => {
      const attrs = { strides: [1, 1], dilations: [1, 1], padding: [1, 1, 1, 1] };
      const twice = net.op("depthwiseConv2d", "x", attrs, { kernel: [3, 3, channels, 2] });
      return net.conv(twice, [1, 1, 2 * channels, 4]);
    });
    expect([...planQuantization(graph).kept]).toEqual([
      ["n0", "a depthwise kernel with a multiplier runs in f32"],
    ]);
  });
});
