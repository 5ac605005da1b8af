/**
 * Training that is killed with SIGKILL at random moments and started again, against a run that nobody
 * touched: the SHA-256 of all weights, by which a bit would show.
 *
 * kill [--quick] [--kills 20] [--seed N]
 * A LeNet-300-100 with dropout on drawn digits, Adam, pruned to 90 % meanwhile, augmented, validated.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyScale, createRandom, drawDigits, type Random } from "../../src/data/index.js";
import { accelerate, cosineRate, fileCheckpoint, fineTune, type TrainingData } from "../../src/tfjs.js";
import { openTfjs, type Tfjs } from "../tfjs.js";

/** @returns 0 where every run that was killed ended with the weights of the one that was not */
export async function run(words: readonly string[]): Promise<number> {
  const isQuick = words.includes("--quick");
  if (words.includes("--child")) return child(isQuick, wordAfter(words, "--checkpoint"));
  const kills = Number(wordAfter(words, "--kills") ?? (isQuick ? 5 : 20));
  const seed = Number(wordAfter(words, "--seed") ?? Date.now() % 1_000_000);
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), "pare-kill-"));
  try {
    const whole = await life(isQuick, undefined, undefined);
    if (whole.hash === undefined) throw new Error(`the run that nobody kills ended with ${whole.end}`);
    console.log(`not killed: ${whole.seconds.toFixed(1)} s of training, SHA-256 ${whole.hash}`);
    console.log(`${kills} kills at random moments, seed ${seed}, node ${process.version}`);
    return (await killOften(isQuick, folder, whole, kills, random)) ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A run from start to end takes about as many kills as are asked for; where it takes fewer, another follows. */
async function killOften(isQuick: boolean, folder: string, whole: Life, kills: number, random: Random) {
  let left = kills;
  let kept = 0;
  let isSame = true;
  for (let number = 1; left > 0; number++) {
    const checkpoint = join(folder, `${number}.checkpoint`);
    let deaths = 0;
    let last: Life;
    do {
      // Nine in ten while it trains, the others while it loads, also while it reads its checkpoint.
      const moment: Moment = {
        ms: random.uniform(0, (2000 * whole.seconds) / (kills + 2)),
        training: random.uniform() < 0.9,
      };
      last = await life(isQuick, checkpoint, left > 0 ? moment : undefined);
      if (last.hash === undefined) {
        deaths += 1;
        left -= 1;
        kept += existsSync(checkpoint) ? 1 : 0;
        const early = existsSync(checkpoint) ? "" : ", before the first checkpoint";
        const when = moment.training ? "training" : "loading";
        console.log(`kill ${kills - left}: after ${moment.ms.toFixed(0)} ms of ${when}${early}`);
      }
    } while (last.hash === undefined);
    isSame &&= last.hash === whole.hash;
    console.log(
      `run ${number}: killed ${deaths} times, ${last.hash === whole.hash ? "the same" : "OTHER"} weights`,
    );
  }
  // Kills before the first checkpoint show nothing.
  const isTold = kept >= kills / 2;
  console.log(`${kept} of ${kills} kills left a checkpoint to go on from`);
  console.log(isSame && isTold ? "met: every bit is the same" : "missed");
  return isSame && isTold;
}

interface Moment {
  readonly ms: number;
  /** Counted from the first step, not from the start of the process. */
  readonly training: boolean;
}

interface Life {
  /** Of the weights; absent where it was killed. */
  readonly hash?: string;
  readonly seconds: number;
  readonly end: string;
}

/** One process, from its start to its end. */
async function life(
  isQuick: boolean,
  checkpoint: string | undefined,
  moment: Moment | undefined,
): Promise<Life> {
  const words = [
    "--child",
    ...(isQuick ? ["--quick"] : []),
    ...(checkpoint ? ["--checkpoint", checkpoint] : []),
  ];
  // The words before those of the study are the bundle's own.
  const before = process.argv.slice(1, process.argv.indexOf("kill") + 1);
  const process_ = spawn(process.execPath, [...process.execArgv, ...before, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  let timer: NodeJS.Timeout | undefined;
  const killLater = (started: boolean) => {
    if (moment && moment.training === started) timer = setTimeout(() => process_.kill("SIGKILL"), moment.ms);
  };
  killLater(false);
  process_.stdout.on("data", (text: Buffer) => {
    if (said === "") killLater(true);
    said += text;
  });
  const end = await endOf(process_);
  clearTimeout(timer);
  const [, seconds, hash] = /done in (\S+) s, (\S+)/.exec(said) ?? [];
  if (end !== "SIGKILL" && end !== "0") throw new Error(`training ended with ${end}`);
  return { end, seconds: Number(seconds ?? 0), ...(end === "0" && { hash }) };
}

function endOf(process: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    process.once("error", reject);
    process.once("close", (code, signal) => resolve(signal ?? String(code)));
  });
}

/** The process that is killed. */
async function child(isQuick: boolean, checkpoint: string | undefined): Promise<number> {
  const tf = await openTfjs();
  await accelerate(tf);
  const [images, epochs] = isQuick ? [1000, 4] : [6000, 10];
  const model = lenet(tf);
  const [data, validation] = [digits(images, 1), digits(300, 2)];
  console.log("training");
  const { seconds } = await fineTune(model, data, {
    epochs,
    loss: "sparseCategoricalCrossentropy",
    learningRate: cosineRate({ from: 2e-3, to: 1e-5, warmup: 0.05 }),
    seed: 7,
    prune: { sparsity: 0.9, scope: "global", frequency: 10 },
    augment: (x, _, __, random) => {
      for (let i = 0; i < x.length; i += 7) x[i] += random.uniform(-0.1, 0.1);
    },
    validation,
    earlyStopping: { patience: 3 },
    ...(checkpoint && { checkpoint: { store: fileCheckpoint(checkpoint), everySeconds: 0.1 } }),
  });
  const hash = createHash("sha256");
  for (const weight of model.getWeights()) hash.update(new Uint8Array(weight.dataSync().slice().buffer));
  console.log(`done in ${seconds} s, ${hash.digest("hex")}`);
  return 0;
}

function lenet(tf: Tfjs) {
  const dense = (name: string, units: number, activation: "relu" | "softmax", seed: number) =>
    tf.layers.dense({ name, units, activation, kernelInitializer: tf.initializers.heNormal({ seed }) });
  return tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [28, 28, 1], name: "flat" }),
      dense("fc1", 300, "relu", 1),
      tf.layers.dropout({ rate: 0.2, name: "drop" }),
      dense("fc2", 100, "relu", 2),
      dense("fc3", 10, "softmax", 3),
    ],
  });
}

function digits(count: number, seed: number): TrainingData {
  const { images, labels } = drawDigits({ count, seed });
  return { x: applyScale(images, 1 / 255, 0), y: labels };
}

function wordAfter(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  return at < 0 ? undefined : words[at + 1];
}
