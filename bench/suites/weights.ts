/** Pruning and quantizing a million weights against the same work in plain loops. */

import { createKernels, type Kernels } from "../../src/kernels.js";
import type { Contest, TimeCase } from "../contest.js";
import { heNormal } from "../data.js";
import { matchAll, matchExact } from "../match.js";
import {
  kthMagnitude,
  prune,
  pruneBits,
  pruneToSparsity,
  type Quantized,
  quantizeFloor,
  quantizeHalfEven,
  quantizePerChannel,
} from "../plain.js";
import type { Row } from "../report.js";
import { median } from "../statistics.js";

const inputs = 1000;
const outputs = 1000;
const count = inputs * outputs;

interface WeightCase {
  readonly name: string;
  readonly peer: string;
  prepare(kernels: Kernels, w: Float32Array): Contest;
}

const thresholdCases = [50, 90].flatMap((zeros): WeightCase[] => [
  {
    name: `prune 1M s${zeros} threshold`,
    peer: "typescript",
    prepare: (kernels, w) => prepareThreshold(kernels, w, zeros, "typescript", prune),
  },
  {
    name: `prune 1M s${zeros} threshold`,
    peer: "typescript bits",
    prepare: (kernels, w) => prepareThreshold(kernels, w, zeros, "typescript bits", pruneBits),
  },
]);

const exactCases = [50, 90].map(
  (zeros): WeightCase => ({
    name: `prune 1M s${zeros} exact`,
    peer: "typescript",
    prepare: (kernels, w) => prepareExact(kernels, w, zeros),
  }),
);

const quantizationCases: readonly WeightCase[] = [
  ...[["floor", quantizeFloor] as const, ["halfEven", quantizeHalfEven] as const].map(
    ([rounding, plain]): WeightCase => ({
      name: `quantize 1M ${rounding}`,
      peer: "typescript",
      prepare(kernels, w) {
        // Three deviations: a few weights saturate, as with a clipped range.
        const divisor = Math.fround((3 * Math.sqrt(2 / inputs)) / 127);
        return contestOf(
          (out) => kernels.quantize(w, { divisor, rounding, out }),
          (out) => plain(w, divisor, out),
        );
      },
    }),
  ),
  {
    name: "quantize 1M halfEven per-channel",
    peer: "typescript",
    prepare(kernels, w) {
      const divisor = kernels.absMax(w, { channels: outputs }).map((most) => most / 127);
      return contestOf(
        (out) => kernels.quantize(w, { divisor, rounding: "halfEven", out }),
        (out) => quantizePerChannel(w, divisor, out),
      );
    },
  },
];

export const weightCases: readonly TimeCase[] = [...thresholdCases, ...exactCases, ...quantizationCases].map(
  (entry) => ({
    suite: "kernels",
    name: entry.name,
    subject: "pare",
    peer: entry.peer,
    prepare: () => entry.prepare(createKernels(), heNormal(inputs, outputs, 3)),
  }),
);

export const weightNote =
  `weights: ${count} He-normal f32. A call of pare copies them into its memory, and out again where it prunes. ` +
  "exact: both sides restore the weights first, in their times. quantize: codes into an array made beforehand, on " +
  "both sides. typescript: plain loops, warmed up; " +
  "typescript bits: the same on the bits of the weights, without a branch.";

/** The times of pare in copies of the weights: what the machine's memory takes and what the kernels do. */
export function bandwidthNote(rows: readonly Row[]): string {
  const from = heNormal(inputs, outputs, 3);
  const to = new Float32Array(count);
  const times = Array.from({ length: 101 }, () => {
    const start = performance.now();
    to.set(from);
    return performance.now() - start;
  });
  const copyMs = median(times);
  const figures = rows.flatMap((row) => {
    if (row.suite === "size" || row.subjectMs === null || row.peer !== "typescript") return [];
    return [`${row.case} ${(row.subjectMs / copyMs).toFixed(1)}`];
  });
  const rate = ((count * 8) / copyMs / 1e6).toFixed(1);
  return (
    `bandwidth: copying the weights takes ${copyMs.toPrecision(3)} ms (${rate} GB/s read and written). ` +
    `pare in such copies: ${figures.join(", ")}.`
  );
}

/** Both sides prune the same weights again and again: what is below the threshold is written each time. */
function prepareThreshold(
  kernels: Kernels,
  w: Float32Array,
  zeros: number,
  peerName: string,
  peerPrune: typeof prune,
): Contest {
  const threshold = kthMagnitude(w, (count * zeros) / 100);
  const [ours, theirs] = [w.slice(), w.slice()];
  const counts = [kernels.prune(ours, threshold), peerPrune(theirs, threshold)];
  return {
    match: matchAll(matchExact("count", [counts[0]], [counts[1]]), matchExact("weights", ours, theirs)),
    subject: { name: "pare", run: () => kernels.prune(ours, threshold) },
    peer: { name: peerName, run: () => peerPrune(theirs, threshold) },
    dispose() {},
  };
}

/** Weights that are pruned already would be another question, so both sides restore them first. */
function prepareExact(kernels: Kernels, w: Float32Array, zeros: number): Contest {
  const [ours, theirs] = [w.slice(), w.slice()];
  const scratch = new Float32Array(count);
  const subject = () => {
    ours.set(w);
    return kernels.pruneToSparsity(ours, zeros / 100);
  };
  const peer = () => {
    theirs.set(w);
    return pruneToSparsity(theirs, zeros / 100, scratch);
  };
  const counts = [subject(), peer()];
  return {
    match: matchAll(matchExact("count", [counts[0]], [counts[1]]), matchExact("weights", ours, theirs)),
    subject: { name: "pare", run: subject },
    peer: { name: "typescript", run: peer },
    dispose() {},
  };
}

/** Both sides write into codes of their own, made beforehand: the system's pages are not what is compared. */
function contestOf(subject: (out: Int8Array) => Quantized, peer: (out: Int8Array) => Quantized): Contest {
  const [ours, theirs] = [new Int8Array(count), new Int8Array(count)];
  const [got, wanted] = [subject(ours), peer(theirs)];
  return {
    match: matchAll(
      matchExact("codes", got.codes, wanted.codes),
      matchExact("saturated, nan", [got.saturated, got.nan], [wanted.saturated, wanted.nan]),
    ),
    subject: { name: "pare", run: () => subject(ours) },
    peer: { name: "typescript", run: () => peer(theirs) },
    dispose() {},
  };
}
