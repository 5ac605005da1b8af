/** What happens to seen and unseen classes as more and more is taken from the scores of the seen ones. */

/** One test sample, by the best of the seen and the best of the unseen classes. */
export interface Judged {
  /** True class, and whether it is a seen one. */
  readonly label: number;
  readonly isSeen: boolean;
  /** Best seen score less best unseen one: at a calibration from here on the answer is an unseen class. */
  readonly switchAt: number;
  /** The best class of the sample's own kind is its true one. */
  readonly isRight: boolean;
}

/** Means over the classes, each class the share of its samples that get the right answer among all classes. */
export interface Generalized {
  /** Over unseen classes, U, in [0, 1]. */
  readonly unseen: number;
  /** Over seen classes, S, in [0, 1]. */
  readonly seen: number;
  /** Harmonic mean, H = 2 U S / (U + S); 0 where both are. */
  readonly harmonic: number;
}

export interface SeenUnseenCurve {
  /** Calibrations at which some answer changes, ascending: f64[n]. */
  readonly switches: Float64Array;
  /** U and S before the first of them, between each two and after the last: f64[n + 1]. */
  readonly unseen: Float64Array;
  readonly seen: Float64Array;
  /** Under S over U, in [0, 1]: AUSUC. */
  readonly area: number;
  at(calibration: number): Generalized;
}

/**
 * The whole curve, exactly: it has a corner where a sample switches sides and nowhere else.
 *
 * Chao, Changpinyo, Gong and Sha, An empirical study and analysis of generalized zero-shot learning, ECCV 2016.
 */
export function seenUnseenCurve(samples: readonly Judged[]): SeenUnseenCurve {
  const shareOf = classShares(samples);
  // Who is wrong among his own kind is wrong at every calibration.
  const right = samples.filter(({ isRight }) => isRight).sort((a, b) => a.switchAt - b.switchAt);
  const switches = Float64Array.from(new Set(right.map(({ switchAt }) => switchAt)));
  const gained = new Float64Array(switches.length);
  const lost = new Float64Array(switches.length);
  let place = 0;
  for (const sample of right) {
    while (switches[place] !== sample.switchAt) place += 1;
    (sample.isSeen ? lost : gained)[place] += shareOf(sample);
  }
  const unseen = new Float64Array(switches.length + 1);
  const seen = new Float64Array(switches.length + 1);
  // Each from its own end, where it is 0: no sum of differences that leaves a rest.
  for (let i = 0; i < switches.length; i++) unseen[i + 1] = Math.min(1, unseen[i] + gained[i]);
  for (let i = switches.length - 1; i >= 0; i--) seen[i] = Math.min(1, seen[i + 1] + lost[i]);
  let area = 0;
  // Where both change at once, straight across.
  for (let i = 0; i < switches.length; i++) area += (gained[i] * (seen[i] + seen[i + 1])) / 2;

  function at(calibration: number): Generalized {
    const i = countUpTo(switches, calibration);
    return generalized(unseen[i], seen[i]);
  }

  // Shares such as 1 / 3 add up to 1 and a little more.
  return { switches, unseen, seen, area: Math.min(1, area), at };
}

/** What one sample counts in the mean over the classes of its kind. */
function classShares(samples: readonly Judged[]): (sample: Judged) => number {
  const counts = new Map<number, number>();
  const kinds = { seen: new Set<number>(), unseen: new Set<number>() };
  for (const { label, isSeen } of samples) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    kinds[isSeen ? "seen" : "unseen"].add(label);
  }
  return ({ label, isSeen }) => 1 / (kinds[isSeen ? "seen" : "unseen"].size * (counts.get(label) as number));
}

function generalized(unseen: number, seen: number): Generalized {
  const sum = unseen + seen;
  return { unseen, seen, harmonic: sum === 0 ? 0 : Math.min(1, (2 * unseen * seen) / sum) };
}

/** How many of ascending numbers are <= a bound. */
function countUpTo(ascending: Float64Array, bound: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle] <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The calibration of the best mean H over some curves: the middle of the first interval that has it.
 *
 * @returns 0 where H is 0 everywhere
 */
export function bestCalibration(curves: readonly SeenUnseenCurve[]): {
  calibration: number;
  harmonic: number;
} {
  const switches = curves.flatMap((curve) => [...curve.switches]).sort((a, b) => a - b);
  let best = { calibration: 0, harmonic: 0 };
  for (let i = 1; i < switches.length; i++) {
    if (switches[i] === switches[i - 1]) continue;
    const calibration = (switches[i - 1] + switches[i]) / 2;
    const sum = curves.reduce((total, curve) => total + curve.at(calibration).harmonic, 0);
    if (sum / curves.length > best.harmonic) best = { calibration, harmonic: sum / curves.length };
  }
  return best;
}
