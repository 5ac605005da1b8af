/** From a plan and statistics to the int8 graph. */

import { type Graph, type Node, opRule, type QuantParams, type Weight, withNodes } from "../graph/index.js";
import { activationFunction, activationTable, needsTable } from "./activation.js";
import { mergeStatistics, type Statistics } from "./histogram.js";
import type { QuantizePlan } from "./quantize-plan.js";
import { codesToStore, type QuantizedLayer, quantizeLayer } from "./quantize-weights.js";
import { chooseParams, type RangeMethod, searchParams } from "./range.js";

/** The numbers behind a quantized graph: decided once, before biases are corrected. */
export interface QuantizeParams {
  /** Of the values that are u7. */
  readonly values: ReadonlyMap<string, QuantParams>;
  /** Of the products whose activation is a table, by layer name. */
  readonly products: ReadonlyMap<string, QuantParams>;
}

/**
 * The u7 parameters of all values of a plan.
 *
 * @param byRoot those of the values that others share theirs with
 * @param statistics of the product of each layer with a table (under the name that `before` gives it)
 */
export function shareAllParams(
  plan: QuantizePlan,
  byRoot: ReadonlyMap<string, QuantParams>,
  statistics: ReadonlyMap<string, Statistics>,
  before: ReadonlyMap<string, string>,
): QuantizeParams {
  const products = new Map<string, QuantParams>();
  for (const { node } of plan.layers) {
    if (!hasTable(plan, node)) continue;
    const product = statistics.get(before.get(node.name) as string) as Statistics;
    // Whatever the method: only what the activation makes of it goes on.
    products.set(node.name, searchParams(product, activationFunction(node)));
  }
  return {
    values: new Map([...plan.roots].map(([value, root]) => [value, byRoot.get(root) as QuantParams])),
    products,
  };
}

/** The u7 parameters of a plan's roots, by what their values are alone. */
export function chooseByValue(
  plan: QuantizePlan,
  statistics: ReadonlyMap<string, Statistics>,
  choice: RangeMethod,
): ReadonlyMap<string, QuantParams> {
  return new Map(
    [...plan.sources].map(([root, sources]) => {
      const own = sources.map((value) => statistics.get(value) as Statistics);
      return [root, chooseParams(mergeStatistics(own), choice)];
    }),
  );
}

/** Whether the layer's activation becomes a table: its value is u7 and the activation no bound. */
export function hasTable(plan: QuantizePlan, node: Node): boolean {
  return plan.roots.has(node.name) && needsTable(node);
}

/**
 * The quantized graph.
 *
 * @param shifts added to biases, by layer name
 */
export function buildQuantized(
  plan: QuantizePlan,
  params: QuantizeParams,
  shifts: ReadonlyMap<string, Float64Array> = new Map(),
): Graph {
  const layers = new Map(plan.layers.map((layer) => [layer.node.name, layer]));
  const weights = new WeightStore();
  const nodes = plan.graph.nodes.map((node): Node => {
    const layer = layers.get(node.name);
    if (layer) {
      const input = params.values.get(node.inputs[0]) as QuantParams;
      return layerNode(node, quantizeLayer(layer, input, shifts.get(node.name)), params, weights);
    }
    if (plan.tables.has(node.name)) {
      const [input, output] = [node.inputs[0], node.name].map(
        (value) => params.values.get(value) as QuantParams,
      );
      const table = weights.add(`${node.name}/table`, activationTable(node, input, output), node);
      return { ...node, weights: { ...node.weights, table } };
    }
    const kept = Object.entries(node.weights).map(([role, key]) => {
      const weight = plan.graph.weights.get(key) as Weight;
      const isCoded = storesCodes(node, role) && !plan.asked.has(node.name);
      return [role, weights.add(key, isCoded ? codesToStore(weight) : weight, node)];
    });
    return { ...node, weights: Object.fromEntries(kept) };
  });
  return { ...withNodes(plan.graph, { nodes }), weights: weights.all, quant: params.values };
}

/** Weights that a file may hold in s8 though their op computes in f32. */
export function storesCodes({ op }: Node, role: string): boolean {
  const rule = opRule(op)?.weights[role];
  return rule?.depth === undefined && rule?.dtypes.includes("s8") === true;
}

function layerNode(
  node: Node,
  { kernel, bias }: QuantizedLayer,
  { values, products }: QuantizeParams,
  weights: WeightStore,
): Node {
  const { bias: biasKey = `${node.name}/bias`, ...others } = node.weights;
  const roles: Record<string, string> = { ...others, kernel: weights.add(node.weights.kernel, kernel, node) };
  if (bias) roles.bias = weights.add(biasKey, bias, node);
  const product = products.get(node.name);
  const output = values.get(node.name);
  if (!product || !output) return { ...node, weights: roles };
  roles.table = weights.add(`${node.name}/table`, activationTable(node, product, output), node);
  const attrs = { ...node.attrs, preScale: product.scale, preZero: product.zero };
  return { ...node, weights: roles, attrs };
}

/** The weights of the new graph. Layers that share one go on sharing it as long as it is the same for both. */
class WeightStore {
  readonly all = new Map<string, Weight>();

  /** @returns the key: the one wanted unless another weight has it */
  add(wanted: string, weight: Weight, node: Node): string {
    let key = wanted;
    for (let i = 1; ; i++) {
      const known = this.all.get(key);
      if (!known) this.all.set(key, weight);
      if (!known || isSame(known, weight)) return key;
      key = i === 1 ? `${wanted}@${node.name}` : `${wanted}@${node.name}-${i}`;
    }
  }
}

function isSame(a: Weight, b: Weight): boolean {
  if (a === b) return true;
  if (a.dtype !== b.dtype || a.data.length !== b.data.length) return false;
  if (a.dtype === "s8" && b.dtype === "s8" && !a.scale.every((scale, i) => scale === b.scale[i]))
    return false;
  return a.data.every((value, i) => value === b.data[i]);
}
