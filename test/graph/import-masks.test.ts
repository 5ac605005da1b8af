/** Masks and states of recurrent layers: tfjs is the oracle, in f32 and on every binary. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type Graph, importModel, simplify } from "../../src/graph/index.js";
import { compress, createModel, encodePare } from "../../src/index.js";
import { load } from "../../src/runtime.js";
import { evaluate } from "./evaluate.js";
import { artifactsOf, expectClose, noise, randomize } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const { layers } = tf;
const TIME = 6;

/** Indices of 0 to 4, or rows of 2 numbers that are all `value` at some steps; a mask may be of any kind. */
const stepsOf = fc.array(fc.boolean(), { minLength: 2 * TIME, maxLength: 2 * TIME });

const kinds = ["lstm", "gru", "simpleRNN"] as const;
const flags = fc.record({
  kind: fc.constantFrom(...kinds),
  returnSequences: fc.boolean(),
  goBackwards: fc.boolean(),
});

/** What tfjs makes of it, and pare by the slow way, by its kernels, and out of a file. */
async function compare(model: tf.LayersModel, inputs: readonly Float32Array[]): Promise<Graph> {
  const tensors = inputs.map((data, i) => {
    const [, ...sample] = model.inputs[i].shape as number[];
    return tf.tensor(data, [2, ...sample]);
  });
  const result = model.predict(tensors);
  const wanted = (Array.isArray(result) ? result : [result]).map((tensor) => tensor.dataSync());
  const graph = simplify(importModel(await artifactsOf(model)));
  const named = Object.fromEntries(graph.inputs.map(({ name }, i) => [name, inputs[i]]));
  const slow = evaluate(graph, named);
  using quick = createModel(graph);
  using plain = createModel(graph, { variant: "reference" });
  using read = await load(await encodePare(graph, { versions: { pare: "0" } }));
  const [a, b, c] = [quick, plain, read].map((each) => each.run(named));
  for (const [i, { name }] of graph.outputs.entries()) {
    expectClose(slow[name], wanted[i], 1e-4);
    expectClose(a[name], wanted[i], 1e-4);
    expect(a[name]).toEqual(b[name]);
    expect(c[name]).toEqual(a[name]);
  }
  return graph;
}

/** 0 and 1 of a step each as indices of a vocabulary, and rows that are all `value` where it does not count. */
const indicesOf = (steps: readonly boolean[]) => Float32Array.from(steps, (is, i) => (is ? 1 + (i % 4) : 0));
function rowsOf(steps: readonly boolean[], value: number): Float32Array {
  const rows = noise(steps.length * 2, 3);
  for (const [i, is] of steps.entries()) {
    // One number of the mask value is not enough.
    rows[2 * i] = value;
    if (!is) rows[2 * i + 1] = value;
    else if (i % 3 === 0) rows[2 * i + 1] = value === 0 ? 1e-45 : value * (1 + 2 ** -23);
  }
  return rows;
}

describe("a mask keeps the state of the steps that do not count", () => {
  test("of an Embedding with mask_zero, through what hands it on", async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf, flags, fc.boolean(), async (steps, { kind, ...args }, isDeep) => {
        const model = tf.sequential();
        model.add(layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: TIME }));
        if (isDeep) {
          model.add(layers.dropout({ rate: 0.5 }));
          model.add(layers.dense({ units: 2, activation: "tanh" }));
          model.add(layers[kind]({ units: 3, returnSequences: true }));
        }
        model.add(layers[kind]({ units: 4, ...args }));
        randomize(model);
        await compare(model, [indicesOf(steps)]);
        model.dispose();
      }),
      { numRuns: 40 },
    );
  });

  test("of Masking, any value", async () => {
    const value = fc.constantFrom(0, -1, 0.5, 3e38, 1e-40);
    await fc.assert(
      fc.asyncProperty(stepsOf, flags, value, async (steps, { kind, ...args }, maskValue) => {
        const model = tf.sequential();
        const f32 = Math.fround(maskValue);
        model.add(layers.masking({ maskValue: f32, inputShape: [TIME, 2] }));
        model.add(layers[kind]({ units: 3, activation: "sigmoid", ...args }));
        randomize(model);
        await compare(model, [rowsOf(steps, f32)]);
        model.dispose();
      }),
      { numRuns: 40 },
    );
  });

  test("through Bidirectional", async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf, flags, async (steps, { kind, returnSequences }) => {
        const model = tf.sequential();
        model.add(layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: TIME }));
        model.add(
          layers.bidirectional({
            layer: layers[kind]({ units: 2, returnSequences }) as never,
            mergeMode: "concat",
          }),
        );
        if (returnSequences) model.add(layers.gru({ units: 2 }));
        randomize(model);
        await compare(model, [indicesOf(steps)]);
        model.dispose();
      }),
      { numRuns: 20 },
    );
  });

  test("through a concat, where a step counts that does in both", async () => {
    const [a, b] = ["a", "b"].map((name) => tf.input({ shape: [TIME], name }));
    const embed = (x: tf.SymbolicTensor) =>
      layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }).apply(x) as tf.SymbolicTensor;
    const both = layers.concatenate().apply([embed(a), embed(b)]);
    const y = layers.lstm({ units: 3 }).apply(both) as tf.SymbolicTensor;
    const model = tf.model({ inputs: [a, b], outputs: y });
    randomize(model);
    await compare(model, [
      Float32Array.of(1, 2, 0, 3, 0, 1, 0, 1, 2, 3, 4, 0),
      Float32Array.of(1, 0, 0, 3, 2, 0, 4, 1, 0, 3, 4, 1),
    ]);
  });

  const embedded = () => layers.embedding({ inputDim: 5, outputDim: 3, maskZero: true, inputLength: TIME });
  const indices = indicesOf(Array.from({ length: 12 }, (_, i) => i % 5 > 1));

  test("through activations that Keras has pass it on", async () => {
    const model = tf.sequential({ layers: [embedded(), layers.leakyReLU(), layers.gru({ units: 2 })] });
    randomize(model);
    const graph = await compare(model, [indices]);
    expect(graph.nodes.find(({ op }) => op === "gru")?.attrs.masked).toBe(true);
  });

  test("but not beyond what has other steps", async () => {
    const encode = [embedded(), layers.gru({ units: 2 })];
    const repeat = layers.repeatVector({ n: TIME });
    const model = tf.sequential({ layers: [...encode, repeat, layers.lstm({ units: 2 })] });
    randomize(model);
    const graph = simplify(importModel(await artifactsOf(model)));
    expect(graph.nodes.find(({ op }) => op === "lstm")?.inputs).toHaveLength(1);
    // tfjs has the mask of the encoder there still, Keras none: tfjs' decoder alone says what Keras computes.
    const [encoder, decoder] = [
      tf.sequential({ layers: [embedded(), layers.gru({ units: 2 })] }),
      tf.sequential({
        layers: [layers.repeatVector({ n: TIME, inputShape: [2] }), layers.lstm({ units: 2 })],
      }),
    ];
    encoder.setWeights(model.getWeights().slice(0, -3));
    decoder.setWeights(model.getWeights().slice(-3));
    const wanted = decoder.predict(encoder.predict(tf.tensor(indices, [2, TIME])) as tf.Tensor) as tf.Tensor;
    const got = evaluate(graph, { [graph.inputs[0].name]: indices })[graph.outputs[0].name];
    expectClose(got, wanted.dataSync(), 1e-5);
  });

  test("a sum counts the steps that count in all its parts, a concat along the time those of each", async () => {
    const x = tf.input({ shape: [TIME], name: "x" });
    const z = tf.input({ shape: [TIME, 2], name: "z" });
    const a = layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true }).apply(x) as tf.SymbolicTensor;
    const b = layers.masking({ maskValue: 0 }).apply(z) as tf.SymbolicTensor;
    const steps = (merge: tf.layers.Layer, parts: tf.SymbolicTensor[]) =>
      layers.lstm({ units: 2 }).apply(merge.apply(parts)) as tf.SymbolicTensor;
    const sum = steps(layers.add(), [a, b]);
    const long = steps(layers.concatenate({ axis: 1 }), [a, z]);
    const model = tf.model({ inputs: [x, z], outputs: [sum, long] });
    randomize(model);
    const graph = simplify(importModel(await artifactsOf(model)));
    const indices = Float32Array.of(1, 0, 2, 3, 0, 1);
    const rows = Float32Array.of(1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0);
    const got = evaluate(graph, { x: indices, z: rows });
    // tfjs of what counts alone: steps 0 and 3; and 0, 2, 3, 5 before the other six.
    const [table, ...others] = model.getWeights();
    const [first, second] = [others.slice(0, 3), others.slice(3)];
    const at = (list: readonly number[]) =>
      tf.gather(
        table,
        tf.tensor1d(
          [...list].map((i) => indices[i]),
          "int32",
        ),
      );
    const z2 = tf.tensor2d(rows, [TIME, 2]);
    const run = (weights: tf.Tensor[], values: tf.Tensor) => {
      const layer = layers.lstm({ units: 2, weights, inputShape: [values.shape[0], 2] });
      return (tf.sequential({ layers: [layer] }).predict(values.expandDims(0)) as tf.Tensor).dataSync();
    };
    const both = at([0, 3]).add(tf.gather(z2, tf.tensor1d([0, 3], "int32")));
    expectClose(got[graph.outputs[0].name], run(first, both), 1e-5);
    expectClose(got[graph.outputs[1].name], run(second, tf.concat([at([0, 2, 3, 5]), z2])), 1e-5);
  });

  test("int8 keeps masks exact", async () => {
    const model = tf.sequential();
    model.add(layers.masking({ maskValue: 0, inputShape: [TIME, 2] }));
    model.add(layers.timeDistributed({ layer: layers.dense({ units: 4, activation: "relu" }) as never }));
    model.add(layers.lstm({ units: 3 }));
    model.add(layers.dense({ units: 2 }));
    randomize(model);
    // Small numbers: codes of 7 bits would take them for zeros.
    const x = Float32Array.from({ length: 20 * TIME * 2 }, (_, i) =>
      i % 12 < 4 ? 0 : i % 12 < 6 ? 1e-6 : Math.sin(i),
    );
    const { graph } = await compress(await artifactsOf(model), { calibration: x });
    expect(graph.quant.size).toBeGreaterThan(0);
    const wanted = (model.predict(tf.tensor(x, [20, TIME, 2])) as tf.Tensor).dataSync();
    using quick = createModel(graph);
    const got = quick.run(x)[graph.outputs[0].name];
    expectClose(got, wanted, 0.05);
  });
});

describe("states", () => {
  // It says that it does not write states that are given; it writes them among the inputs.
  beforeEach(() => void vi.spyOn(console, "warn").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  test("are returned, and are given to begin with", async () => {
    await fc.assert(
      fc.asyncProperty(stepsOf, flags, fc.boolean(), async (steps, { kind, ...args }, isMasked) => {
        const count = kind === "lstm" ? 2 : 1;
        const x = tf.input({ shape: [TIME], name: "x" });
        const given = Array.from({ length: count }, (_, i) => tf.input({ shape: [3], name: `s${i}` }));
        const embedded = layers.embedding({ inputDim: 5, outputDim: 2, maskZero: isMasked }).apply(x);
        const encoder = layers[kind]({ units: 3, returnState: true, ...args });
        // With a mask tfjs hands states on where they are in its way, and throws.
        if (isMasked) {
          const alone = tf.model({ inputs: x, outputs: encoder.apply(embedded) as tf.SymbolicTensor[] });
          randomize(alone);
          await compare(alone, [indicesOf(steps)]);
          return;
        }
        const first = encoder.apply(embedded, { initialState: given }) as tf.SymbolicTensor[];
        const decoder = layers[kind]({ units: 3, returnSequences: true });
        const second = decoder.apply(embedded, { initialState: first.slice(1) }) as tf.SymbolicTensor;
        const model = tf.model({ inputs: [x, ...given], outputs: [second, ...first] });
        randomize(model);
        await compare(model, [indicesOf(steps), ...given.map((_, i) => noise(6, i + 1))]);
        model.dispose();
      }),
      { numRuns: 30 },
    );
  });

  test("of Bidirectional are refused", async () => {
    const x = tf.input({ shape: [TIME, 2] });
    const layer = layers.lstm({ units: 2, returnState: true });
    const [y] = layers
      .bidirectional({ layer: layer as never, mergeMode: "concat" })
      .apply(x) as tf.SymbolicTensor[];
    const artifacts = await artifactsOf(tf.model({ inputs: x, outputs: y }));
    expect(() => importModel(artifacts)).toThrow(/Bidirectional: returnState/);
  });
});
