/** What is asked for, and which rows miss it. */

import type { ModelRow } from "./measure.js";
import type { ZooModel } from "./model.js";

const leastCosine = 0.99;
const largestError = 0.1;
/** Of generated nets, in the mean. */
const largestMean = 0.05;

/** What a model of `../shared` misses, one line each. */
export function missedBars({ name, bars }: ZooModel, { outputs }: ModelRow): readonly string[] {
  return outputs.flatMap(({ set, output, relativeRms, cosine, agreement, accuracy }) => {
    const title = [name, set, output].filter((word) => word !== "").join(" ");
    const missed: string[] = [];
    if (!Object.hasOwn(bars.excepted ?? {}, output)) {
      if (cosine < leastCosine) missed.push(`${title}: cosine ${cosine.toFixed(4)}, asked: ${leastCosine}`);
      if (relativeRms > largestError) {
        missed.push(`${title}: relative RMS ${relativeRms.toFixed(4)}, asked: ${largestError}`);
      }
    }
    const least = bars.agreement?.[set];
    if (least !== undefined && agreement !== undefined && agreement < least) {
      missed.push(`${title}: top-1 as f32 ${percent(agreement)}, asked: ${percent(least)}`);
    }
    if (bars.accuracy !== undefined && accuracy !== undefined && accuracy.int8 < bars.accuracy) {
      missed.push(`${title}: ${percent(accuracy.int8)} right, asked: ${percent(bars.accuracy)}`);
    }
    return missed;
  });
}

/** What generated nets miss together. */
export function missedByGenerated(rows: readonly ModelRow[], plain: readonly ModelRow[]): readonly string[] {
  const generated = rows.filter(({ family }) => family === "generated");
  const errors = generated.flatMap(({ outputs }) => outputs.map(({ relativeRms }) => relativeRms));
  const mean = errors.reduce((sum, each) => sum + each, 0) / errors.length;
  const missed = generated.flatMap(({ name, outputs }) => {
    const other = plain.find((row) => row.name === name);
    return outputs.flatMap(({ set, output, relativeRms }) => {
      const beside = other?.outputs.find((row) => row.set === set && row.output === output);
      if (!beside || relativeRms <= beside.relativeRms) return [];
      return [
        `${name}: relative RMS ${relativeRms.toFixed(4)}, plain min-max ${beside.relativeRms.toFixed(4)}`,
      ];
    });
  });
  if (mean > largestMean) {
    missed.push(`generated nets: mean relative RMS ${mean.toFixed(4)}, asked: ${largestMean}`);
  }
  return missed;
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
