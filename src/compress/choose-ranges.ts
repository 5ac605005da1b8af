/**
 * The range of each value by the error that it makes at the outputs of the layers that read it.
 *
 * How much cutting off outliers costs depends on what the weights make of them, which the value alone does not tell.
 * Each candidate is tried: the layer runs on the value as codes of that range have it, all else in f32. Errors of a
 * channel's mean do not count, since a bias makes up for them (bias-correction.ts).
 */

import type { QuantParams } from "../graph/index.js";
import type { OpenRunner, Samples } from "./calibrate.js";
import { fakeQuantize } from "./fake-quantize.js";
import { mergeStatistics, type Statistics } from "./histogram.js";
import { lastReads, NodeRunner } from "./node-runner.js";
import { paramsOf } from "./params.js";
import { pause } from "./pause.js";
import type { QuantizePlan } from "./quantize-plan.js";
import { percentileRange, searchParams } from "./range.js";

export interface ChooseOptions {
  readonly open: OpenRunner;
  readonly signal?: AbortSignal | undefined;
}

const percentiles = [99.999, 99.99, 99.9];

/**
 * A narrower range must be better by this factor of its squared error: what calibration has not seen is cut off by it.
 */
const gain = 0.9;

/**
 * u7 parameters for each root of a plan.
 *
 * @param statistics of the sources of all values, by name
 * @param samples a few, to try ranges on
 */
export async function chooseByReaders(
  plan: QuantizePlan,
  statistics: ReadonlyMap<string, Statistics>,
  samples: Samples,
  { open, signal }: ChooseOptions,
): Promise<ReadonlyMap<string, QuantParams>> {
  const candidates = new Map(
    [...plan.sources].map(([root, sources]) => [root, candidatesOf(sources, statistics)]),
  );
  const errors = new Map([...candidates].map(([root, list]) => [root, new Float64Array(list.length)]));
  const runner = new NodeRunner(plan.graph, samples.count, open);
  const values = new Map<string, Float32Array>(Object.entries(samples.inputs));
  const realOf = (name: string) => values.get(name) as Float32Array;
  const layers = new Map(plan.layers.map((layer) => [layer.node.name, layer]));
  const { nodes } = plan.graph;
  const last = lastReads(nodes);
  for (const [i, node] of nodes.entries()) {
    await pause(signal);
    const wanted = runner.run(node, realOf);
    values.set(node.name, wanted);
    const layer = layers.get(node.name);
    const root = layer && plan.roots.get(node.inputs[0]);
    if (layer && root !== undefined) {
      const list = candidates.get(root) as readonly QuantParams[];
      const sums = errors.get(root) as Float64Array;
      list.forEach((params, c) => {
        if (list.length === 1) return;
        const got = runner.run(node, (value) => fakeQuantize(realOf(value), params));
        sums[c] += spreadOfError(got, wanted, layer.channels);
      });
    }
    for (const value of node.inputs) if (last.get(value) === i) values.delete(value);
  }
  return new Map(
    [...candidates].map(([root, list]) => [root, leastError(list, errors.get(root) as Float64Array)]),
  );
}

/** The widest first; the last one has the least error of the value itself. */
function candidatesOf(
  sources: readonly string[],
  statistics: ReadonlyMap<string, Statistics>,
): readonly QuantParams[] {
  const all = mergeStatistics(sources.map((value) => statistics.get(value) as Statistics));
  const ranges = percentiles.map((percentile) => paramsOf(percentileRange(all, percentile)));
  const list = [paramsOf({ low: all.min, high: all.max }), ...ranges, searchParams(all, (x) => x)];
  const isNew = ({ scale, zero }: QuantParams, i: number) =>
    list.findIndex((other) => other.scale === scale && other.zero === zero) === i;
  return list.filter(isNew);
}

function leastError(list: readonly QuantParams[], errors: Float64Array): QuantParams {
  // Nothing with weights reads it: the error of the value itself is all there is.
  if (errors.every((error) => error === 0)) return list[list.length - 1];
  let best = 0;
  errors.forEach((error, i) => {
    const better = list[i].scale < list[best].scale ? gain : 1;
    if (error < errors[best] * better) best = i;
  });
  return list[best];
}

/** Squared error without that of the channels' means, over the squares. */
function spreadOfError(got: Float32Array, wanted: Float32Array, channels: number): number {
  const [means, squares] = [new Float64Array(channels), new Float64Array(channels)];
  let power = 0;
  for (let at = 0; at < wanted.length; at += channels) {
    for (let c = 0; c < channels; c++) {
      const error = got[at + c] - wanted[at + c];
      means[c] += error;
      squares[c] += error * error;
      power += wanted[at + c] * wanted[at + c];
    }
  }
  const rows = wanted.length / channels;
  let spread = 0;
  for (let c = 0; c < channels; c++) spread += squares[c] - (means[c] * means[c]) / rows;
  return power === 0 ? 0 : spread / power;
}
