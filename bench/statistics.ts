/** What a row says of its samples. */

/** The middle number, or the mean of the two in the middle; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The smallest number that at least a share of them do not exceed (nearest rank).
 *
 * @param share in (0, 1]: 0.95 for p95
 */
export function percentile(numbers: readonly number[], share: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`share: wanted a number in (0,1], got ${share}`);
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1];
}

/** One round: what a call of either side took, measured one right after the other. */
export interface Round {
  readonly subjectMs: number;
  readonly peerMs: number;
}

export interface Summary {
  readonly subjectMs: number;
  readonly subjectP95Ms: number;
  readonly peerMs: number;
  readonly peerP95Ms: number;
  readonly ratio: number;
}

/**
 * Medians and p95 of both sides. The ratio is the median of the rounds' own ratios, not the ratio of the
 * medians: a machine that slows down for a while slows both sides of a round.
 */
export function summarize(rounds: readonly Round[]): Summary {
  if (rounds.length === 0) throw new RangeError("summarize: wanted at least one round, got none");
  const subject = rounds.map(({ subjectMs }) => subjectMs);
  const peer = rounds.map(({ peerMs }) => peerMs);
  return {
    subjectMs: median(subject),
    subjectP95Ms: percentile(subject, 0.95),
    peerMs: median(peer),
    peerP95Ms: percentile(peer, 0.95),
    ratio: median(rounds.map(({ subjectMs, peerMs }) => peerMs / subjectMs)),
  };
}
