/** Makes one function of a value that is multiplied by a gate of its own, as models write out swish and gelu. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import type { UnaryFunctionName } from "../ops/unary-functions.js";
import type { Graph, Node } from "../types.js";
import { isLinear } from "./products.js";

/** x times a number. */
interface Scaled {
  readonly value: string;
  readonly factor: number;
}

interface Gate {
  readonly fn: UnaryFunctionName;
  readonly of: string;
  /** How often the function is in the product of x and the gate. */
  readonly factor: number;
}

/** Numbers that were rounded to f32, or divided in another order, are the same. */
const near = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.abs(b);

/**
 * Replaces each product of a value and a gate of it: x sigmoid(x) by swish, x relu6(x + 3) times any number by
 * hardSwish, x (1 + erf(x / sqrt 2)) / 2 by gelu, wherever the numbers stand. In integers that is one look-up, and not three
 * values with codes of their own.
 *
 * The same numbers up to f32 rounding.
 * @returns the same graph if there is none
 */
export function fuseGates(graph: Graph): Graph {
  // Rounding between the two would be part of what the graph computes.
  if (graph.quant.size > 0) return graph;
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  const sole = soleConsumers(graph);
  const replacements = new Map<Node, Node | null>();
  for (const node of graph.nodes) {
    const found = gated(graph, makers, node);
    if (!found) continue;
    const { gate, factor } = found;
    // The number that makes it whole often comes after.
    const after = sole.get(node.name);
    const more = after && !replacements.has(after) ? factorOf(graph, after) : undefined;
    const hasSlope = gate.fn === "hardSwish";
    const whole = more !== undefined && (hasSlope || near(factor * more, 1));
    if (!whole && !hasSlope && !near(factor, 1)) continue;
    const last = whole ? (after as Node) : node;
    const slope = Math.fround((factor / gate.factor) * (whole ? more : 1));
    const attrs = { fn: gate.fn, ...(hasSlope && !near(slope, 1 / 6) && { slope }) };
    if (whole) replacements.set(node, null);
    replacements.set(last, { name: last.name, op: "unary", inputs: [gate.of], weights: {}, attrs });
  }
  if (replacements.size === 0) return graph;
  return withNodes(graph, { nodes: replaceNodes(graph, replacements) });
}

/** A product of two values one of which is a gate of the other; the factor is that of the function in it. */
function gated(
  graph: Graph,
  makers: ReadonlyMap<string, Node>,
  node: Node,
): { gate: Gate; factor: number } | undefined {
  if (node.op !== "multiply" || node.inputs.length !== 2 || !isLinear(node)) return undefined;
  // A number may be that of the gate, or of a value that is scaled for both sides.
  const [first, second] = node.inputs.map((value) => [{ value, factor: 1 }, scaled(graph, makers, value)]);
  for (const [xs, others] of [
    [first, second],
    [second, first],
  ]) {
    for (const other of others) {
      const gate = gateOf(graph, makers, other.value);
      const x = xs.find(({ value }) => value === gate?.of);
      if (gate && x) return { gate, factor: x.factor * other.factor * gate.factor };
    }
  }
  return undefined;
}

/** The number that a node multiplies by; undefined for any other node. */
function factorOf(graph: Graph, node: Node): number | undefined {
  const number = numberOf(graph, node);
  if (number === undefined) return undefined;
  if (node.op === "multiply") return number;
  return node.op === "divide" && !node.attrs.operandFirst ? 1 / number : undefined;
}

/** The one number of arithmetic with a constant. */
function numberOf({ weights }: Graph, node: Node): number | undefined {
  const operand = weights.get(node.weights.operand ?? "");
  return operand?.data.length === 1 && node.inputs.length === 1 && isLinear(node)
    ? operand.data[0]
    : undefined;
}

function scaled(graph: Graph, makers: ReadonlyMap<string, Node>, value: string): Scaled {
  const maker = makers.get(value);
  const factor = maker && factorOf(graph, maker);
  if (!maker || factor === undefined) return { value, factor: 1 };
  return { value: maker.inputs[0], factor };
}

function gateOf(graph: Graph, makers: ReadonlyMap<string, Node>, value: string): Gate | undefined {
  const gate = makers.get(value);
  const inner = gate && makers.get(gate.inputs[0]);
  if (!gate) return undefined;
  if (gate.op === "unary" && gate.attrs.fn === "sigmoid")
    return { fn: "swish", of: gate.inputs[0], factor: 1 };
  if (!inner) return undefined;
  if (
    gate.op === "unary" &&
    gate.attrs.fn === "relu6" &&
    inner.op === "add" &&
    numberOf(graph, inner) === 3
  ) {
    return { fn: "hardSwish", of: inner.inputs[0], factor: 6 };
  }
  if (gate.op === "add" && numberOf(graph, gate) === 1 && inner.op === "unary" && inner.attrs.fn === "erf") {
    const { value: of, factor } = scaled(graph, makers, inner.inputs[0]);
    return near(factor, Math.SQRT1_2) ? { fn: "gelu", of, factor: 2 } : undefined;
  }
  return undefined;
}
