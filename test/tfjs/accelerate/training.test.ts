import * as tf from "@tensorflow/tfjs";
import { afterEach, describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { accelerate } from "../../../src/tfjs/index.js";
import { noise, randomize, useBackend } from "../support.js";

const { layers } = tf;

afterEach(async () => {
  await useBackend("wasm");
  (await accelerate(tf)).undo();
});

interface Net {
  readonly shape: readonly number[];
  build(input: tf.SymbolicTensor): tf.SymbolicTensor;
}

const chain = (x: tf.SymbolicTensor, ...of: { apply(x: tf.SymbolicTensor): unknown }[]) =>
  of.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, x);
const norm = () => layers.batchNormalization({});
const conv = (filters: number, kernelSize: number, strides = 1) =>
  layers.conv2d({ filters, kernelSize, strides, padding: "same" });

const nets: Readonly<Record<string, Net>> = {
  MLP: {
    shape: [20],
    build: (x) =>
      chain(
        x,
        layers.dense({ units: 16, activation: "relu" }),
        layers.dense({ units: 9, activation: "tanh" }),
      ),
  },
  LeNet: {
    shape: [12, 12, 1],
    build: (x) =>
      chain(
        x,
        layers.conv2d({ filters: 5, kernelSize: 3 }),
        layers.maxPooling2d({ poolSize: 2 }),
        layers.conv2d({ filters: 7, kernelSize: 3, activation: "relu" }),
        layers.averagePooling2d({ poolSize: 3, strides: 1 }),
        layers.flatten(),
        layers.dense({ units: 12, activation: "relu" }),
      ),
  },
  "ResNet-like": {
    shape: [8, 8, 3],
    build: (x) => {
      const first = chain(x, conv(8, 3), norm(), layers.reLU());
      const inner = chain(first, conv(8, 3, 2), norm(), layers.reLU(), conv(8, 3), norm());
      const sum = layers.add().apply([inner, chain(first, conv(8, 1, 2))]) as tf.SymbolicTensor;
      return chain(sum, layers.reLU(), layers.globalAveragePooling2d({}));
    },
  },
  "MobileNet-like": {
    shape: [9, 9, 3],
    build: (x) =>
      chain(
        x,
        conv(8, 3, 2),
        norm(),
        layers.reLU({ maxValue: 6 }),
        layers.depthwiseConv2d({ kernelSize: 3, padding: "same" }),
        norm(),
        layers.reLU({ maxValue: 6 }),
        conv(16, 1),
        norm(),
        layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: "same", depthMultiplier: 2 }),
        layers.globalAveragePooling2d({}),
      ),
  },
  LSTM: { shape: [6, 5], build: (x) => chain(x, layers.lstm({ units: 7 })) },
  GRU: { shape: [6, 5], build: (x) => chain(x, layers.gru({ units: 7 })) },
};

const classes = 4;
const batch = 12;

/** The loss of each step of a training from the same start on the same samples. */
async function lossesOn(backend: "cpu" | "wasm", net: Net, optimizer: () => tf.Optimizer): Promise<number[]> {
  await useBackend(backend);
  const before = tf.memory().numTensors;
  const input = tf.input({ shape: [...net.shape] });
  const output = layers.dense({ units: classes, activation: "softmax" }).apply(net.build(input));
  const model = tf.model({ inputs: input, outputs: output as tf.SymbolicTensor });
  randomize(model, 3);
  const random = createRandom(11);
  const shape = [batch, ...net.shape];
  const x = tf.tensor(noise(tf.util.sizeFromShape(shape), 5), shape);
  const labels = Int32Array.from({ length: batch }, () => random.below(classes));
  const y = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), classes), "float32"));
  const trainer = optimizer();
  model.compile({ optimizer: trainer, loss: "categoricalCrossentropy" });
  const losses: number[] = [];
  for (let step = 0; step < 8; step++) losses.push((await model.trainOnBatch(x, y)) as number);
  tf.dispose([x, y]);
  model.dispose();
  trainer.dispose();
  // tfjs' momentum does not dispose its factor.
  expect(tf.memory().numTensors - before).toBeLessThanOrEqual(1);
  return losses;
}

const optimizers: Readonly<Record<string, () => tf.Optimizer>> = {
  adam: () => tf.train.adam(0.01),
  momentum: () => tf.train.momentum(0.05, 0.9),
};

describe.each(Object.entries(nets))("%s", (_name, net) => {
  test.each(Object.entries(optimizers))(
    "follows backend cpu step by step with %s",
    async (_other, optimizer) => {
      const wanted = await lossesOn("cpu", net, optimizer);
      await useBackend("wasm");
      await accelerate(tf);
      const got = await lossesOn("wasm", net, optimizer);
      expect(wanted[7]).toBeLessThan(wanted[0]);
      wanted.forEach((loss, step) => {
        expect(Math.abs(got[step] - loss), `step ${step}`).toBeLessThan(1e-3 * Math.abs(loss));
      });
    },
  );
});

describe("accelerate", () => {
  test("reports what it registered, and gives the same report while it lasts", async () => {
    await useBackend("wasm");
    const first = await accelerate(tf);
    expect(["relaxed", "simd"]).toContain(first.variant);
    expect(first.kernels).toContain("BatchMatMul");
    expect(first.kernels).toContain("Adam");
    expect(first.added).toEqual([
      "Conv2DBackpropFilter",
      "DepthwiseConv2dNativeBackpropFilter",
      "DepthwiseConv2dNativeBackpropInput",
    ]);
    expect(await accelerate(tf)).toBe(first);
  });

  test("wants tfjs itself", async () => {
    await expect(accelerate({} as never)).rejects.toThrow("accelerate: wanted tfjs itself");
  });

  test("can be undone: every kernel and the optimizer are tfjs' own again", async () => {
    await useBackend("wasm");
    const names = (await accelerate(tf)).kernels.filter((name) => name !== "Adam");
    (await accelerate(tf)).undo();
    const kernels = () => names.map((name) => tf.getKernel(name, "wasm")?.kernelFunc);
    const own = kernels();
    const { applyGradients } = tf.AdamOptimizer.prototype;
    const acceleration = await accelerate(tf);
    expect(kernels().every((kernel, i) => kernel !== undefined && kernel !== own[i])).toBe(true);
    expect(tf.AdamOptimizer.prototype.applyGradients).not.toBe(applyGradients);
    acceleration.undo();
    acceleration.undo();
    expect(kernels()).toEqual(own);
    expect(tf.AdamOptimizer.prototype.applyGradients).toBe(applyGradients);
    const x = tf.ones([1, 3, 3, 1]) as tf.Tensor4D;
    expect(() =>
      tf.grad((w: tf.Tensor) => tf.conv2d(x, w as tf.Tensor4D, 1, "valid"))(tf.ones([2, 2, 1, 1])),
    ).toThrow(/Conv2DBackpropFilter/);
    x.dispose();
  });

  test("gives back what it allocated", async () => {
    await useBackend("wasm");
    const a = tf.ones([64, 300]);
    const cycle = async () => {
      const acceleration = await accelerate(tf);
      tf.matMul(a, a, true).dispose();
      acceleration.undo();
    };
    const heap = (
      tf.backend() as unknown as { wasm: { _malloc(size: number): number; _free(at: number): void } }
    ).wasm;
    const top = () => {
      const address = heap._malloc(1 << 20);
      heap._free(address);
      return address;
    };
    await cycle();
    const before = top();
    for (let i = 0; i < 50; i++) await cycle();
    expect(top()).toBe(before);
    a.dispose();
  });

  test("refuses another backend by name", async () => {
    await useBackend("cpu");
    await expect(accelerate(tf)).rejects.toThrow(/wanted backend wasm, got cpu/);
  });

  test("leaves Adam to tfjs where a weight's memory is shared with another tensor", async () => {
    await useBackend("wasm");
    await accelerate(tf);
    const variable = tf.variable(tf.tensor1d([1, 2, 3]));
    const alias = tf.reshape(variable, [3, 1]);
    const optimizer = tf.train.adam(0.1);
    optimizer.minimize(() => tf.sum(tf.square(variable)) as tf.Scalar);
    expect([...alias.dataSync()]).toEqual([1, 2, 3]);
    expect([...variable.dataSync()].map((value) => Math.round(value * 1000) / 1000)).toEqual([0.9, 1.9, 2.9]);
    tf.dispose([variable, alias]);
    optimizer.dispose();
  });

  test("a weight that Adam changed in place is not read from what tfjs repacked of it", async () => {
    await useBackend("wasm");
    await accelerate(tf);
    const model = tf.sequential({ layers: [layers.dense({ units: 4, inputShape: [6] })] });
    randomize(model, 2);
    const x = tf.tensor(noise(6), [1, 6]);
    const predict = () => [
      ...(tf.tidy(() => (model.predict(x) as tf.Tensor).dataSync().slice()) as Float32Array),
    ];
    model.compile({ optimizer: tf.train.adam(0.1), loss: "meanSquaredError" });
    const before = predict();
    const y = tf.zeros([1, 4]);
    await model.trainOnBatch(x, y);
    const [kernel, bias] = model.getWeights().map((weight) => weight.dataSync());
    const values = [...(x.dataSync() as Float32Array)];
    const wanted = Array.from({ length: 4 }, (_, j) =>
      values.reduce((sum, value, i) => sum + value * kernel[i * 4 + j], bias[j]),
    );
    const got = predict();
    expect(got).not.toEqual(before);
    got.forEach((value, j) => {
      expect(value).toBeCloseTo(wanted[j], 4);
    });
    tf.dispose([x, y]);
    model.dispose();
  });
});
