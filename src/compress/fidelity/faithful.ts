/** int8 that is measured: samples set aside, the goal, and a report of what came out. */

import { type Graph, inferShapes } from "../../graph/index.js";
import type { Samples } from "../calibrate.js";
import type { QuantizedGraph, QuantizeOptions } from "../quantize-graph.js";
import type { RangeChoice } from "../range-choice.js";
import { macsOf } from "../report.js";
import { spreadSamples, takeSamples } from "../some-samples.js";
import { type FidelityGoal, goalOf } from "./goal.js";
import type { OutputFidelity } from "./measure.js";
import { quantizeToGoal, type RaisedGraph } from "./raise.js";

export interface FidelityReport {
  readonly goal: FidelityGoal;
  readonly outputs: readonly OutputFidelity[];
  /** Names of outputs that miss the goal. */
  readonly missed: readonly string[];
  /**
   * How many samples it was measured on, and which. Those set aside join the calibration after that, if what comes out is
   * as near.
   */
  readonly samples: number;
  readonly measuredOn: "check" | "set aside" | "calibration";
  /** How the ranges of values were chosen in the end. */
  readonly ranges: RangeChoice["method"];
  /** Layers that became f32 for the goal. */
  readonly raised: readonly string[];
  /** Whether sums became f32 for it. */
  readonly realSums: boolean;
  /** Parts of the multiply-accumulates by what they read. */
  readonly macs: { readonly u7: number; readonly twoPlanes: number; readonly f32: number };
}

export interface FaithfulOptions extends QuantizeOptions {
  /** Least cosine of each output; see `goalOf`. */
  readonly fidelity: number;
  /** Samples to measure on; default: a part of the calibration samples, which calibrate nothing until all is decided. */
  readonly check?: Samples | undefined;
  readonly otherRanges: readonly RangeChoice[];
  readonly onRaise?: ((done: number) => void) | undefined;
}

export interface FaithfulGraph extends QuantizedGraph {
  readonly fidelity: FidelityReport;
}

/**
 * Quantizes a graph so that its outputs stay near those of f32.
 *
 * @throws as `quantizeGraph`
 */
export async function quantizeFaithfully(graph: Graph, options: FaithfulOptions): Promise<FaithfulGraph> {
  const goal = goalOf(options.fidelity);
  const { calibration, check, measuredOn } = partSamples(options.samples, options.check);
  const refit = measuredOn === "set aside" ? options.samples : undefined;
  const raised = await quantizeToGoal(graph, { ...options, samples: calibration, check, goal, refit });
  const { outputs, missed, ranges, raised: layers, realSums } = raised;
  return {
    graph: raised.graph,
    notes: raised.notes,
    fidelity: {
      goal,
      outputs,
      missed,
      samples: check.count,
      measuredOn,
      ranges: ranges.method,
      raised: layers,
      realSums,
      macs: macsByPrecision(raised),
    },
  };
}

/** Every so many samples one is set aside. */
const period = 4;
/** Fewer than these are all needed for both. */
const fewest = 12;
const mostChecked = 64;

function partSamples(samples: Samples, given: Samples | undefined) {
  if (given)
    return { calibration: samples, check: spreadSamples(given, mostChecked), measuredOn: "check" } as const;
  if (samples.count < fewest) {
    return { calibration: samples, check: samples, measuredOn: "calibration" } as const;
  }
  const places = Array.from({ length: samples.count }, (_, i) => i);
  const isAside = (i: number) => i % period === period - 2;
  const aside = takeSamples(
    samples,
    places.filter((i) => isAside(i)),
  );
  const rest = takeSamples(
    samples,
    places.filter((i) => !isAside(i)),
  );
  return { calibration: rest, check: spreadSamples(aside, mostChecked), measuredOn: "set aside" } as const;
}

/** Parts of all multiply-accumulates of layers: on u7, on two planes of it, in f32. */
function macsByPrecision({ graph }: RaisedGraph): FidelityReport["macs"] {
  const shapes = inferShapes(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const macs = { u7: 0, twoPlanes: 0, f32: 0 };
  for (const node of graph.nodes) {
    const kernel = graph.weights.get(node.weights.kernel ?? "");
    if (!kernel) continue;
    const hasPlanes =
      makers.get(node.inputs[0])?.op === "affine" &&
      isTwice(makers.get(makers.get(node.inputs[0])?.inputs[0] ?? ""));
    const isInteger = kernel.dtype === "s8" && graph.quant.has(node.inputs[0]);
    macs[isInteger ? (hasPlanes ? "twoPlanes" : "u7") : "f32"] += macsOf(graph, node, shapes);
  }
  const total = macs.u7 + macs.twoPlanes + macs.f32 || 1;
  return { u7: macs.u7 / total, twoPlanes: macs.twoPlanes / total, f32: macs.f32 / total };
}

const isTwice = (node: Graph["nodes"][number] | undefined): boolean =>
  node?.op === "concat" && node.inputs.length === 2 && node.inputs[0] === node.inputs[1];
