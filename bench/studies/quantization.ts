/**
 * Pruning and quantization-aware training on MNIST: dense f32, then 95 % zeros in int8, written to `.pare`, run by
 * the runtime, and by tfjs as training saw it.
 *
 * quantization [mlp] [--quick] [--learned] [--epochs 6,10] [--seeds 1]
 * LeNet-5 (Caffe's), or LeNet-300-100 with `mlp`; epochs dense, and then sparse in int8.
 */

import { existsSync } from "node:fs";
import { applyScale, readDigits } from "../../src/data/index.js";
import { compress } from "../../src/index.js";
import { load } from "../../src/runtime.js";
import {
  accelerate,
  accuracyOf,
  fineTune,
  modelArtifacts,
  type Progress,
  quantizedPredict,
} from "../../src/tfjs.js";
import { openTfjs, type Tfjs } from "../tfjs.js";

const folder = "../shared/data/mnist";
/** What is asked for: points of accuracy, and predictions that may differ. */
const mostLost = 0.2;
const mostApart = 5;

interface Net {
  readonly name: string;
  make(tf: Tfjs, seed: number): ReturnType<Tfjs["sequential"]>;
  /** Part of each kernel that is zero at the end: together 95 % of all weights in kernels. */
  readonly sparsities: Readonly<Record<string, number>>;
}

/** A training run: rates from `rate` down to a hundredth of it along a cosine. */
interface Stage {
  readonly epochs: number;
  readonly rate: number;
}

const lenet5: Net = {
  name: "LeNet-5",
  make(tf, seed) {
    const start = (layer: number) => ({
      kernelInitializer: tf.initializers.heNormal({ seed: seed * 10 + layer }),
    });
    const { conv2d, maxPooling2d, flatten, dense } = tf.layers;
    return tf.sequential({
      layers: [
        conv2d({ inputShape: [28, 28, 1], filters: 20, kernelSize: 5, name: "conv1", ...start(1) }),
        maxPooling2d({ poolSize: 2, strides: 2 }),
        conv2d({ filters: 50, kernelSize: 5, name: "conv2", ...start(2) }),
        maxPooling2d({ poolSize: 2, strides: 2 }),
        flatten(),
        dense({ units: 500, activation: "relu", name: "fc1", ...start(3) }),
        dense({ units: 10, activation: "softmax", name: "fc2", ...start(4) }),
      ],
    });
  },
  sparsities: { conv1: 0.3, conv2: 0.85, fc1: 0.96, fc2: 0.8 },
};

const mlp: Net = {
  name: "LeNet-300-100",
  make(tf, seed) {
    const start = (layer: number) => ({
      kernelInitializer: tf.initializers.heNormal({ seed: seed * 10 + layer }),
    });
    const { dense } = tf.layers;
    return tf.sequential({
      layers: [
        dense({ inputShape: [784], units: 300, activation: "relu", name: "fc1", ...start(1) }),
        dense({ units: 100, activation: "relu", name: "fc2", ...start(2) }),
        dense({ units: 10, activation: "softmax", name: "fc3", ...start(3) }),
      ],
    });
  },
  sparsities: { fc1: 0.961, fc2: 0.88, fc3: 0.7 },
};

interface Outcome {
  readonly dense: number;
  /** Of the runtime on the `.pare` file, and of tfjs with the same rounding. */
  readonly runtime: number;
  readonly rounded: number;
  readonly apart: number;
  readonly sparsity: number;
  readonly bytes: number;
}

/** @returns 0 where every seed meets what is asked for */
export async function run(words: readonly string[]): Promise<number> {
  if (!existsSync(folder)) {
    console.log(`skipped: quantization-aware training, ${folder} is absent`);
    return 0;
  }
  const net = words.includes("mlp") ? mlp : lenet5;
  const isQuick = words.includes("--quick");
  const seeds = numbersOf(words, "--seeds", [1]);
  const epochs = numbersOf(words, "--epochs", isQuick ? [1, 1] : [6, 10]);
  const tf = await openTfjs();
  await accelerate(tf);
  console.log(`${net.name} on MNIST, 95 % zeros in int8, ${isQuick ? "a smoke test, " : ""}seeds ${seeds}`);
  console.log("seed   dense f32   .pare int8   tfjs rounded   differ   zeros     bytes");
  const outcomes: Outcome[] = [];
  for (const seed of seeds) {
    const outcome = await measure(tf, net, seed, { isQuick, epochs, isLearned: words.includes("--learned") });
    outcomes.push(outcome);
    const { dense, runtime, rounded, apart, sparsity, bytes } = outcome;
    console.log(
      `${String(seed).padStart(4)}   ${percent(dense)}     ${percent(runtime)}      ${percent(rounded)}        ` +
        `${String(apart).padStart(6)}   ${percent(sparsity)}   ${bytes}`,
    );
  }
  const lost = outcomes.map(({ dense, runtime }) => 100 * (dense - runtime));
  const apart = outcomes.map((outcome) => outcome.apart);
  console.log(`points lost: ${spread(lost, 2)}, asked: at most ${mostLost}`);
  console.log(
    `predictions that differ between tfjs and the runtime: ${spread(apart, 1)}, asked: at most ${mostApart}`,
  );
  const isMet = lost.every((points) => points <= mostLost) && apart.every((count) => count <= mostApart);
  console.log(isMet ? "met" : "missed");
  return isMet ? 0 : 1;
}

interface Settings {
  readonly isQuick: boolean;
  readonly epochs: readonly number[];
  readonly isLearned: boolean;
}

function numbersOf(words: readonly string[], option: string, initial: readonly number[]): readonly number[] {
  const at = words.indexOf(option);
  return at < 0 ? initial : words[at + 1].split(",").map(Number);
}

async function measure(
  tf: Tfjs,
  net: Net,
  seed: number,
  { isQuick, epochs, isLearned }: Settings,
): Promise<Outcome> {
  const { train, test } = await digits(isQuick);
  const model = net.make(tf, seed);
  try {
    const first: Stage = { epochs: epochs[0], rate: 1e-3 };
    await stage(tf, model, train, seed, "dense", first, {});
    const dense = accuracyOf(model, test.x, test.y);

    const second: Stage = { epochs: epochs[1], rate: 1e-3 };
    const steps = second.epochs * Math.ceil(train.y.length / batchSize);
    const end = Math.floor(0.5 * steps);
    // Codes once the masks are whole: until then ranges would follow what is soon gone.
    const { ranges = {}, sparsities } = await stage(tf, model, train, seed + 100, "sparse int8", second, {
      prune: { targets: net.sparsities, include: Object.keys(net.sparsities), end },
      quantize: { delay: end, ranges: isLearned ? "learned" : "observed" },
    });
    const rounded = await quantizedPredict(model, ranges, test.x);
    const compressed = await compress(await modelArtifacts(model), { ranges });
    const bytes = await compressed.bytes();
    const predicted = await runFile(bytes, test.x);
    const labels = [rounded.data, predicted].map((data) => test.y.map((_, i) => classOf(data, i)));
    const kernels = model.trainableWeights.filter(({ originalName }) => originalName.endsWith("kernel"));
    const sizes = kernels.map(({ shape }) => shape.reduce<number>((size, dim) => size * (dim ?? 1), 1));
    const zeros = kernels.map(({ originalName }, i) => sparsities[originalName] * sizes[i]);
    return {
      dense,
      runtime: shareOf(labels[1], test.y),
      rounded: shareOf(labels[0], test.y),
      apart: labels[0].filter((label, i) => label !== labels[1][i]).length,
      sparsity: sum(zeros) / sum(sizes),
      bytes: bytes.length,
    };
  } finally {
    model.dispose();
  }
}

const batchSize = 64;

type Digits = { readonly x: Float32Array; readonly y: Uint8Array };

async function digits(isQuick: boolean): Promise<{ readonly train: Digits; readonly test: Digits }> {
  const { train, test } = await readDigits(folder);
  const part = ({ images, labels }: typeof train, count: number): Digits => ({
    x: applyScale(images.subarray(0, count * 784), 1 / 255, 0),
    y: labels.subarray(0, count),
  });
  return { train: part(train, isQuick ? 3000 : 60_000), test: part(test, isQuick ? 1000 : 10_000) };
}

async function stage(
  tf: Tfjs,
  model: ReturnType<Net["make"]>,
  data: Digits,
  seed: number,
  title: string,
  { epochs, rate }: Stage,
  options: Pick<Parameters<typeof fineTune>[2], "prune" | "quantize">,
) {
  const steps = epochs * Math.ceil(data.y.length / batchSize);
  const optimizer = tf.train.adam(rate);
  const apply = optimizer.applyGradients.bind(optimizer);
  let step = 0;
  optimizer.applyGradients = (gradients) => {
    const share = 0.5 + 0.5 * Math.cos((Math.PI * step++) / steps);
    (optimizer as unknown as { learningRate: number }).learningRate = rate * (0.01 + 0.99 * share);
    apply(gradients);
  };
  try {
    return await fineTune(model, data, {
      epochs,
      batchSize,
      optimizer,
      loss: "sparseCategoricalCrossentropy",
      seed,
      onProgress: (progress) => report(title, epochs, progress),
      ...options,
    });
  } finally {
    optimizer.dispose();
  }
}

/** A line an epoch, on stderr. */
function report(title: string, epochs: number, progress: Progress): void {
  const { epoch, step, steps, loss, accuracy = 0, secondsLeft } = progress;
  if (step % (steps / epochs) !== 0) return;
  const left = `${secondsLeft.toFixed(0)} s left`;
  process.stderr.write(`${title}, epoch ${epoch}: loss ${loss.toFixed(4)}, ${percent(accuracy)}, ${left}\n`);
}

/** In parts: a plan holds its values for all samples of a run. */
async function runFile(bytes: Uint8Array, x: Float32Array): Promise<Float32Array> {
  const runner = await load(bytes);
  const count = x.length / 784;
  const predicted = new Float32Array(count * 10);
  for (let from = 0; from < count; from += 100) {
    const [part] = Object.values(runner.run(x.subarray(from * 784, (from + 100) * 784)));
    predicted.set(part, from * 10);
  }
  runner.dispose();
  return predicted;
}

function classOf(data: Float32Array, i: number): number {
  const row = data.subarray(i * 10, i * 10 + 10);
  return row.indexOf(Math.max(...row));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const shareOf = (labels: Uint8Array, wanted: Uint8Array): number =>
  labels.filter((label, i) => label === wanted[i]).length / wanted.length;

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

function spread(numbers: readonly number[], places: number): string {
  const mean = sum(numbers) / numbers.length;
  const ends = [Math.min(...numbers), Math.max(...numbers)].map((end) => end.toFixed(places));
  return `mean ${mean.toFixed(places)}, ${ends[0]} to ${ends[1]}`;
}
