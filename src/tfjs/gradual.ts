/** Pruning while training: masks that grow by a schedule, held after every step. */

import * as tf from "@tensorflow/tfjs-core";
import {
  allocateSparsity,
  describeShare,
  type PruneScope,
  pruneScopes,
  spareLayers,
} from "../compress/index.js";
import { checkKeys } from "../data/index.js";
import { countZeros, editWeight } from "./edit.js";
import { prunableOf } from "./prunable.js";
import { checkSparsity, type Pattern, parsePattern, pruneTo } from "./prune.js";
import { polynomialDecay, type Schedule } from "./schedules.js";
import { arrayIn, countIn, numberIn } from "./state.js";
import type { PartState, StepPart } from "./step.js";
import { chooseWeights, isExcluded, type ModelWeight, type WeightChoice } from "./weights.js";

export interface GradualPruneOptions extends WeightChoice {
  /**
   * Share of zeros to end with, in [0, 1): of all chosen weights together but those of `targets`, those that `scope`
   * leaves dense among them. An n:m pattern has its own.
   */
  readonly sparsity?: number;
  /**
   * "auto" (default): what each tensor gets is decided over all of them by layer-adaptive magnitude (LAMP, see
   * `allocateSparsity`); depthwise and tiny kernels, and those without room for the pattern, stay dense. "local": each
   * tensor ends with that share. "global": all together do, the smallest weights or blocks of all going first, so that
   * a tensor of small weights may lose all; not with n:m or `targets`.
   */
  readonly scope?: PruneScope;
  /** Final sparsity by name of a weight or layer, in place of its part of `sparsity`; not with n:m. */
  readonly targets?: Readonly<Record<string, number>>;
  /** "unstructured" unless given. n:m begins with m:m and takes one more of each group at a time. */
  readonly pattern?: Pattern;
  /** `polynomialDecay()` unless given. */
  readonly schedule?: Schedule;
  /** First step with a mask, an integer >= 0; 0 unless given. */
  readonly begin?: number;
  /** Step of the last change of the masks, < all steps; after two thirds of them unless given. */
  readonly end?: number;
  /** Steps from one change to the next, an integer >= 1; a thirtieth of the way, at most 100, unless given. */
  readonly frequency?: number;
}

const known: Readonly<Record<keyof GradualPruneOptions, true>> = {
  include: true,
  exclude: true,
  sparsity: true,
  scope: true,
  targets: true,
  pattern: true,
  schedule: true,
  begin: true,
  end: true,
  frequency: true,
};

interface Target {
  readonly weight: ModelWeight;
  /** Of its own; undefined where it has a part of the whole. */
  readonly own: number | undefined;
  mask: tf.Tensor | undefined;
  zeros: number;
}

/** What a weight tensor came to, and why. */
export interface PrunedTensor {
  readonly name: string;
  readonly weights: number;
  /** Zeros, in [0, 1]. */
  readonly sparsity: number;
  readonly reason: string;
}

export interface GradualPruning extends StepPart {
  /** Step of the last change of the masks. */
  readonly end: number;
  /** Zeros over all weights that are pruned, in [0, 1], as of the last change of the masks. */
  sparsity(): number;
  /** By name of the weight. */
  sparsities(): Readonly<Record<string, number>>;
  /** Every weight that is pruned or could have been, in the order of the model. */
  tensors(): readonly PrunedTensor[];
}

/**
 * Prepares the gradual pruning of a run.
 *
 * A weight that is 0 when its mask is made stays 0, whoever made it so: a model that was pruned before
 * does not become denser.
 *
 * @param weights trainable weights of the model
 * @param options which of them, how far and when
 * @param steps of the whole run
 * @throws RangeError for options out of range or at odds, or a name that means no weight
 */
export function gradualPruning(
  weights: readonly ModelWeight[],
  options: GradualPruneOptions,
  steps: number,
): GradualPruning {
  checkKeys("prune", options, known);
  const { pattern = "unstructured", schedule = polynomialDecay() } = options;
  if (typeof schedule !== "function") {
    throw new TypeError(
      `schedule: wanted polynomialDecay() or another function, got ${JSON.stringify(schedule)}`,
    );
  }
  const { begin, end, frequency } = checkSteps(options, steps);
  const nm = parsePattern(pattern);
  const scope = checkScope(options, nm !== undefined);
  const targets = chooseTargets(weights, options, nm !== undefined);
  const free = targets.filter(({ own }) => own === undefined);
  const asked = nm ? 1 - nm.n / nm.m : (options.sparsity ?? 0);
  const spared = new Map(scope === "auto" ? spare(free, pattern, asked) : []);

  /** Part of the way that the masks have gone. */
  let done = 0;

  function grow(share: number): void {
    done = share;
    const now: Pattern = nm ? `${nm.m - Math.round(share * (nm.m - nm.n))}:${nm.m}` : pattern;
    const shares = nm ? undefined : sharesAt(share);
    for (const target of targets) {
      const { variable } = target.weight;
      target.zeros = editWeight(variable, (view, kernels) => {
        if (!nm || !spared.has(target)) pruneTo(view, kernels, target.weight, now, shares?.get(target));
        return countZeros(view());
      }).result;
      target.mask?.dispose();
      target.mask =
        target.zeros === 0 ? undefined : tf.tidy(() => tf.cast(tf.notEqual(variable, 0), "float32"));
    }
  }

  function sharesAt(share: number): Map<Target, number> {
    const layers = scope === "local" ? [] : free.map(({ weight }) => prunableOf(weight, pattern));
    const whys = free.map((target) => spared.get(target));
    const shares = scope === "local" ? [] : allocateSparsity(layers, share * asked, scope, whys);
    return new Map([
      ...targets.map((target) => [target, share * (target.own ?? asked)] as const),
      ...shares.map((own, i) => [free[i], own] as const),
    ]);
  }

  function before(step: number): void {
    if (step < begin || step > end) return;
    if ((step - begin) % frequency !== 0 && step !== end) return;
    const share = step === end ? 1 : schedule((step - begin) / (end - begin));
    if (!(share >= 0 && share <= 1)) {
      throw new RangeError(`schedule: wanted a share in [0, 1], got ${share} at step ${step}`);
    }
    grow(share);
  }

  // The product, and not masked gradients: momentum, weight decay and whatever else an optimizer keeps
  // move a weight whose gradient is 0.
  function after(): void {
    for (const { weight, mask } of targets) {
      if (mask) tf.tidy(() => weight.variable.assign(tf.mul(weight.variable, mask)));
    }
  }

  /** x * 0 is -0 for a negative x: the model that is left has one kind of zero. */
  function finish(): void {
    for (const { weight, mask } of targets) {
      if (mask) editWeight(weight.variable, (view) => dropMinus(view()));
    }
  }

  function state(): PartState {
    const masks = targets.flatMap(({ mask }, i) => (mask ? [[i, maskValues(mask)] as const] : []));
    const zeros = targets.map((target, i) => [`zeros/${i}`, target.zeros] as const);
    return { arrays: Object.fromEntries(masks), numbers: { done, ...Object.fromEntries(zeros) } };
  }

  function restore(saved: PartState): void {
    done = numberIn(saved, "done");
    for (const [i, target] of targets.entries()) {
      const { shape, variable } = target.weight;
      target.zeros = countIn(saved, `zeros/${i}`, variable.size);
      target.mask?.dispose();
      target.mask = undefined;
      if (!saved.arrays?.[i]) continue;
      const values = arrayIn(saved, String(i), Float32Array, variable.size);
      target.mask = tf.tensor(values.slice(), shape as number[]);
    }
  }

  function reasonOf(target: Target): string {
    if (target.own !== undefined) return "a target of its own";
    const why = spared.get(target);
    if (why === undefined && nm) return `${pattern}: the same of every tensor`;
    if (scope === "local") return "the same of every tensor";
    return scope === "global" ? "the smallest of all" : describeShare(why, zerosOf(free), done * asked);
  }

  function tensors(): PrunedTensor[] {
    return targets.map((target) => {
      const { weight, zeros } = target;
      const { size } = weight.variable;
      return { name: weight.name, weights: size, sparsity: zeros / size, reason: reasonOf(target) };
    });
  }

  return {
    name: "prune",
    end,
    restore,
    state,
    before,
    after,
    settled: (step) => step >= end,
    finish,
    dispose: () => {
      for (const { mask } of targets) mask?.dispose();
    },
    tensors,
    sparsity: () => zerosOf(targets),
    sparsities: () =>
      Object.fromEntries(targets.map(({ weight, zeros }) => [weight.name, zeros / weight.variable.size])),
  };
}

/** Those of the tensors that stay dense, and why. */
function spare(targets: readonly Target[], pattern: Pattern, sparsity: number): [Target, string][] {
  const layers = targets.map(({ weight }) => prunableOf(weight, pattern));
  return spareLayers(layers, sparsity).flatMap((why, i): [Target, string][] =>
    why === undefined ? [] : [[targets[i], why]],
  );
}

function zerosOf(targets: readonly Target[]): number {
  const all = targets.reduce((sum, { weight }) => sum + weight.variable.size, 0);
  return all === 0 ? 0 : targets.reduce((sum, { zeros }) => sum + zeros, 0) / all;
}

/** A copy, and of floats: what the cpu backend casts from booleans stays an array of bytes. */
function maskValues(mask: tf.Tensor): Float32Array {
  return Float32Array.from(mask.dataSync());
}

function dropMinus(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] === 0) values[i] = 0;
}

function checkScope(options: GradualPruneOptions, ownSparsity: boolean): PruneScope {
  const { scope = "auto", pattern, targets, sparsity } = options;
  if (!pruneScopes.includes(scope)) {
    throw new RangeError(`scope: wanted ${pruneScopes.join(", ")}, got ${scope}`);
  }
  if (scope === "global" && (ownSparsity || targets !== undefined)) {
    const got = ownSparsity ? `pattern ${pattern}` : "targets";
    throw new RangeError(`scope: wanted one sparsity for a global one, got ${got}`);
  }
  if (scope === "global" && sparsity === undefined) {
    throw new RangeError("sparsity: wanted one for the global scope, got none");
  }
  return scope;
}

function checkSteps({ begin = 0, end, frequency }: GradualPruneOptions, steps: number) {
  if (!Number.isInteger(begin) || begin < 0 || begin >= steps) {
    throw new RangeError(`begin: wanted an integer in [0, ${steps}), the steps of this run, got ${begin}`);
  }
  const last = end ?? Math.max(begin, Math.floor((steps * 2) / 3));
  if (!Number.isInteger(last) || last < begin || last >= steps) {
    throw new RangeError(`end: wanted an integer in [${begin}, ${steps}), got ${end}`);
  }
  const every = frequency ?? Math.min(100, Math.max(1, Math.floor((last - begin) / 30)));
  if (!Number.isInteger(every) || every < 1) {
    throw new RangeError(`frequency: wanted an integer >= 1, got ${frequency}`);
  }
  return { begin, end: last, frequency: every };
}

function chooseTargets(
  weights: readonly ModelWeight[],
  options: GradualPruneOptions,
  ownSparsity: boolean,
): Target[] {
  const { sparsity, targets = {} } = options;
  if (ownSparsity && (sparsity !== undefined || options.targets !== undefined)) {
    throw new RangeError(`sparsity: pattern ${options.pattern} has its own`);
  }
  const chosen = chooseWeights(weights, options);
  for (const [name, target] of Object.entries(targets)) {
    checkFinal(`targets: ${name}`, target);
    if (!chosen.some((weight) => isExcluded(weight, name))) {
      throw new RangeError(`targets: no weight that is pruned is meant by ${name}`);
    }
  }
  return chosen.map((weight) => {
    const own = targets[weight.name] ?? targets[weight.layer];
    if (!ownSparsity && own === undefined) {
      if (sparsity === undefined) throw new RangeError(`sparsity: wanted one for ${weight.name}, got none`);
      checkFinal("sparsity", sparsity);
    }
    return { weight, own, mask: undefined, zeros: 0 };
  });
}

function checkFinal(name: string, sparsity: number): void {
  checkSparsity(name, sparsity);
  if (sparsity === 1)
    throw new RangeError(`${name}: wanted a share in [0, 1), got 1: no weight would be left`);
}
