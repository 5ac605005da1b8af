/** Makes arithmetic with one number a channel an affine, which folds into the products beside it. */

import { consumers, replaceNodes, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import type { Graph, Node, Shape, Weight } from "../types.js";
import { f32Weight, isLinear, vector } from "./products.js";

type Coefficients = (c: number) => readonly [scale: number, offset: number];

/** x op c as x * scale + offset, and c op x where the operand is first; absent: it is none. */
const rows: Readonly<Record<string, readonly [Coefficients, Coefficients | undefined]>> = {
  add: [(c) => [1, c], (c) => [1, c]],
  subtract: [(c) => [1, -c], (c) => [-1, c]],
  multiply: [(c) => [c, 0], (c) => [c, 0]],
  divide: [(c) => [1 / c, 0], undefined],
};

/**
 * Replaces each add, subtract, multiply or divide whose operand is a constant of one number a channel,
 * or one for all.
 *
 * The same numbers up to f32 rounding: a division becomes a product with the inverse, unless its result is cut to
 * whole numbers: 18 / 3 is 6, and 18 times a third is less.
 * @returns the same graph if there is none
 */
export function arithmeticToAffine(graph: Graph): Graph {
  const shapes = inferShapes(graph);
  const readers = consumers(graph);
  const replacements = new Map<Node, Node>();
  const weights = new Map<string, Weight>();
  for (const node of graph.nodes) {
    const channels = shapes.get(node.inputs[0])?.at(-1);
    const coefficients = Object.hasOwn(rows, node.op) && rows[node.op][node.attrs.operandFirst ? 1 : 0];
    if (!coefficients || node.weights.operand === undefined || !isLinear(node)) continue;
    if (node.op === "divide" && readers.get(node.name)?.some(isStep)) continue;
    const operand = f32Weight(graph, node, "operand");
    const shape = shapes.get(node.inputs[0]) as Shape;
    if (typeof channels !== "number" || !isPerChannel(operand.shape, shape, channels)) continue;
    const pairs = Array.from({ length: channels }, (_, c) =>
      coefficients(operand.data[c % operand.data.length]),
    );
    const key = `${node.weights.operand}/${node.op}${node.attrs.operandFirst ? "/first" : ""}/${channels}`;
    const roles = { scale: `${key}/scale`, offset: `${key}/offset` };
    for (const [i, role] of [roles.scale, roles.offset].entries()) {
      weights.set(role, vector(Float32Array.from(pairs, (pair) => pair[i])));
    }
    replacements.set(node, { ...node, op: "affine", attrs: {}, weights: roles });
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements), weights });
}

const isStep = ({ op, attrs }: Node) => op === "unary" && /^(floor|ceil|round|trunc)$/.test(`${attrs.fn}`);

/** [1, 1, C], [C] or a single number, and of no more axes than the value has. */
function isPerChannel(operand: readonly number[], shape: Shape, channels: number): boolean {
  const last = operand.at(-1) ?? 1;
  return (
    operand.length < shape.length &&
    operand.slice(0, -1).every((dim) => dim === 1) &&
    (last === channels || last === 1)
  );
}
