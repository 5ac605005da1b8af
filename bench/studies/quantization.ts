/**
 * Pruning and quantization-aware training on MNIST: dense f32, then 95 % zeros in int8, written to `.pare`, run by
 * the runtime, and by tfjs as training saw it.
 *
 * quantization [mlp] [--quick] [--learned] [--epochs 6,10] [--seeds 1]
 * LeNet-5 (Caffe's), or LeNet-300-100 with `mlp`; epochs dense, and then sparse in int8.
 */

import type { LayersModel } from "@tensorflow/tfjs";
import { compress } from "../../src/index.js";
import { load } from "../../src/runtime.js";
import {
  accelerate,
  accuracyOf,
  cosineRate,
  fineTune,
  modelArtifacts,
  type Progress,
  quantizedPredict,
} from "../../src/tfjs.js";
import { type Digits, mnist } from "../mnist.js";
import { lenet5, mlp } from "../nets/trained.js";
import { openTfjs, type Tfjs } from "../tfjs.js";
import {
  classesIn,
  folder,
  isMissing,
  mean,
  numbersOf,
  percent,
  runtimeClasses,
  shareRight,
} from "./support.js";

/** What is asked for: points of accuracy, and predictions that may differ. */
const mostLost = 0.2;
const mostApart = 5;

interface Net {
  readonly name: string;
  make(tf: Tfjs, seed: number): LayersModel;
  /** Part of each kernel that is zero at the end: together 95 % of all weights in kernels. */
  readonly sparsities: Readonly<Record<string, number>>;
}

const nets = {
  lenet5: {
    name: "LeNet-5",
    make: lenet5,
    sparsities: { conv1: 0.3, conv2: 0.85, fc1: 0.96, fc2: 0.8 },
  },
  mlp: { name: "LeNet-300-100", make: mlp, sparsities: { fc1: 0.961, fc2: 0.88, fc3: 0.7 } },
} satisfies Readonly<Record<string, Net>>;

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
  if (isMissing("quantization-aware training")) return 0;
  const net = words.includes("mlp") ? nets.mlp : nets.lenet5;
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

async function measure(
  tf: Tfjs,
  net: Net,
  seed: number,
  { isQuick, epochs, isLearned }: Settings,
): Promise<Outcome> {
  const { train, test } = await mnist(folder, isQuick ? [3000, 1000] : [60_000, 10_000]);
  const model = net.make(tf, seed);
  try {
    const [first, second] = epochs;
    await stage(model, train, seed, "dense", first, {});
    const dense = accuracyOf(model, test.x, test.y);

    const end = Math.floor(0.5 * second * Math.ceil(train.y.length / batchSize));
    // Codes once the masks are whole: until then ranges would follow what is soon gone.
    const { ranges = {}, sparsities } = await stage(model, train, seed + 100, "sparse int8", second, {
      prune: { targets: net.sparsities, include: Object.keys(net.sparsities), end },
      quantize: { delay: end, ranges: isLearned ? "learned" : "observed" },
    });
    const rounded = await quantizedPredict(model, ranges, test.x);
    const compressed = await compress(await modelArtifacts(model), { ranges });
    const bytes = await compressed.bytes();
    const runner = await load(bytes);
    const labels = [classesIn(rounded.data), runtimeClasses(runner, test.x)];
    runner.dispose();
    const kernels = model.trainableWeights.filter(({ originalName }) => originalName.endsWith("kernel"));
    const sizes = kernels.map(({ shape }) => shape.reduce<number>((size, dim) => size * (dim ?? 1), 1));
    const zeros = kernels.map(({ originalName }, i) => sparsities[originalName] * sizes[i]);
    return {
      dense,
      runtime: shareRight(labels[1], test.y),
      rounded: shareRight(labels[0], test.y),
      apart: labels[0].filter((label, i) => label !== labels[1][i]).length,
      sparsity: sum(zeros) / sum(sizes),
      bytes: bytes.length,
    };
  } finally {
    model.dispose();
  }
}

const batchSize = 64;

/** Rates from 0.001 down to a hundredth of it. */
function stage(
  model: LayersModel,
  data: Digits,
  seed: number,
  title: string,
  epochs: number,
  options: Pick<Parameters<typeof fineTune>[2], "prune" | "quantize">,
) {
  return fineTune(model, data, {
    epochs,
    batchSize,
    learningRate: cosineRate({ from: 1e-3 }),
    loss: "sparseCategoricalCrossentropy",
    seed,
    onProgress: (progress) => report(title, epochs, progress),
    ...options,
  });
}

/** A line an epoch, on stderr. */
function report(title: string, epochs: number, progress: Progress): void {
  const { epoch, step, steps, loss, accuracy = 0, secondsLeft } = progress;
  if (step % (steps / epochs) !== 0) return;
  const left = `${secondsLeft.toFixed(0)} s left`;
  process.stderr.write(`${title}, epoch ${epoch}: loss ${loss.toFixed(4)}, ${percent(accuracy)}, ${left}\n`);
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function spread(numbers: readonly number[], places: number): string {
  const ends = [Math.min(...numbers), Math.max(...numbers)].map((end) => end.toFixed(places));
  return `mean ${mean(numbers).toFixed(places)}, ${ends[0]} to ${ends[1]}`;
}
