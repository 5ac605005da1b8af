/** Numbers that a zero-shot method needs, chosen on seen classes that play the unseen. */

import { createRandom, type Random } from "../../data/index.js";
import { createClock } from "../clock.js";
import { bestCalibration, seenUnseenCurve } from "./curve.js";
import { type EszslChoice, type EszslOptions, eszslDefaults, openEszslAnswers } from "./eszsl.js";
import { judge } from "./evaluate.js";
import type { ZeroShotModel } from "./model.js";
import { openTraining, type Rows, takeSamples, type ZeroShotData } from "./rows.js";
import { openSaeAnswers, type SaeChoice, type SaeOptions, saeDefaults } from "./sae.js";

/** How classes are held out. */
export interface ClassRounds {
  /** Classes held out at a time, in [2, seen classes - 2]; a fifth of them, at least 2, unless given. */
  readonly heldOut?: number;
  /** Times that it is done, each with other classes, an integer >= 1; 10 unless given. */
  readonly rounds?: number;
  /** Of what is held out, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** Ends the search; its reason is thrown. */
  readonly signal?: AbortSignal;
}

export interface SearchResult<Choice> {
  /** The first of the best ones. */
  readonly best: Choice;
  /** Its mean over rounds and held-out classes, chosen among these, in [0, 1]. */
  readonly accuracy: number;
  /** All of them, in their order. */
  readonly tried: readonly { readonly choice: Choice; readonly accuracy: number }[];
}

/**
 * Tries choices by cross-validation over classes: a model is trained without some of the seen classes and has
 * to tell them apart, as later the unseen ones. Held-out samples of classes that it knows would say nothing of
 * that.
 *
 * @param data as for training
 * @param choices to try, one or more
 * @param open takes the data of a round in, and gives what trains by a choice
 * @param rounds how classes are held out
 * @returns the choice of the best mean accuracy
 * @throws TypeError, RangeError for data or rounds that do not fit
 */
export function searchZeroShot<Choice>(
  data: ZeroShotData,
  choices: readonly Choice[],
  open: (data: ZeroShotData) => (choice: Choice) => ZeroShotModel | Promise<ZeroShotModel>,
  rounds: ClassRounds = {},
): Promise<SearchResult<Choice>> {
  const openRound: OpenRound<Choice> = (part, features, classes) => {
    const train = open(part);
    return async (choice) => (await train(choice)).predict(features, classes);
  };
  return crossValidate(data, choices, openRound, rounds);
}

/** Takes in what to train with, and gives what a choice makes of the samples that are held out, among their classes. */
type OpenRound<Choice> = (
  part: ZeroShotData,
  features: Rows,
  classes: readonly number[],
) => (choice: Choice) => Int32Array | Promise<Int32Array>;

async function crossValidate<Choice>(
  data: ZeroShotData,
  choices: readonly Choice[],
  openRound: OpenRound<Choice>,
  rounds: ClassRounds,
): Promise<SearchResult<Choice>> {
  if (choices.length === 0) throw new RangeError("choices: wanted one or more, got none");
  const groups = holdOut(data, rounds);
  const sums = choices.map(() => 0);
  const clock = createClock();
  for (const classes of groups) {
    const isHeld = (label: number) => classes.includes(label);
    const held = takeSamples(data, indicesOf(data, isHeld));
    const kept = takeSamples(
      data,
      indicesOf(data, (label) => !isHeld(label)),
    );
    rounds.signal?.throwIfAborted();
    const answersOf = openRound(kept, held.features, classes);
    for (const [i, choice] of choices.entries()) {
      if (clock.isDue()) await clock.pause();
      rounds.signal?.throwIfAborted();
      sums[i] += classAccuracy(await answersOf(choice), held.labels, classes);
    }
  }
  const tried = choices.map((choice, i) => ({ choice, accuracy: sums[i] / groups.length }));
  const best = tried.reduce((one, other) => (other.accuracy > one.accuracy ? other : one));
  return { best: best.choice, accuracy: best.accuracy, tried };
}

function classAccuracy(answers: Int32Array, labels: ArrayLike<number>, classes: readonly number[]): number {
  const shares = classes.map((label) => {
    const own = Array.from(answers).filter((_, i) => labels[i] === label);
    return own.filter((answer) => answer === label).length / own.length;
  });
  return shares.reduce((sum, share) => sum + share, 0) / classes.length;
}

/** Powers of ten around a number, from 10^above times to 10^below times it: of equal ones the strongest comes first. */
function powers(around: number, below: number, above: number): number[] {
  const middle = Math.round(Math.log10(around || 1));
  return Array.from({ length: above - below + 1 }, (_, i) => 10 ** (middle + above - i));
}

export interface EszslSearch extends ClassRounds {
  /** To try, each with each lambda; nine powers of ten unless given, 10^2 to 10^-6 times what `eszsl` takes by itself. */
  readonly gammas?: readonly number[];
  /** Seven powers of ten unless given, 10^2 to 10^-4 times what `eszsl` takes by itself. */
  readonly lambdas?: readonly number[];
}

/** Gamma and lambda for `eszsl`, found as `searchZeroShot` does. */
export async function searchEszsl(
  data: ZeroShotData & Pick<EszslOptions, "similarity">,
  { gammas, lambdas, ...rounds }: EszslSearch = {},
): Promise<SearchResult<EszslChoice>> {
  const usual = eszslDefaults(openTraining(data));
  const choices = (gammas ?? powers(usual.gamma, -6, 2)).flatMap((gamma) =>
    (lambdas ?? powers(usual.lambda, -4, 2)).map((lambda) => ({ gamma, lambda })),
  );
  const openRound: OpenRound<EszslChoice> = (part, features, classes) =>
    openEszslAnswers({ ...data, ...part }, features, classes);
  return crossValidate(data, choices, openRound, rounds);
}

export interface SaeSearch extends ClassRounds {
  /** To try; ten powers of ten unless given, 10^4 to 10^-5 times what `sae` takes by itself. */
  readonly lambdas?: readonly number[];
}

/** Lambda for `sae`, found as `searchZeroShot` does. */
export async function searchSae(
  data: ZeroShotData & Pick<SaeOptions, "similarity">,
  { lambdas, ...rounds }: SaeSearch = {},
): Promise<SearchResult<SaeChoice>> {
  const choices = (lambdas ?? powers(saeDefaults(openTraining(data)).lambda, -5, 4)).map((lambda) => ({
    lambda,
  }));
  const openRound: OpenRound<SaeChoice> = (part, features, classes) =>
    openSaeAnswers({ ...data, ...part }, features, classes);
  return crossValidate(data, choices, openRound, rounds);
}

/**
 * What to take from the scores of seen classes (calibrated stacking, Chao et al., ECCV 2016): the number of the
 * best mean harmonic mean H over rounds in which some seen classes play the unseen, and a fifth of the samples
 * of each other class the test samples of the seen.
 *
 * The more classes compete, the higher the best of them scores: `heldOut` is best the number of classes that will
 * be unseen later.
 *
 * @param data as for training
 * @param train the method, with the numbers that it will have
 * @param rounds how classes are held out
 * @returns for `evaluateZeroShot`, and the mean H that it reached
 * @throws TypeError, RangeError for data or rounds that do not fit
 */
export async function searchCalibration(
  data: ZeroShotData,
  train: (data: ZeroShotData) => ZeroShotModel | Promise<ZeroShotModel>,
  rounds: ClassRounds = {},
): Promise<{ readonly calibration: number; readonly harmonic: number }> {
  const groups = holdOut(data, rounds);
  const random = createRandom(rounds.seed ?? 0);
  const clock = createClock();
  const curves = [];
  for (const classes of groups) {
    if (clock.isDue()) await clock.pause();
    rounds.signal?.throwIfAborted();
    const unseen = takeSamples(
      data,
      indicesOf(data, (label) => classes.includes(label)),
    );
    const [kept, tested] = splitClasses(data, classes, random);
    const model = await train(takeSamples(data, kept));
    curves.push(seenUnseenCurve(judge(model, { unseen, seen: takeSamples(data, tested) })));
  }
  return bestCalibration(curves);
}

/** Samples of the classes that stay, parted: four fifths and a fifth of each class. */
function splitClasses(
  { labels }: ZeroShotData,
  heldOut: readonly number[],
  random: Random,
): [kept: number[], tested: number[]] {
  const byClass = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    if (heldOut.includes(labels[i])) continue;
    const own = byClass.get(labels[i]);
    if (own) own.push(i);
    else byClass.set(labels[i], [i]);
  }
  const [kept, tested]: [number[], number[]] = [[], []];
  for (const indices of byClass.values()) {
    random.shuffle(indices);
    const part = Math.floor(indices.length / 5);
    tested.push(...indices.slice(0, part));
    kept.push(...indices.slice(part));
  }
  if (tested.length === 0) throw new RangeError("labels: wanted a class of five samples or more, got none");
  return [kept, tested];
}

function indicesOf({ labels }: ZeroShotData, wanted: (label: number) => boolean): number[] {
  return Array.from(labels, (_, i) => i).filter((i) => wanted(labels[i]));
}

/** Groups of classes; every class has had its turn before one comes again, but where a rest is too small. */
function holdOut(data: ZeroShotData, { heldOut, rounds = 10, seed = 0 }: ClassRounds): number[][] {
  const { seen } = openTraining(data);
  const size = heldOut ?? Math.max(2, Math.round(seen.length / 5));
  if (!(Number.isInteger(size) && size >= 2 && size <= seen.length - 2)) {
    throw new RangeError(`heldOut: wanted an integer in [2, ${seen.length - 2}], got ${size}`);
  }
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`rounds: wanted an integer >= 1, got ${rounds}`);
  }
  const random = createRandom(seed);
  let pool: number[] = [];
  return Array.from({ length: rounds }, () => {
    if (pool.length < size) pool = random.shuffle([...seen]);
    return pool.splice(0, size);
  });
}
