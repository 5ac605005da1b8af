/** An f32 graph and samples to an int8 graph: plan, calibrate, quantize, correct. */

import { type Graph, inferShapes, refuseNotFinite } from "../graph/index.js";
import { measureShifts, type Shifts } from "./bias-correction.js";
import { type CollectOptions, collectStatistics, type OpenRunner, type Samples } from "./calibrate.js";
import { equalize } from "./equalize.js";
import { equalizableLayers } from "./equalized-layers.js";
import type { Statistics } from "./histogram.js";
import { withPlanes } from "./input-error.js";
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
  /** Scales channels so that all use the codes of their value: see equalize.ts. */
  readonly equalization?: boolean;
  /** The largest relative error of outputs that 7 bits of an input may make: see two-planes.ts. */
  readonly inputError?: number;
  /** Names of layers that stay f32. */
  readonly keepF32?: ReadonlySet<string>;
  readonly signal?: AbortSignal | undefined;
  /** Part of a stage that is done, 0 to 1. */
  readonly onProgress?: ((stage: "equalize" | "calibrate" | "correct", done: number) => void) | undefined;
}

export interface QuantizedGraph {
  readonly graph: Graph;
  /** What is special about a layer, such as why it stayed f32, by its name. */
  readonly notes: ReadonlyMap<string, string>;
}

/**
 * Quantizes a graph.
 *
 * @param graph in f32, simplified
 * @throws RangeError for weights, inputs or values that are NaN or infinite, by name
 */
export async function quantizeGraph(graph: Graph, options: QuantizeOptions): Promise<QuantizedGraph> {
  const { samples, open, ranges, signal, onProgress } = options;
  refuseNotFinite(graph);
  refuseSamples(samples);
  const equal = options.equalization ? await equalized(graph, options) : graph;
  const { graph: ready, split: twice } = await withPlanes(equal, options);
  const plan = planQuantization(ready, options.keepF32);
  const notes = new Map([
    ...plan.kept,
    ...twice.map((name) => [name, "reads its input in two planes"] as const),
  ]);
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
  if (!options.biasCorrection) return { graph: buildQuantized(plan, params), notes };
  const known: QuantizedLayers = new Map();
  const build = (shifts: Shifts) => buildQuantized(plan, params, shifts, known);
  const shifts = await measureShifts(plan.layers, build, statistics, samples, {
    shapes: inferShapes(plan.graph),
    ...collect,
    onLayers: (done) => onProgress?.("correct", done / plan.layers.length),
  });
  return { graph: build(shifts), notes };
}

async function equalized(graph: Graph, options: QuantizeOptions): Promise<Graph> {
  const { samples, open, signal, onProgress } = options;
  // What a layer in f32 reads has no codes to fill.
  const layers = equalizableLayers(graph).filter(({ readers }) =>
    readers.some(({ after }) => !options.keepF32?.has(after.node.name)),
  );
  if (layers.length === 0) return graph;
  const values = [...new Set(layers.flatMap(({ readers }) => readers.map(({ value }) => value)))];
  const statistics = await collectStatistics(graph, values, samples, {
    open,
    signal,
    onBatch: (done) => onProgress?.("equalize", done / samples.count),
  });
  return equalize(graph, layers, (value) => (statistics.get(value) as Statistics).largest);
}

/** Named by the input: later it would be named by whatever is computed first. */
function refuseSamples({ inputs }: Samples): void {
  for (const [name, data] of Object.entries(inputs)) {
    const wrong = data.find((value) => !Number.isFinite(value));
    if (wrong === undefined) continue;
    throw new RangeError(`calibration: wanted finite numbers in value ${name}, got ${wrong}`);
  }
}
