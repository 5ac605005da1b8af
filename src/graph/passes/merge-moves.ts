/** Joins reshapes with reshapes and transposes with transposes, and moves reshapes to where they meet. */

import { freshName, replaceNodes, soleConsumers, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import { sameShape } from "../shape.js";
import type { Graph, Node, Shape } from "../types.js";

/**
 * Makes one reshape of two and one transpose of two, and moves a reshape behind the unary, affine or
 * arithmetic node that alone reads it, so that a chain of one-dimensional convolutions stays images
 * throughout and its activations are beside them.
 *
 * Exactly the same numbers.
 * @returns the same graph if there is nothing to do
 */
export function mergeMoves(graph: Graph): Graph {
  for (let current = graph; ; ) {
    const next = mergeFirst(current);
    if (!next) return current;
    current = next;
  }
}

function mergeFirst(graph: Graph): Graph | undefined {
  const sole = soleConsumers(graph);
  const shapes = inferShapes(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const node of graph.nodes) {
    const reader = sole.get(node.name);
    if (!reader || graph.quant.has(node.name)) continue;
    if (node.op === reader.op && (node.op === "reshape" || node.op === "transpose")) {
      return change(graph, node, [joined(node, reader)], reader);
    }
    if (node.op !== "reshape") continue;
    const inner = movedBehind(node, reader, shapes, makers, sole);
    if (!inner) continue;
    // The reshape makes the value of the node now; what it reads is a new one, and the value before both is gone.
    const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
    const image = freshName(names, `${reader.name}/image`);
    const outer = { ...node, name: reader.name, inputs: [image] };
    const other = reader.inputs.find((input) => input !== node.name);
    const gone = reader.inputs.length > 1 && other !== undefined ? makers.get(other) : undefined;
    return change(graph, node, [{ ...inner, name: image }, outer], reader, gone);
  }
  return undefined;
}

/** `node` and `gone` left out, and others in the place of `reader`. */
function change(graph: Graph, node: Node, made: readonly Node[], reader: Node, gone?: Node): Graph {
  const marked = replaceNodes(graph, new Map([node, ...(gone ? [gone] : [])].map((each) => [each, null])));
  return withNodes(graph, { nodes: marked.flatMap((each) => (each === reader ? made : [each])) });
}

function joined(first: Node, second: Node): Node {
  if (first.op === "reshape") return { ...second, inputs: first.inputs };
  const [inner, outer] = [first, second].map(({ attrs }) => attrs.perm as readonly number[]);
  return { ...second, inputs: first.inputs, attrs: { perm: outer.map((axis) => inner[axis]) } };
}

/** The reader as it would be before the reshape; undefined where it would not be the same. */
function movedBehind(
  reshape: Node,
  reader: Node,
  shapes: ReadonlyMap<string, Shape>,
  makers: ReadonlyMap<string, Node>,
  sole: ReadonlyMap<string, Node>,
): Node | undefined {
  const [from, to] = [shapes.get(reshape.inputs[0]), shapes.get(reshape.name)] as [Shape, Shape];
  // Nearer to the image is where it comes from: a flatten stays where it is.
  if (from.length !== 4 || from.at(-1) !== to.at(-1)) return undefined;
  if (reader.op === "unary" || reader.op === "affine") return { ...reader, inputs: reshape.inputs };
  if (!/^(add|subtract|multiply|divide|maximum|minimum)$/.test(reader.op)) return undefined;
  const [a, b] = reader.inputs.map((input) => makers.get(input));
  if (a === b || a?.op !== "reshape" || b?.op !== "reshape") return undefined;
  const alike =
    [a, b].every((each) => sole.get(each.name) === reader && sameShape(shapes.get(each.name) as Shape, to)) &&
    [a, b].every((each) => sameShape(shapes.get(each.inputs[0]) as Shape, from));
  return alike ? { ...reader, inputs: [a.inputs[0], b.inputs[0]] } : undefined;
}
