/** Each node against the row of its op: arity, attributes, weight roles. */

import { GraphError } from "../errors.js";
import { weightsOf } from "../graph.js";
import { ruleOf } from "../infer.js";
import type { OpRule } from "../ops/rule.js";
import { formatShape } from "../shape.js";
import type { Graph, Node, Weight } from "../types.js";

/** @throws GraphError graph-op, graph-arity, graph-attr, graph-weight */
export function checkNode(graph: Pick<Graph, "weights">, node: Node): void {
  const rule = ruleOf(node);
  checkArity(node, rule);
  checkAttrs(node, rule);
  checkRoles(graph, node, rule);
  rule.check?.(node, weightsOf(graph, node));
}

function checkArity(node: Node, { inputs: { min, max } }: OpRule): void {
  const got = node.inputs.length;
  if (got >= min && got <= max) return;
  const wanted =
    min === max ? `${min}` : max === Number.POSITIVE_INFINITY ? `${min} or more` : `${min} to ${max}`;
  throw new GraphError("graph-arity", `${node.name}: ${node.op} wants ${wanted} inputs, got ${got}`);
}

function checkAttrs(node: Node, rule: OpRule): void {
  const rules = rule.attrs(node);
  for (const [key, { required, wanted }] of Object.entries(rules)) {
    if (required && !Object.hasOwn(node.attrs, key)) {
      throw new GraphError("graph-attr", `${node.name}: ${node.op} wants ${key}, ${wanted}, got none`);
    }
  }
  for (const [key, value] of Object.entries(node.attrs)) {
    if (!Object.hasOwn(rules, key)) {
      const known = Object.keys(rules).join(", ") || "no attributes";
      throw new GraphError("graph-attr", `${node.name}: ${node.op} wants ${known}, got ${key}`);
    }
    // More than a file's JSON may say.
    const isHuge = typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER;
    if (isHuge || !rules[key].valid(value)) {
      const wanted = isHuge ? "a number within 2^53 - 1" : rules[key].wanted;
      const got = Array.isArray(value) ? formatShape(value) : String(value);
      throw new GraphError("graph-attr", `${node.name}: ${key} wants ${wanted}, got ${got}`);
    }
  }
}

function checkRoles(graph: Pick<Graph, "weights">, node: Node, rule: OpRule): void {
  for (const [role, { required }] of Object.entries(rule.weights)) {
    if (required && !Object.hasOwn(node.weights, role)) {
      throw new GraphError("graph-weight", `${node.name}: ${node.op} wants the weight ${role}, got none`);
    }
  }
  for (const [role, key] of Object.entries(node.weights)) {
    if (!Object.hasOwn(rule.weights, role)) {
      const known = Object.keys(rule.weights).join(", ") || "no weights";
      throw new GraphError("graph-weight", `${node.name}: ${node.op} wants ${known}, got ${role}`);
    }
    const weight = graph.weights.get(key);
    if (!weight) {
      throw new GraphError("graph-weight", `${node.name}: the graph has no weight ${key} for ${role}`);
    }
    checkRole(`${node.name}: ${role} (${key})`, rule, role, weight);
  }
}

function checkRole(name: string, rule: OpRule, role: string, weight: Weight): void {
  const { dtypes, rank } = rule.weights[role];
  if (!dtypes.includes(weight.dtype)) {
    throw new GraphError("graph-weight", `${name}: wanted ${dtypes.join(" or ")}, got ${weight.dtype}`);
  }
  // A table's length has a code of its own.
  if (role !== "table" && rank !== undefined && weight.shape.length !== rank) {
    throw new GraphError("graph-weight", `${name}: wanted rank ${rank}, got ${formatShape(weight.shape)}`);
  }
}
