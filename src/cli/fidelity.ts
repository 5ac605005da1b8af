/** How near a compressed model is to the one it was made from, in words. */

import type { CompressResult, FidelityReport, OutputFidelity } from "../index.js";
import { GateError } from "./errors.js";
import { formatNumber, formatTable } from "./format.js";

const percent = (part: number): string => `${(100 * part).toFixed(part >= 0.1 || part === 0 ? 0 : 1)} %`;

const titles = ["output", "cosine", "relative RMS", "same top class"] as const;

function rowOf({ name, cosine, relativeRms, agreement, isConstant }: OutputFidelity): string[] {
  const same = agreement === undefined ? "" : percent(agreement);
  return [name, cosine.toFixed(4), relativeRms.toFixed(3), isConstant ? "a constant score here" : same];
}

/** What int8 costs, measured, and what precision it took. */
export function formatFidelity(report: FidelityReport): string {
  const { samples, measuredOn, outputs, macs, raised, realSums, missed, goal } = report;
  const which = {
    check: `${samples} samples of --check`,
    "set aside": `${samples} calibration samples set aside until all was decided`,
    calibration: `the ${samples} calibration samples themselves, which are too few to set some aside`,
  }[measuredOn];
  const parts = [
    `${percent(macs.u7)} of the multiplications in 7 bits`,
    ...(macs.twoPlanes > 0 ? [`${percent(macs.twoPlanes)} in two planes`] : []),
    ...(macs.f32 > 0 ? [`${percent(macs.f32)} in f32`] : []),
  ];
  const changes = [
    ...(realSums ? ["sums kept in f32"] : []),
    ...(raised.length > 0 ? [`${raised.length} layers kept in f32`] : []),
  ];
  const text = [
    `\nint8 against f32, on ${which}:\n${formatTable(titles, outputs.map(rowOf))}`,
    `${parts.join(", ")}${changes.length > 0 ? `; for the outputs' sake ${changes.join(" and ")}` : ""}\n`,
  ];
  if (missed.length > 0) {
    text.push(
      `missed: ${missed.join(", ")} (wanted a cosine of ${goal.cosine} and a relative RMS error of ${formatNumber(goal.relativeRms)})\n`,
    );
  }
  return text.join("");
}

/** A sparsity above it, without training, costs most nets most of what they know. */
const muchPruned = 0.01;

/** What pruning alone has cost, if it is much; undefined where it is not. */
export function warnOfPruning({ pruning }: CompressResult): string | undefined {
  const worst = pruning?.reduce((a, b) => (b.cosine < a.cosine ? b : a));
  if (!worst || worst.cosine >= 1 - muchPruned) return undefined;
  const same =
    worst.agreement === undefined ? "" : `, the same top class on ${percent(worst.agreement)} of samples`;
  return (
    `pruned without training: output ${worst.name} has a relative RMS error of ${worst.relativeRms.toFixed(2)}${same}. ` +
    'Zeros have to be trained in: pare train with a "prune" stage, fineTune, or a lower --sparsity'
  );
}

/** @throws GateError where int8 is not as near to f32 as was asked for */
export function gateFidelity({ fidelity }: CompressResult): void {
  if (!fidelity || fidelity.missed.length === 0) return;
  throw new GateError(
    `gate missed: fidelity of ${fidelity.missed.join(", ")}; nothing was written (--fidelity asks for another one, or "off")`,
  );
}
