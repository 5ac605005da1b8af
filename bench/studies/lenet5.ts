/**
 * LeNet-5 (Caffe's: 20 and 50 filters of 5 x 5, 500 units) trained on MNIST's 60,000 images in WebAssembly, in one
 * thread: seconds an epoch, and test accuracy after five.
 *
 * lenet5 [--quick] [--epochs 5]
 */

import { accelerate, accuracyOf, cosineRate, fineTune } from "../../src/tfjs.js";
import { mnist } from "../mnist.js";
import { lenet5 } from "../nets/trained.js";
import { openTfjs } from "../tfjs.js";
import { folder, isMissing, numbersOf, percent } from "./support.js";

const asked = { seconds: 120, accuracy: 0.991 };

/** @returns 0 where time and accuracy are what is asked for */
export async function run(words: readonly string[]): Promise<number> {
  if (isMissing("LeNet-5")) return 0;
  const isQuick = words.includes("--quick");
  const { train, test } = await mnist(folder, isQuick ? [3000, 1000] : [60_000, 10_000]);
  const tf = await openTfjs();
  const { variant } = await accelerate(tf);
  const model = lenet5(tf, 1);
  console.log(
    `LeNet-5 on MNIST, ${train.y.length} images, batches of 64, Adam, node ${process.version}, ${variant}`,
  );
  const [epochs] = numbersOf(words, "--epochs", [isQuick ? 1 : 5]);
  let started = performance.now();
  const seconds: number[] = [];
  await fineTune(model, train, {
    epochs,
    batchSize: 64,
    learningRate: cosineRate({ from: 1e-3 }),
    loss: "sparseCategoricalCrossentropy",
    seed: 1,
    onProgress: ({ epoch, step, steps, loss, accuracy }) => {
      if (step % (steps / epochs) !== 0) return;
      seconds.push((performance.now() - started) / 1000);
      started = performance.now();
      console.log(
        `epoch ${epoch}: ${(seconds.at(-1) ?? 0).toFixed(1)} s, loss ${loss.toFixed(4)}, ` +
          `training accuracy ${percent(accuracy ?? 0)}`,
      );
    },
  });
  const accuracy = accuracyOf(model, test.x, test.y);
  model.dispose();
  const slowest = Math.max(...seconds);
  console.log(`slowest epoch ${slowest.toFixed(1)} s, asked: at most ${asked.seconds}`);
  console.log(`test accuracy ${percent(accuracy)}, asked: at least ${percent(asked.accuracy, 1)}`);
  const isMet = slowest <= asked.seconds && accuracy >= asked.accuracy;
  console.log(isMet ? "met" : "missed");
  return isMet ? 0 : 1;
}
