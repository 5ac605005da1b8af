/** Steps of training on tfjs' wasm backend with pare's kernels, against tfjs' own and its cpu backend. */

import type { LayersModel } from "@tensorflow/tfjs";
import type * as core from "@tensorflow/tfjs-core";
import { createRandom } from "../../src/data/index.js";
import { accelerate } from "../../src/tfjs.js";
import type { Contest, TimeCase } from "../contest.js";
import { matchAll, matchWithin } from "../match.js";
import { lenet5, mlp, mobilenetLike } from "../nets/trained.js";
import { openTfjs, type Tfjs } from "../tfjs.js";
import { patient } from "../timing.js";

export const trainNote =
  "train: forward, backward and Adam on one batch, as model.fit does a step; both sides start from the same " +
  "weights and see the same samples, and their first losses are compared. tfjs-wasm is tfjs with its own kernels; " +
  "it has none for the gradients of convolutions, so that nets with these meet tfjs-cpu, in 3 rounds.";

export const trainCases: readonly TimeCase[] = [
  {
    suite: "train",
    name: "matmul-grad 64x784x300",
    subject: "pare",
    peer: "tfjs-wasm f32",
    prepare: products,
  },
  stepCase("mlp-784-300-100-10 b64 step", "tfjs-wasm layers", mlp, [64, 784]),
  { ...stepCase("lenet5 b64 step", "tfjs-cpu", lenet5, [64, 28, 28, 1]), effort: patient },
  { ...stepCase("mobilenet-like b16 step", "tfjs-cpu", mobilenetLike, [16, 32, 32, 3]), effort: patient },
];

/** Both gradients of a dense layer of 784 inputs and 300 outputs for 64 samples. */
async function products(): Promise<Contest> {
  const tf = await openTfjs();
  const use = await switcher(tf);
  const random = createRandom(1);
  const normal = (rows: number, columns: number) =>
    tf.tensor2d(
      Float32Array.from({ length: rows * columns }, () => random.normal()),
      [rows, columns],
    );
  const [x, w, dy] = [normal(64, 784), normal(784, 300), normal(64, 300)];
  const gradients = (isFast: boolean) => {
    use(isFast);
    return [tf.matMul(x, dy, true, false), tf.matMul(dy, w, false, true)];
  };
  const read = (isFast: boolean) => {
    const tensors = gradients(isFast);
    const values = tensors.map((tensor) => tensor.dataSync() as Float32Array);
    tf.dispose(tensors);
    return values;
  };
  const [got, wanted] = [read(true), read(false)];
  return {
    match: matchAll(
      matchWithin("dw", got[0], wanted[0], 1e-3), // sums of 64 products of normal numbers
      matchWithin("dx", got[1], wanted[1], 1e-3),
    ),
    subject: { name: "pare", run: () => tf.dispose(gradients(true)) },
    peer: { name: "tfjs-wasm", run: () => tf.dispose(gradients(false)) },
    dispose: () => {
      use(true);
      tf.dispose([x, w, dy]);
    },
  };
}

type Make = (tf: Tfjs, seed: number) => LayersModel;

function stepCase(name: string, peer: string, make: Make, shape: number[]): TimeCase {
  const prepare = async (): Promise<Contest> => {
    const tf = await openTfjs();
    const use = await switcher(tf);
    const own = trainer(tf, make, shape, "wasm", () => use(true));
    const other =
      peer === "tfjs-cpu"
        ? trainer(tf, make, shape, "cpu", () => {})
        : trainer(tf, make, shape, "wasm", () => use(false));
    const steps = [0, 1];
    const [got, wanted] = [steps.map(own.loss), steps.map(other.loss)];
    return {
      match: matchWithin("losses", got, wanted, 1e-4 * Math.max(...wanted)),
      subject: { name: "pare", run: own.step },
      peer: { name: peer, run: other.step },
      dispose: () => {
        use(true);
        own.dispose();
        other.dispose();
        tf.setBackend("wasm");
      },
    };
  };
  return { suite: "train", name, subject: "pare", peer, prepare };
}

function trainer(tf: Tfjs, make: Make, shape: number[], backend: string, prepare: () => void) {
  // Both backends run already, so that this takes effect at once.
  const enter = () => {
    tf.setBackend(backend);
    prepare();
  };
  enter();
  const model = make(tf, 1);
  const random = createRandom(2);
  const x = tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.uniform()),
    shape,
  );
  const labels = Int32Array.from({ length: shape[0] }, () => random.below(10));
  const y = tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(labels, "int32"), 10), "float32"));
  const optimizer = tf.train.adam(1e-4);
  const variables = model.trainableWeights.map((weight) => weight.read() as core.Variable);
  const learn = (): core.Scalar => {
    enter();
    const lossOf = () =>
      tf.mean(tf.metrics.categoricalCrossentropy(y, model.apply(x, { training: true }) as core.Tensor));
    return tf.tidy(() => optimizer.minimize(lossOf as () => core.Scalar, true, variables) as core.Scalar);
  };
  return {
    step: () => learn().dispose(),
    loss: () => {
      const loss = learn();
      const [value] = loss.dataSync();
      loss.dispose();
      return value;
    },
    dispose: () => {
      enter();
      tf.dispose([x, y]);
      model.dispose();
      optimizer.dispose();
    },
  };
}

/** Puts pare's kernels or tfjs' own in place at once, without opening anything anew. */
async function switcher(tf: Tfjs): Promise<(isFast: boolean) => void> {
  await tf.setBackend("cpu");
  await tf.setBackend("wasm");
  const { prototype } = tf.AdamOptimizer;
  const names = (await accelerate(tf)).kernels.filter((name) => name !== "Adam");
  (await accelerate(tf)).undo();
  const setOf = () => ({
    kernels: names.map((name) => tf.getKernel(name, "wasm")),
    applyGradients: prototype.applyGradients,
  });
  const own = setOf();
  await accelerate(tf);
  const fast = setOf();
  let current = fast;
  return (isFast) => {
    const next = isFast ? fast : own;
    if (next === current) return;
    current = next;
    names.forEach((name, i) => {
      if (tf.getKernel(name, "wasm")) tf.unregisterKernel(name, "wasm");
      if (next.kernels[i]) tf.registerKernel(next.kernels[i]);
    });
    prototype.applyGradients = next.applyGradients;
  };
}
