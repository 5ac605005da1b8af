/** Which layers suffer most from int8: each alone, against f32. */

import type { Graph } from "../graph/index.js";
import { measureLayers, samplesToMeasure } from "./fidelity/index.js";
import { type QuantizeOptions, Quantizer } from "./quantize-graph.js";
import { spreadSamples } from "./some-samples.js";

export interface Sensitivity {
  /** Of the layer. */
  readonly name: string;
  /** Relative error of the outputs when this layer alone is int8. */
  readonly error: number;
}

export interface RankOptions extends Pick<QuantizeOptions, "samples" | "open" | "ranges" | "signal"> {
  /** Called with the part done, 0 to 1. */
  readonly onLayer?: (done: number) => void;
}

/** @returns the most sensitive first; those too that run in f32 and whose weights are stored in 8 bits */
export async function rankLayers(graph: Graph, options: RankOptions): Promise<readonly Sensitivity[]> {
  const { samples, open, signal, onLayer } = options;
  const quantizer = await Quantizer.open(graph, { ...options, biasCorrection: false });
  const measured = await quantizer.measure({ keepF32: new Set() }, (plan, params) =>
    measureLayers(plan, params, spreadSamples(samples, samplesToMeasure(plan.graph)), {
      open,
      signal,
      onLayer,
    }),
  );
  onLayer?.(1);
  return measured
    .map(({ name, errors }) => ({ name, error: Math.sqrt(Math.max(0, ...errors.values())) }))
    .sort((a, b) => b.error - a.error);
}
