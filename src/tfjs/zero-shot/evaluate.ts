/** How good a zero-shot model is, where unseen classes stand alone and where they stand beside the seen. */

import { type Generalized, type Judged, type SeenUnseenCurve, seenUnseenCurve } from "./curve.js";
import type { ZeroShotModel } from "./model.js";
import { checkClass, classesOf, type LabelledRows, openLabelled } from "./rows.js";

export interface EvaluateOptions {
  /** Samples of classes that the model was not trained on. */
  readonly unseen: LabelledRows;
  /** Samples of classes that it was trained on, not those of the training. */
  readonly seen: LabelledRows;
  /** The unseen classes to choose from; those of `unseen` unless given. */
  readonly classes?: ArrayLike<number>;
  /** Taken from the scores of seen classes, finite; from `searchCalibration`, never from these samples. */
  readonly calibration?: number;
}

export interface ZeroShotReport {
  /** Mean over the unseen classes, chosen among them alone, in [0, 1]. */
  readonly conventional: number;
  /** Chosen among all classes, scores as they are. */
  readonly generalized: Generalized;
  /** The same after the calibration (stacking), if one is given. */
  readonly calibrated?: Generalized;
  /** Area under the seen-unseen curve, over all calibrations, in [0, 1]. */
  readonly ausuc: number;
  readonly curve: SeenUnseenCurve;
  /** By class that has samples, ascending. */
  readonly perClass: readonly ClassReport[];
}

export interface ClassReport {
  readonly label: number;
  readonly isSeen: boolean;
  readonly count: number;
  /** Share of right answers, chosen among the classes of its own kind. */
  readonly accuracy: number;
  /** The same, chosen among all. */
  readonly generalized: number;
}

/**
 * Evaluates as generalized zero-shot learning does: accuracies of classes, not of samples, so a class counts
 * the same however many samples it has. Where a seen and an unseen class score alike, the unseen one is the
 * answer.
 *
 * Xian, Lampert, Schiele and Akata, Zero-shot learning: a comprehensive evaluation of the good, the bad and the
 * ugly, 2018; calibrated stacking and AUSUC: Chao et al., 2016.
 *
 * @param model trained on the seen classes
 * @param options test samples of both kinds, and the calibration
 * @returns U, S, H, the curve and what each class came to
 * @throws TypeError, RangeError for samples that do not fit, a label of `unseen` that is seen, or the reverse
 */
export function evaluateZeroShot(model: ZeroShotModel, options: EvaluateOptions): ZeroShotReport {
  const { calibration } = options;
  if (calibration !== undefined && !Number.isFinite(calibration)) {
    throw new RangeError(`calibration: wanted a finite number, got ${calibration}`);
  }
  const samples = judge(model, options);
  const curve = seenUnseenCurve(samples);
  return {
    conventional: curve.unseen[curve.unseen.length - 1],
    generalized: curve.at(0),
    ...(calibration !== undefined && { calibrated: curve.at(calibration) }),
    ausuc: curve.area,
    curve,
    perClass: classReports(samples),
  };
}

/** Every test sample by its best seen and its best unseen class. */
export function judge(
  model: ZeroShotModel,
  { unseen, seen, classes }: Omit<EvaluateOptions, "calibration">,
): Judged[] {
  const unseenLabels = openLabelled("unseen.", unseen, model.classes).labels;
  const seenLabels = openLabelled("seen.", seen, model.classes).labels;
  const candidates = classes === undefined ? classesOf(unseenLabels) : Array.from(classes);
  for (const label of candidates) {
    checkClass("classes", label, model.classes);
    if (model.seen.includes(label)) {
      throw new RangeError(`unseen: wanted classes that the model was not trained on, got ${label}`);
    }
  }
  checkAmong("unseen.labels", unseenLabels, candidates);
  checkAmong("seen.labels", seenLabels, model.seen);
  return [
    ...judgeKind(model, unseen.features, unseenLabels, candidates, false),
    ...judgeKind(model, seen.features, seenLabels, candidates, true),
  ];
}

function checkAmong(name: string, labels: Int32Array, classes: readonly number[]): void {
  const other = labels.find((label) => !classes.includes(label));
  if (other !== undefined)
    throw new RangeError(`${name}: wanted classes of ${classes.join(", ")}, got ${other}`);
}

function judgeKind(
  model: ZeroShotModel,
  features: LabelledRows["features"],
  labels: Int32Array,
  candidates: readonly number[],
  isSeen: boolean,
): Judged[] {
  const columns = [...model.seen, ...candidates];
  const { data } = model.scores(features, columns);
  return Array.from(labels, (label, i) => {
    const row = data.subarray(i * columns.length, (i + 1) * columns.length);
    if (!row.every(Number.isFinite)) {
      throw new RangeError(`scores: wanted finite numbers, got [${row.join(", ")}] for sample ${i}`);
    }
    const bestSeen = largest(row, 0, model.seen.length);
    const bestUnseen = largest(row, model.seen.length, columns.length);
    return {
      label,
      isSeen,
      switchAt: row[bestSeen] - row[bestUnseen],
      isRight: columns[isSeen ? bestSeen : bestUnseen] === label,
    };
  });
}

function largest(row: Float64Array, from: number, to: number): number {
  let best = from;
  for (let k = from + 1; k < to; k++) if (row[k] > row[best]) best = k;
  return best;
}

function classReports(samples: readonly Judged[]): ClassReport[] {
  const labels = [...new Set(samples.map(({ label }) => label))].sort((a, b) => a - b);
  return labels.map((label) => {
    const own = samples.filter((sample) => sample.label === label);
    const right = own.filter(({ isRight }) => isRight);
    const among = right.filter(({ isSeen, switchAt }) => (isSeen ? switchAt > 0 : switchAt <= 0));
    return {
      label,
      isSeen: own[0].isSeen,
      count: own.length,
      accuracy: right.length / own.length,
      generalized: among.length / own.length,
    };
  });
}
