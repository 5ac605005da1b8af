/**
 * What the default division of a sparsity among layers is worth: three small nets, each pruned from the same dense net
 * while it trains on, by default, uniformly and in ten ways by hand, with the same zeros in all. Test accuracy, and that
 * of the dense net after as many epochs more.
 *
 * pruning [--quick] [--seeds 1,2,3] [--nets lenet5,small,depthwise]
 */

import { accelerate, accuracyOf, cosineRate, fineTune, type GradualPruneOptions } from "../../src/tfjs.js";
import { type Digits, mnist } from "../mnist.js";
import { openTfjs, type Tfjs } from "../tfjs.js";
import { type Allocation, byDefault, byHand, uniform } from "./pruning-allocations.js";
import { hardDigits, type PrunedNet, prunedNets, type Setting } from "./pruning-nets.js";
import { folder, isMissing, mean, numbersOf, percent } from "./support.js";

/** Points that the default may be below the dense net, or below the best by hand. */
const mostLost = 1;

interface Data {
  readonly train: Digits;
  readonly test: Digits;
}

interface Bench {
  readonly tf: Tfjs;
  readonly data: Data;
  /** Of the dense net, and of pruning. */
  readonly epochs: readonly number[];
}

/** Accuracies in percent, one a seed, by name of the setting and the allocation. */
type Table = Map<string, Map<string, number[]>>;

/** @returns 0 where the default is near enough in every row */
export async function run(words: readonly string[]): Promise<number> {
  if (isMissing("pruning")) return 0;
  const isQuick = words.includes("--quick");
  const seeds = numbersOf(words, "--seeds", isQuick ? [1] : [1, 2, 3]);
  const at = words.indexOf("--nets");
  const names = at < 0 ? prunedNets.map(({ name }) => name) : (words[at + 1] ?? "").split(",");
  const plain = await mnist(folder, isQuick ? [500, 500] : [4000, 5000]);
  const hard = { train: hardDigits(plain.train, 1), test: hardDigits(plain.test, 2) };
  const epochs = isQuick ? [1, 1] : [6, 3];
  const tf = await openTfjs();
  await accelerate(tf);
  console.log(
    `${plain.train.y.length} images of MNIST, ${epochs[0]} epochs dense, ${epochs[1]} pruning, seeds ${seeds}` +
      (isQuick ? ", a smoke test" : ""),
  );
  const table: Table = new Map();
  for (const net of prunedNets.filter(({ name }) => names.includes(name))) {
    for (const seed of seeds) {
      await measure({ tf, data: net.isHard ? hard : plain, epochs }, net, seed, table);
    }
  }
  const isMet = judge(table);
  console.log(isQuick ? "a smoke test: nothing is asked of it" : isMet ? "met" : "missed");
  return isMet || isQuick ? 0 : 1;
}

const titleOf = ({ name }: PrunedNet, { sparsity, pattern }: Setting) =>
  `${name}, ${percent(sparsity, 0)} ${pattern}`;

async function measure(bench: Bench, net: PrunedNet, seed: number, table: Table): Promise<void> {
  const { tf, data, epochs } = bench;
  const model = net.make(tf, seed);
  await train(model, data, { epochs: epochs[0], rate: 2e-3, seed });
  const weights = model.getWeights().map((weight) => weight.clone());
  const accuracyAfter = async (prune?: GradualPruneOptions): Promise<number> => {
    const copies = weights.map((weight) => weight.clone());
    model.setWeights(copies);
    for (const copy of copies) copy.dispose();
    await train(model, data, { epochs: epochs[1], rate: 1e-3, seed: seed + 100, ...(prune && { prune }) });
    return 100 * accuracyOf(model, data.test.x, data.test.y);
  };
  const dense = await accuracyAfter();
  for (const setting of net.settings) {
    const title = titleOf(net, setting);
    const row = table.get(title) ?? new Map<string, number[]>();
    table.set(title, row);
    const add = (name: string, accuracy: number) => {
      row.set(name, [...(row.get(name) ?? []), accuracy]);
      process.stderr.write(`${title}, seed ${seed}, ${name}: ${accuracy.toFixed(2)}\n`);
    };
    add("dense", dense);
    for (const allocation of [byDefault, uniform, ...byHand] satisfies Allocation[]) {
      const prune = allocation.prune(model, setting);
      if (prune) add(allocation.name, await accuracyAfter(prune));
    }
  }
  for (const weight of weights) weight.dispose();
  model.dispose();
}

interface Training {
  readonly epochs: number;
  readonly rate: number;
  readonly seed: number;
  readonly prune?: GradualPruneOptions;
}

async function train(
  model: ReturnType<PrunedNet["make"]>,
  { train: { x, y } }: Data,
  { rate, ...options }: Training,
): Promise<void> {
  await fineTune(
    model,
    { x, y },
    {
      ...options,
      batchSize: 64,
      learningRate: cosineRate({ from: rate }),
      loss: "sparseCategoricalCrossentropy",
    },
  );
}

/** Means over the seeds: the default is at most a point below the dense net, or below the best by hand. */
function judge(table: Table): boolean {
  let isMet = true;
  for (const [title, row] of table) {
    console.log(`\n${title}`);
    for (const [name, all] of row) {
      console.log(
        `  ${name.padEnd(32)}${mean(all).toFixed(2)}   ${all.map((one) => one.toFixed(2)).join(" ")}`,
      );
    }
    const of = (name: string) => mean(row.get(name) ?? [0]);
    const best = Math.max(...byHand.filter(({ name }) => row.has(name)).map(({ name }) => of(name)));
    const lost = Math.min(of("dense"), best) - of("default");
    isMet &&= lost <= mostLost;
    console.log(
      `  default: ${(of("default") - of("dense")).toFixed(2)} to dense, ` +
        `${(of("default") - best).toFixed(2)} to the best by hand: ${lost <= mostLost ? "met" : "missed"}`,
    );
  }
  return isMet;
}
