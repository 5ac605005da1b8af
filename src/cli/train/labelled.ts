/** Samples with labels: parts of them, and what the labels ask for. */

import { createRandom } from "../../data/index.js";
import type { LossName } from "../../tfjs.js";
import { sizeOf } from "../samples.js";

/** Samples as the model gets them, one after the other, and what they are. */
export interface Labelled {
  readonly count: number;
  readonly x: Float32Array;
  /** Class numbers, one a sample; or one-hot rows or other numbers for each. */
  readonly y: Uint8Array | Int32Array | Float32Array;
}

/** Sets a share aside, at least one sample of either. */
export function holdOut(all: Labelled, share: number, seed: number): readonly [Labelled, Labelled] {
  if (all.count < 2) throw new RangeError(`data.validation: wanted two samples or more, got ${all.count}`);
  const held = Math.min(Math.max(1, Math.round(all.count * share)), all.count - 1);
  const order = createRandom(seed).shuffle(Uint32Array.from({ length: all.count }, (_, i) => i));
  return [takeRows(all, order.subarray(held).sort()), takeRows(all, order.subarray(0, held).sort())];
}

function takeRows({ count, x, y }: Labelled, order: Uint32Array): Labelled {
  const take = <T extends Labelled["x" | "y"]>(from: T): T => {
    const size = from.length / count;
    const taken = new (from.constructor as new (length: number) => T)(order.length * size);
    order.forEach((row, i) => {
      taken.set(from.subarray(row * size, (row + 1) * size), i * size);
    });
    return taken;
  };
  return { count: order.length, x: take(x), y: take(y) };
}

/** Where labels are from, for messages. */
export interface Origin {
  /** The file or folder. */
  readonly labels: string;
  /** Of label i. */
  placeOf(i: number): string;
  /** The least class number: -1 where that says that a sample has no label, else 0. */
  readonly least: -1 | 0;
  /** Names of the classes, where the labels have them. */
  readonly classes?: readonly string[];
}

/**
 * Checks that a model can give out what the labels say.
 *
 * @param output shape of what it gives out for a sample, the last axis being the classes of a classifier
 * @throws RangeError for another number of labels, for a class beyond the last, and for what is no class
 */
export function checkLabels(
  { count, y, labels, classes: names, placeOf, least }: Labelled & Origin,
  output: readonly number[],
): void {
  const classes = output.at(-1) ?? 1;
  // One output is the probability of the second of two.
  const most = Math.max(2, classes);
  if (names && names.length > most) {
    const some = names.length > 8 ? [...names.slice(0, 8), "..."] : names;
    throw new RangeError(
      `${labels}: wanted ${most} classes at most, got ${names.length}: ${some.join(", ")}`,
    );
  }
  const all = count * sizeOf(output);
  if (y.length === all) return;
  const rows = all / classes;
  if (y.length !== rows) {
    throw new RangeError(
      `${labels}: wanted ${rows} class numbers or ${all} numbers, got ${y.length} numbers`,
    );
  }
  const odd = y.findIndex((label) => !(Number.isInteger(label) && label >= least && label < classes));
  if (odd < 0) return;
  const none = least < 0 ? ", or -1 for none" : "";
  throw new RangeError(
    `${placeOf(odd)}: wanted a class number from 0 to ${classes - 1}${none}, got ${y[odd]}`,
  );
}

/**
 * The samples that have a label: a class number of -1 says that there is none.
 *
 * @param output shape of what the model gives out for a sample
 * @param what they are, for the message
 * @throws RangeError where none has
 */
export function withLabels(all: Labelled, output: readonly number[], what: string): Labelled {
  if (countUnlabelled(all, output) === 0) return all;
  const order = Uint32Array.from(all.y.keys()).filter((i) => all.y[i] !== -1);
  if (order.length === 0) {
    throw new RangeError(`${what}: wanted samples with labels, got none among ${all.count}`);
  }
  return takeRows(all, order);
}

/** The first sample, the last and those evenly between, at most so many. */
export function spread(all: Labelled, most: number): Labelled {
  const count = Math.min(most, all.count);
  return takeRows(
    all,
    Uint32Array.from({ length: count }, (_, i) => Math.floor((i * all.count) / count)),
  );
}

/**
 * The loss that labels ask for by themselves: a class number or a one-hot row a sample.
 *
 * @param outputs numbers that the model gives out for a sample
 * @returns nothing for labels that could be anything
 */
export function lossFor(labelled: Labelled, outputs: number): { readonly loss?: LossName } {
  const { count, y } = labelled;
  if (outputs < 2) return {};
  if (areClasses(labelled, outputs)) return { loss: "sparseCategoricalCrossentropy" };
  const isOneHot = y.length === count * outputs && y.every((value) => value === 0 || value === 1);
  return isOneHot ? { loss: "categoricalCrossentropy" } : {};
}

/** How many samples have no label. */
export function countUnlabelled(all: Labelled, output: readonly number[]): number {
  return areClasses(all, sizeOf(output)) ? all.y.filter((label) => label === -1).length : 0;
}

/** An integer a sample is a class number, unless the model gives out one number itself. */
function areClasses({ count, y }: Labelled, outputs: number): boolean {
  return outputs > 1 && y.length === count && !(y instanceof Float32Array);
}
