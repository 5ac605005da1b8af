/**
 * Transfer on MNIST: a small CNN with batch normalization that has learned digits 0-4 is frozen, a head on its
 * features learns 5-9 from 50 labelled samples a class; against the same net trained on these samples from scratch.
 *
 * transfer [--quick] [--seeds 1,2,3,4,5]
 */

import type { LayersModel } from "@tensorflow/tfjs";
import { createRandom } from "../../src/data/index.js";
import { accelerate, accuracyOf, cosineRate, fineTune, transfer } from "../../src/tfjs.js";
import { type Digits, mnist } from "../mnist.js";
import { openTfjs, type Tfjs } from "../tfjs.js";
import { folder, isMissing, mean, numbersOf, percent, takeDigits } from "./support.js";

const asked = 5;
const labelled = 50;

/** @returns 0 where the frozen base is as much better as is asked for, and is frozen to the bit */
export async function run(words: readonly string[]): Promise<number> {
  if (isMissing("transfer")) return 0;
  const isQuick = words.includes("--quick");
  const seeds = numbersOf(words, "--seeds", [1, 2, 3, 4, 5]);
  const tf = await openTfjs();
  await accelerate(tf);
  const { train, test } = await mnist(folder, isQuick ? [6000, 2000] : [60_000, 10_000]);
  const unseen = choose(test, 5);
  console.log(`digits 0-4 to 5-9, ${labelled} labelled samples a class, node ${process.version}`);
  console.log("seed   base on 0-4   scratch   frozen + head   then unfrozen");
  const gains: number[] = [];
  let isFrozen = true;
  for (const seed of seeds) {
    const base = net(tf, seed);
    const settings = { loss: "sparseCategoricalCrossentropy", batchSize: 64, seed } as const;
    await fineTune(base, choose(train, 0), {
      ...settings,
      epochs: isQuick ? 1 : 2,
      learningRate: cosineRate({ from: 2e-3 }),
    });
    const own = accuracyOf(base, choose(test, 0).x, choose(test, 0).y);
    const few = fewOf(choose(train, 5), seed);

    const scratch = net(tf, seed + 50);
    const many = {
      ...settings,
      batchSize: 25,
      epochs: isQuick ? 10 : 40,
      learningRate: cosineRate({ from: 2e-3 }),
    };
    await fineTune(scratch, few, many);
    const alone = accuracyOf(scratch, unseen.x, unseen.y);
    scratch.dispose();

    const before = valuesOf(base);
    const options = {
      base,
      layer: "features",
      classes: 5,
      data: few,
      loss: settings.loss,
      batchSize: 25,
      seed,
    };
    const head = { epochs: many.epochs, learningRate: cosineRate({ from: 1e-2 }) };
    const { model } = await transfer({ ...options, phases: [head] });
    const frozen = accuracyOf(model, unseen.x, unseen.y);
    model.dispose();
    isFrozen &&= before.every((values, i) => isEqual(values, valuesOf(base)[i]));
    const whole = { epochs: 20, learningRate: cosineRate({ from: 5e-4 }), unfreeze: /./ };
    const phased = await transfer({ ...options, phases: [head, whole] });
    const unfrozen = accuracyOf(phased.model, unseen.x, unseen.y);
    phased.model.dispose();
    base.dispose();

    gains.push(100 * (frozen - alone));
    const cells = [own, alone, frozen, unfrozen].map((share) => percent(share).padStart(10));
    console.log(`${String(seed).padStart(4)}   ${cells.join("    ")}`);
  }
  const range = `${Math.min(...gains).toFixed(1)} to ${Math.max(...gains).toFixed(1)}`;
  console.log(
    `frozen features + head against scratch: ${mean(gains).toFixed(1)} points (${range}), asked: at least ${asked}`,
  );
  console.log(`all weights and statistics of the frozen base are bit-identical: ${isFrozen ? "yes" : "no"}`);
  const isMet = mean(gains) >= asked && isFrozen;
  console.log(isMet ? "met" : "missed");
  return isMet ? 0 : 1;
}

function net(tf: Tfjs, seed: number): LayersModel {
  const { conv2d, batchNormalization, reLU, maxPooling2d, flatten, dense } = tf.layers;
  let layer = 0;
  const start = () => ({ kernelInitializer: tf.initializers.heNormal({ seed: seed * 100 + layer++ }) });
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [28, 28, 1], filters: 20, kernelSize: 5, useBias: false, ...start() }),
      batchNormalization({}),
      reLU({}),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 50, kernelSize: 5, useBias: false, ...start() }),
      batchNormalization({}),
      reLU({}),
      maxPooling2d({ poolSize: 2 }),
      flatten({ name: "features" }),
      dense({ units: 5, activation: "softmax", ...start() }),
    ],
  });
}

/** The digits from `first` to `first + 4`, counted from 0. */
function choose({ x, y }: Digits, first: number): Digits {
  const places = [...y.keys()].filter((i) => y[i] >= first && y[i] < first + 5);
  return takeDigits({ x, y: y.map((label) => label - first) }, places);
}

/** As many of each class, drawn by a seed. */
function fewOf(digits: Digits, seed: number): Digits {
  const order = createRandom(seed).shuffle(Uint32Array.from(digits.y.keys()));
  const counts = new Map<number, number>();
  const places = [...order].filter((i) => {
    const count = counts.get(digits.y[i]) ?? 0;
    counts.set(digits.y[i], count + 1);
    return count < labelled;
  });
  return takeDigits(digits, places);
}

function valuesOf(model: LayersModel): Float32Array[] {
  return model.getWeights().map((weight) => (weight.dataSync() as Float32Array).slice());
}

function isEqual(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}
