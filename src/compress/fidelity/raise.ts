/**
 * int8 as near to f32 as is asked for.
 *
 * What came out is measured on samples that nothing else was decided on, and the better of two ways to choose ranges is
 * taken. Where that is too far from f32, sums are kept in f32 first (a sum of residuals that is rounded again in each
 * block gathers the error of all), then other ranges are tried, and then the layers that hurt most for what they cost
 * become f32, until the goal is met.
 */

import { type Graph, inferShapes } from "../../graph/index.js";
import type { Samples } from "../calibrate.js";
import { kernelNodes } from "../kernel-nodes.js";
import { type Precision, type QuantizedGraph, type QuantizeOptions, Quantizer } from "../quantize-graph.js";
import type { RangeChoice } from "../range-choice.js";
import { macsOf } from "../report.js";
import { spreadSamples } from "../some-samples.js";
import { chooseLayers } from "./choose-layers.js";
import { type FidelityGoal, meets, partUsed } from "./goal.js";
import { type LayerErrors, measureLayers, samplesToMeasure } from "./layer-errors.js";
import { compareOutputs, type OutputFidelity, type Outputs, outputsOf } from "./measure.js";

export interface RaiseOptions extends QuantizeOptions {
  /** Samples to measure on. */
  readonly check: Samples;
  readonly goal: FidelityGoal;
  /** All samples, those of `check` too, where these may join the calibration once everything is decided. */
  readonly refit?: Samples | undefined;
  /** Other ways to choose ranges that may be tried; none where the caller asked for one. */
  readonly otherRanges: readonly RangeChoice[];
  /** Part of the raising that is done, 0 to 1. */
  readonly onRaise?: ((done: number) => void) | undefined;
}

export interface RaisedGraph extends QuantizedGraph {
  readonly outputs: readonly OutputFidelity[];
  /** Names of outputs that miss the goal. */
  readonly missed: readonly string[];
  /** How ranges were chosen in the end. */
  readonly ranges: RangeChoice;
  /** Layers that became f32 for the goal, in the order of the graph. */
  readonly raised: readonly string[];
  /** Whether sums were kept in f32 for it. */
  readonly realSums: boolean;
}

interface Attempt {
  readonly quantizer: Quantizer;
  readonly precision: Precision;
  readonly made: QuantizedGraph;
  readonly outputs: readonly OutputFidelity[];
}

/**
 * Part of what is allowed that each round of raising layers aims at: the later, the less what was foretold is believed.
 * After them all layers become f32.
 */
const aims = [0.9, 0.75, 0.6, 0.45, 0.3];

/** @throws as `quantizeGraph` */
export async function quantizeToGoal(graph: Graph, options: RaiseOptions): Promise<RaisedGraph> {
  const { goal, onRaise } = options;
  const raise = new Raise(graph, options);
  let best = await raise.attempt(options.ranges, { keepF32: raise.asked });
  const isMet = () => raise.worst(best) <= 1;
  const consider = async (ranges: RangeChoice, precision: Precision) => {
    const other = await raise.attempt(ranges, precision);
    if (raise.worst(other) < raise.worst(best)) best = other;
  };
  // The second way is always tried: which is better differs from net to net, and it costs no precision.
  for (const ranges of options.otherRanges.slice(0, 1)) await consider(ranges, best.precision);
  onRaise?.(0.1);
  if (!isMet() && hasSums(graph)) {
    await consider(best.quantizer.options.ranges, { ...best.precision, realSums: true });
  }
  onRaise?.(0.2);
  for (const ranges of options.otherRanges.slice(1)) if (!isMet()) await consider(ranges, best.precision);
  onRaise?.(0.3);
  if (!isMet()) {
    const layers = await raise.measure(best);
    for (const [round, aim] of [...aims, 0].entries()) {
      if (isMet()) break;
      onRaise?.(0.5 + (0.5 * round) / (aims.length + 1));
      const keepF32 = aim === 0 ? raise.all(layers) : raise.more(best, layers, aim);
      // Fewer layers in int8 are nearer to f32 but for chance: the next round sees what they left.
      best = await raise.attempt(best.quantizer.options.ranges, { ...best.precision, keepF32 });
    }
  }
  const refitted = options.refit && (await raise.refit(best, options.refit));
  if (refitted) best = { ...best, made: refitted };
  onRaise?.(1);
  return resultOf(graph, best, raise.asked, goal);
}

class Raise {
  readonly #quantizers = new Map<RangeChoice, Quantizer>();
  readonly #wanted: Outputs;
  readonly #layers: number;

  readonly asked: ReadonlySet<string>;

  constructor(
    readonly graph: Graph,
    readonly options: RaiseOptions,
  ) {
    this.asked = options.keepF32 ?? new Set();
    this.#wanted = outputsOf(graph, options.check, options.open);
    this.#layers = kernelNodes(graph).length;
  }

  async attempt(ranges: RangeChoice, precision: Precision): Promise<Attempt> {
    const quantizer = await this.#quantizer(ranges);
    const made = await quantizer.quantize(precision);
    return { quantizer, precision, made, outputs: this.#compare(made) };
  }

  /** An attempt made anew of more samples; undefined where that is too far from f32, which what it was made of was not. */
  async refit(attempt: Attempt, samples: Samples): Promise<QuantizedGraph | undefined> {
    const { ranges } = attempt.quantizer.options;
    const quantizer = await Quantizer.open(this.graph, { ...this.options, samples, ranges });
    const made = await quantizer.quantize(attempt.precision);
    const again = this.#compare(made);
    return this.worst({ ...attempt, outputs: again }) <= Math.max(1, this.worst(attempt)) ? made : undefined;
  }

  #compare({ graph }: QuantizedGraph): readonly OutputFidelity[] {
    const { check, open } = this.options;
    return compareOutputs(this.graph, this.#wanted, outputsOf(graph, check, open), check.count);
  }

  /** How much of what is allowed the worst output of an attempt uses up. */
  worst({ outputs }: Attempt): number {
    return Math.max(0, ...outputs.map((output) => partUsed(output, this.options.goal, this.#layers)));
  }

  /** What each layer of an attempt costs alone. */
  measure({ quantizer, precision }: Attempt): Promise<readonly LayerErrors[]> {
    const { samples, open, signal, onRaise } = this.options;
    return quantizer.measure(precision, (plan, params) =>
      measureLayers(plan, params, spreadSamples(samples, samplesToMeasure(plan.graph)), {
        open,
        signal,
        onLayer: (done) => onRaise?.(0.3 + 0.2 * done),
      }),
    );
  }

  all(layers: readonly LayerErrors[]): ReadonlySet<string> {
    return new Set([...this.asked, ...layers.map(({ name }) => name)]);
  }

  more(
    { quantizer, precision, outputs }: Attempt,
    layers: readonly LayerErrors[],
    aim: number,
  ): ReadonlySet<string> {
    const { goal } = this.options;
    const used = (output: OutputFidelity) => partUsed(output, goal, this.#layers);
    const macs = macsByLayer(quantizer.graph);
    const total = [...macs.values()].reduce((sum, each) => sum + each, 0);
    const counted = outputs.filter(({ isConstant }) => !isConstant);
    return chooseLayers({
      layers,
      chosen: precision.keepF32,
      measured: new Map(counted.map((output) => [output.name, used(output) ** 2])),
      allowed: aim ** 2,
      // However small a layer is, its neighbours convert what it reads and writes.
      costOf: (name) => (macs.get(name) ?? 0) / total + 0.01,
    });
  }

  async #quantizer(ranges: RangeChoice): Promise<Quantizer> {
    const known = this.#quantizers.get(ranges);
    if (known) return known;
    const [other] = this.#quantizers.values();
    const quantizer = other
      ? other.withRanges(ranges)
      : await Quantizer.open(this.graph, { ...this.options, ranges });
    this.#quantizers.set(ranges, quantizer);
    return quantizer;
  }
}

function hasSums(graph: Graph): boolean {
  return graph.nodes.some(({ op, inputs }) => (op === "add" || op === "subtract") && inputs.length > 1);
}

function macsByLayer(graph: Graph): ReadonlyMap<string, number> {
  const shapes = inferShapes(graph);
  return new Map(kernelNodes(graph).map(({ node }) => [node.name, macsOf(graph, node, shapes)]));
}

function resultOf(
  graph: Graph,
  { quantizer, precision, made, outputs }: Attempt,
  asked: ReadonlySet<string>,
  goal: FidelityGoal,
): RaisedGraph {
  const raised = graph.nodes
    .map(({ name }) => name)
    .filter((name) => precision.keepF32.has(name) && !asked.has(name));
  const why = raised.map((name) => [name, "f32, for the fidelity of the outputs"] as const);
  return {
    graph: made.graph,
    notes: new Map([...made.notes, ...why]),
    outputs,
    missed: outputs.filter((output) => !meets(output, goal)).map(({ name }) => name),
    ranges: quantizer.options.ranges,
    raised,
    realSums: precision.realSums ?? false,
  };
}
