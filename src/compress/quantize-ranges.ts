/** From ranges that are known, such as those that quantization-aware training ends with, to the int8 graph. */

import { type Graph, type QuantParams, refuseNotFinite } from "../graph/index.js";
import { paramsOf, type Range } from "./params.js";
import { buildQuantized, hasTable, type QuantizeParams } from "./quantize.js";
import type { QuantizedGraph } from "./quantize-graph.js";
import { planQuantization, type QuantizePlan } from "./quantize-plan.js";
import { splitActivations } from "./split.js";

/** The real numbers that the codes of each value cover, by the name of the value. */
export type Ranges = Readonly<Record<string, { readonly min: number; readonly max: number }>>;

export interface RangedValues {
  /** Values that need a range; those of one list share their codes, and so the range of all of them. */
  readonly groups: readonly (readonly string[])[];
  /** For each layer whose activation is a table, the name of its product, which needs one of its own. */
  readonly products: ReadonlyMap<string, string>;
}

/** What a plan needs ranges of. */
export function rangedValues(plan: QuantizePlan): RangedValues {
  const { before } = splitActivations(plan.graph, plan.layers);
  const tables = plan.layers.filter(({ node }) => hasTable(plan, node)).map(({ node: { name } }) => name);
  return {
    groups: [...plan.sources.values()],
    products: new Map(tables.map((name) => [name, before.get(name) as string])),
  };
}

/**
 * The u7 parameters of all values of a plan.
 *
 * @throws RangeError for a value without a range, or a range that is none, by name
 */
export function paramsFromRanges(plan: QuantizePlan, ranges: Ranges): QuantizeParams {
  const { groups, products } = rangedValues(plan);
  const byValue = new Map<string, QuantParams>();
  for (const group of groups) {
    const all = group.map((value) => rangeOf(ranges, value));
    const low = Math.min(...all.map((range) => range.low));
    const high = Math.max(...all.map((range) => range.high));
    for (const value of group) byValue.set(value, paramsOf({ low, high }));
  }
  const values = [...plan.roots].map(([value, root]): [string, QuantParams] => {
    const [source] = plan.sources.get(root) as readonly string[];
    return [value, byValue.get(source) as QuantParams];
  });
  return {
    values: new Map(values),
    products: new Map([...products].map(([layer, name]) => [layer, paramsOf(rangeOf(ranges, name))])),
  };
}

function rangeOf(ranges: Ranges, value: string): Range {
  const range = Object.hasOwn(ranges, value) ? ranges[value] : undefined;
  if (range === undefined) throw new RangeError(`ranges: wanted one of value ${value}, got none`);
  const { min, max } = range;
  if (!(Number.isFinite(min) && Number.isFinite(max) && min <= max)) {
    throw new RangeError(`ranges: ${value}: wanted finite min <= max, got ${min} and ${max}`);
  }
  return { low: min, high: max };
}

/**
 * Quantizes a graph by ranges alone: weights as they are, biases uncorrected.
 *
 * @param graph in f32, simplified
 * @throws RangeError for weights that are NaN or infinite, and as `paramsFromRanges`
 */
export function quantizeByRanges(
  graph: Graph,
  ranges: Ranges,
  keepF32?: ReadonlySet<string>,
): QuantizedGraph {
  refuseNotFinite(graph);
  const plan = planQuantization(graph, keepF32);
  return { graph: buildQuantized(plan, paramsFromRanges(plan, ranges)), notes: plan.kept };
}
