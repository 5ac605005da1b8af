/** What of a model the runtime has in codes: `compress`' own plan for it, brought back to layers and variables. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { namesOf, planQuantization, type QuantizePlan, rangedValues } from "../../compress/index.js";
import { importModel, simplify } from "../../graph/index.js";
import { createModel } from "../../runtime/index.js";
import { modelArtifacts } from "../artifacts.js";
import { findLayers, type QuantizedLayer } from "./layers.js";
import { Match } from "./match.js";
import { isNormalization, type Normalization } from "./normalization.js";
import type { SampleList } from "./sample-list.js";
import { findSites, productSites, type Site } from "./sites.js";
import { type Call, distinctLayers, type Layer, traceCalls } from "./trace.js";

export interface Blueprint {
  readonly plan: QuantizePlan;
  readonly sites: readonly Site[];
  readonly layers: readonly QuantizedLayer[];
  readonly norms: readonly Normalization[];
  /** How often a pass of the model calls each layer. */
  readonly callsOf: ReadonlyMap<Layer, number>;
  /** Values, or products, that each range is that of, by the name of the range. */
  readonly ranges: ReadonlyMap<string, readonly string[]>;
  /** For each layer whose activation is a table, the range of its product. */
  readonly products: ReadonlyMap<string, string>;
  /** The range of a value that a layer reads in codes. */
  rangeOf(value: string): string;
}

/** Samples that values are told apart by. */
const few = 4;

/**
 * Finds out, by running it, which layer makes which value of the graph.
 *
 * @param model one input, of known sizes
 * @param samples f32, of which a few are used
 * @param keepF32 as for `compress`
 * @throws UnsupportedError, RangeError for a model that pare cannot run, or whose values in codes do not show
 */
export async function drawBlueprint(
  model: LayersModel,
  samples: SampleList,
  keepF32: readonly string[],
): Promise<Blueprint> {
  const graph = simplify(importModel(await modelArtifacts(model)));
  const plan = planQuantization(graph, namesOf(graph, keepF32));
  const numbers = samples.spread(few);
  const calls = traced(model, samples.tensor(numbers));
  const match = new Match(plan.graph, calls, valuesOf(plan, numbers));
  const sites = findSites(plan, match);
  const { layers, paths } = findLayers(model, plan, match);
  const { groups, products } = rangedValues(plan);
  const named = [...groups, ...[...products.values()].map((product) => [product])];
  return {
    plan,
    sites: [...sites, ...productSites(products, paths)],
    layers,
    norms: distinctLayers(model).filter(isNormalization),
    callsOf: countCalls(calls),
    ranges: new Map(named.map((names) => [names[0], names])),
    products,
    rangeOf: (value) => (plan.sources.get(plan.roots.get(value) as string) as readonly string[])[0],
  };
}

function traced(model: LayersModel, x: tf.Tensor): readonly Call[] {
  try {
    return traceCalls(model, x);
  } finally {
    x.dispose();
  }
}

function valuesOf({ graph }: QuantizePlan, x: Float32Array): ReadonlyMap<string, Float32Array> {
  const [{ name: input }] = graph.inputs;
  const runner = createModel(graph, { keep: "all" });
  try {
    runner.run(x);
    const values = graph.nodes.map(({ name }): [string, Float32Array] => [name, runner.value(name)]);
    return new Map([[input, x], ...values]);
  } finally {
    runner.dispose();
  }
}

function countCalls(calls: readonly Call[]): ReadonlyMap<Layer, number> {
  const counts = new Map<Layer, number>();
  for (const { layer } of calls) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  return counts;
}
