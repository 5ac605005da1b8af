/** Integers: the parameters of values, and what nodes with s8 weights or tables need around them. */

import { GraphError } from "../errors.js";
import { weightsOf } from "../graph.js";
import { ruleOf } from "../infer.js";
import type { OpRule } from "../ops/rule.js";
import { formatShape } from "../shape.js";
import type { Graph, Node, U7Weight, Weight } from "../types.js";
import { checkQuantParams } from "./numbers.js";

/** The longest sum of products of an s8 and a u7 code that an i32 holds: 127 * 127 * K < 2^31. */
export const maxDepth = 133_144;

/**
 * @throws GraphError quant-scale, quant-zero, quant-missing, k-too-large, channel-count, table-length
 */
export function checkQuant(graph: Graph): void {
  for (const [value, params] of graph.quant) checkQuantParams(`u7 parameters of ${value}`, params);
  for (const node of graph.nodes) {
    const rule = ruleOf(node);
    const weights = weightsOf(graph, node);
    for (const [role, weight] of Object.entries(weights)) {
      if (weight.dtype === "s8") checkS8(graph, node, rule, role, weight);
    }
    checkPreParams(node, rule);
    const { table } = weights;
    if (rule.tableInput && table?.dtype === "u7") checkTable(graph, node, rule.tableInput, table);
  }
}

function checkS8(
  graph: Graph,
  node: Node,
  rule: OpRule,
  role: string,
  weight: Weight & { dtype: "s8" },
): void {
  const { depth, channels } = rule.weights[role];
  const k = depth?.(weight.shape) ?? 0;
  if (k > maxDepth) {
    throw new GraphError(
      "k-too-large",
      `${node.name}: ${role} wants K <= ${maxDepth} for i32 sums, got ${k}`,
    );
  }
  const wanted = channels ? channels(weight.shape) : (weight.shape.at(-1) ?? 1);
  if (weight.scale.length !== wanted) {
    throw new GraphError(
      "channel-count",
      `${node.name}: ${role} ${formatShape(weight.shape)} wants ${wanted} scales, got ${weight.scale.length}`,
    );
  }
  // Codes without a depth are stored only: nothing multiplies them with u7.
  if (depth) needQuant(graph, node, node.inputs[0], `${role} is s8`);
}

/** preScale and preZero come together, and are u7 parameters like any other. */
function checkPreParams(node: Node, { tableInput }: OpRule): void {
  if (tableInput !== "attrs") return;
  const { preScale, preZero } = node.attrs;
  if (preScale === undefined && preZero === undefined) return;
  if (typeof preScale !== "number" || typeof preZero !== "number") {
    throw new GraphError("quant-missing", `${node.name}: wanted both preScale and preZero, got one`);
  }
  checkQuantParams(`${node.name}: pre-activation`, { scale: preScale, zero: preZero });
}

function checkTable(graph: Graph, node: Node, input: "attrs" | "input", table: U7Weight): void {
  if (table.data.length !== 128 || table.shape.length !== 1) {
    throw new GraphError(
      "table-length",
      `${node.name}: wanted a table of [128], got ${formatShape(table.shape)}`,
    );
  }
  if (input === "attrs" && node.attrs.preScale === undefined) {
    throw new GraphError("quant-missing", `${node.name}: a table wants preScale and preZero, got none`);
  }
  if (input === "input") needQuant(graph, node, node.inputs[0], "it has a table");
  needQuant(graph, node, node.name, "it has a table");
}

function needQuant(graph: Graph, node: Node, value: string, why: string): void {
  if (graph.quant.has(value)) return;
  throw new GraphError(
    "quant-missing",
    `${node.name}: wanted u7 parameters of ${value} since ${why}, got none`,
  );
}
