/** An f32 graph and samples to an int8 graph: plan, calibrate, quantize, correct. */

import type { Graph } from "../graph/index.js";
import { measureShifts, type Shifts } from "./bias-correction.js";
import { type CollectOptions, collectStatistics, type OpenRunner, type Samples } from "./calibrate.js";
import { kernelNodes, refuseNotFinite } from "./kernel-nodes.js";
import { buildQuantized, chooseAllParams, hasTable, type QuantizedLayers } from "./quantize.js";
import { planQuantization } from "./quantize-plan.js";
import type { RangeMethod } from "./range.js";
import { splitActivations } from "./split.js";

export interface QuantizeOptions {
  readonly samples: Samples;
  /** Opens a runner for f32 and for int8 graphs. */
  readonly open: OpenRunner;
  readonly ranges: RangeMethod;
  readonly biasCorrection: boolean;
  /** Names of layers that stay f32. */
  readonly keepF32?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  /** Part of a stage that is done, 0 to 1. */
  readonly onProgress?: ((stage: "calibrate" | "correct", done: number) => void) | undefined;
}

export interface QuantizedGraph {
  readonly graph: Graph;
  /** Why a layer with a kernel stayed f32, by its name. */
  readonly kept: ReadonlyMap<string, string>;
}

/**
 * Quantizes a graph.
 *
 * @param graph in f32, simplified
 * @throws RangeError for weights, inputs or values that are NaN or infinite, by name
 */
export async function quantizeGraph(graph: Graph, options: QuantizeOptions): Promise<QuantizedGraph> {
  const { samples, open, ranges, signal, onProgress } = options;
  refuseNotFinite(kernelNodes(graph));
  const plan = planQuantization(graph, options.keepF32);
  const { graph: split, before } = splitActivations(plan.graph, plan.layers);
  const productName = (layer: string) => before.get(layer) as string;
  const products = plan.layers
    .filter(({ node }) => hasTable(plan, node))
    .map(({ node }) => productName(node.name));
  const reads = options.biasCorrection ? plan.layers.map(({ node }) => node.inputs[0]) : [];
  const values = [...new Set([...[...plan.sources.values()].flat(), ...products, ...reads])];
  const collect: CollectOptions = { open, signal };
  const statistics = await collectStatistics(split, values, samples, {
    ...collect,
    onBatch: (done) => onProgress?.("calibrate", done / samples.count),
  });
  const params = chooseAllParams(plan, statistics, before, ranges);
  if (!options.biasCorrection) return { graph: buildQuantized(plan, params), kept: plan.kept };
  const known: QuantizedLayers = new Map();
  const build = (shifts: Shifts) => buildQuantized(plan, params, shifts, known);
  const shifts = await measureShifts(plan.layers, build, statistics, samples, {
    ...collect,
    onLayers: (done) => onProgress?.("correct", done / plan.layers.length),
  });
  return { graph: build(shifts), kept: plan.kept };
}
