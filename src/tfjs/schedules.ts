/** How fast a gradual pruning goes: from its progress in [0, 1] to the share of the final sparsity. */

/**
 * @param progress 0 at the first step of the pruning, 1 at its last
 * @returns share of the final sparsity, in [0, 1]; 1 for progress 1
 */
export type Schedule = (progress: number) => number;

export interface PolynomialOptions {
  /** > 0; 3 unless given: fast at first, where most weights do not matter, slow at the end. */
  readonly power?: number;
  /** Share of the final sparsity to begin with, in [0, 1]; 0 unless given. */
  readonly initial?: number;
}

/**
 * 1 - (1 - initial) (1 - progress)^power. Zhu and Gupta 2017, To prune, or not to prune, section 3.
 *
 * @throws RangeError for a power that is not > 0, or an initial share outside [0, 1]
 */
export function polynomialDecay({ power = 3, initial = 0 }: PolynomialOptions = {}): Schedule {
  if (!(power > 0 && Number.isFinite(power)))
    throw new RangeError(`power: wanted a number > 0, got ${power}`);
  if (!(initial >= 0 && initial <= 1))
    throw new RangeError(`initial: wanted a number in [0, 1], got ${initial}`);
  return (progress) => 1 - (1 - initial) * (1 - progress) ** power;
}

/** All at once, at the first step of the pruning. */
export function constantSparsity(): Schedule {
  return () => 1;
}

/** (1 - cos(pi progress)) / 2: slow at both ends. */
export function cosine(): Schedule {
  return (progress) => (1 - Math.cos(Math.PI * progress)) / 2;
}
