/** An f32 graph and samples to an int8 graph: equalize, plan, calibrate, choose ranges, correct, quantize. */

import { type Graph, refuseNotFinite } from "../graph/index.js";
import { measureShifts } from "./bias-correction.js";
import { collectStatistics, type OpenRunner, type Samples } from "./calibrate.js";
import { chooseByReaders } from "./choose-ranges.js";
import { equalize } from "./equalize.js";
import { equalizableLayers } from "./equalized-layers.js";
import type { Statistics } from "./histogram.js";
import { withPlanes } from "./input-error.js";
import { buildQuantized, chooseByValue, hasTable, type QuantizeParams, shareAllParams } from "./quantize.js";
import { type PlanOptions, planQuantization, type QuantizePlan } from "./quantize-plan.js";
import type { RangeChoice } from "./range-choice.js";
import { samplesThatFit, spreadSamples } from "./some-samples.js";
import { splitActivations } from "./split.js";

export interface QuantizeOptions {
  readonly samples: Samples;
  /** Opens a runner for f32 and for int8 graphs. */
  readonly open: OpenRunner;
  readonly ranges: RangeChoice;
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

/** What stays f32 besides what cannot be int8. */
export interface Precision extends PlanOptions {
  /** Layers. */
  readonly keepF32: ReadonlySet<string>;
}

/** Samples that tell how large channels are beside each other. */
const equalizedSamples = 32;

/** Samples that ranges are tried on. */
const triedSamples = 8;

/**
 * Quantizes a graph.
 *
 * @param graph in f32, simplified
 * @throws RangeError for weights, inputs or values that are NaN or infinite, by name
 */
export async function quantizeGraph(graph: Graph, options: QuantizeOptions): Promise<QuantizedGraph> {
  const quantizer = await Quantizer.open(graph, options);
  return quantizer.quantize({ keepF32: options.keepF32 ?? new Set() });
}

/** A graph made ready once, to be quantized with one precision or several. */
export class Quantizer {
  readonly #statistics = new Map<string, Statistics>();

  private constructor(
    /** In f32: equalized, and with inputs in two planes. */
    readonly graph: Graph,
    readonly options: QuantizeOptions,
    readonly notes: ReadonlyMap<string, string>,
  ) {}

  /** @throws as `quantizeGraph` */
  static async open(graph: Graph, options: QuantizeOptions): Promise<Quantizer> {
    refuseNotFinite(graph);
    refuseSamples(options.samples);
    const equal = options.equalization ? await equalized(graph, options) : graph;
    const { graph: ready, split } = await withPlanes(equal, options);
    return new Quantizer(
      ready,
      options,
      new Map(split.map((name) => [name, "reads its input in two planes"])),
    );
  }

  /** The same with ranges chosen in another way. */
  withRanges(ranges: RangeChoice): Quantizer {
    const other = new Quantizer(this.graph, { ...this.options, ranges }, this.notes);
    for (const [value, statistics] of this.#statistics) other.#statistics.set(value, statistics);
    return other;
  }

  async quantize(precision: Precision): Promise<QuantizedGraph> {
    const { samples, open, signal, onProgress, biasCorrection } = this.options;
    const { plan, params } = await this.#choose(precision);
    const shifts = biasCorrection
      ? await measureShifts(plan, params, samplesThatFit(plan.graph, samples), {
          open,
          signal,
          onLayer: (done) => onProgress?.("correct", done / plan.layers.length),
        })
      : undefined;
    return { graph: buildQuantized(plan, params, shifts), notes: new Map([...plan.kept, ...this.notes]) };
  }

  /** Measures something of a plan and its parameters. */
  async measure<T>(
    precision: Precision,
    measure: (plan: QuantizePlan, params: QuantizeParams["values"]) => Promise<T>,
  ): Promise<T> {
    const { plan, params } = await this.#choose(precision);
    return measure(plan, params.values);
  }

  async #choose({ keepF32, ...planOptions }: Precision) {
    const { samples, open, ranges, signal } = this.options;
    const plan = planQuantization(this.graph, keepF32, planOptions);
    const { graph: split, before } = splitActivations(plan.graph, plan.layers);
    const tables = plan.layers.filter(({ node }) => hasTable(plan, node));
    const products = tables.map(({ node }) => before.get(node.name) as string);
    const statistics = await this.#collect(
      split,
      [...[...plan.sources.values()].flat(), ...products],
      plan.copies,
    );
    const byRoot =
      ranges.method === "output-error"
        ? await chooseByReaders(plan, statistics, spreadSamples(samples, triedSamples), { open, signal })
        : chooseByValue(plan, statistics, ranges);
    return { plan, params: shareAllParams(plan, byRoot, statistics, before) };
  }

  /** Statistics of values by name; those that an earlier plan asked for are known. */
  async #collect(
    graph: Graph,
    values: readonly string[],
    copies: ReadonlyMap<string, string>,
  ): Promise<ReadonlyMap<string, Statistics>> {
    const { samples, open, signal, onProgress } = this.options;
    const originals = new Set(values.map((value) => copies.get(value) ?? value));
    const missing = [...originals].filter((value) => !this.#statistics.has(value));
    if (missing.length > 0) {
      const found = await collectStatistics(graph, missing, samples, {
        open,
        signal,
        onBatch: (done) => onProgress?.("calibrate", done / samples.count),
      });
      for (const [value, statistics] of found) this.#statistics.set(value, statistics);
    }
    const statisticsOf = (value: string) => this.#statistics.get(copies.get(value) ?? value) as Statistics;
    return new Map(values.map((value) => [value, statisticsOf(value)]));
  }
}

async function equalized(graph: Graph, options: QuantizeOptions): Promise<Graph> {
  const { open, signal, onProgress } = options;
  const samples = spreadSamples(options.samples, equalizedSamples);
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
