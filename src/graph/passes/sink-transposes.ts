/** Moves transposes towards the outputs, where they meet their opposites. */

import { freshName, withNodes } from "../graph.js";
import { inferShapes } from "../infer.js";
import { sizeOf } from "../shape.js";
import type { Graph, Node, Shape, Weight } from "../types.js";
import { f32Weight } from "./products.js";

type Numbers = readonly number[];

/** A node as it is before the transpose of what it reads, and the order of the axes of what it made. */
interface Sunk {
  readonly node: Node;
  /** Absent: as it is. */
  readonly perm?: Numbers;
  readonly weights?: ReadonlyMap<string, Weight>;
  /** Nodes that it reads: in place of those of their names, or new ones. */
  readonly before?: readonly Node[];
}

/**
 * Puts each node that reads transposes which bring channels to the front before them, if it can be there: activations,
 * arithmetic, concats, pads, slices, reductions; a dense layer after a flatten gets its rows in another order. A
 * transpose of a transpose becomes one, and one that moves axes of 1 alone a reshape.
 *
 * Exactly the same numbers, but for sums of a reduction or a dense layer, which are added up in another order.
 * @returns the same graph if there is nothing to move
 */
export function sinkTransposes(graph: Graph): Graph {
  if (graph.quant.size > 0) return graph;
  for (let current = graph; ; ) {
    const next = sinkFirst(current);
    if (!next) return current;
    current = next;
  }
}

function sinkFirst(graph: Graph): Graph | undefined {
  const shapes = inferShapes(graph);
  const makers = new Map(graph.nodes.map((node) => [node.name, node]));
  for (const node of graph.nodes) {
    const plain = withoutMoving(node, shapes) ?? joined(node, makers);
    if (plain) return withNodes(graph, { nodes: graph.nodes.map((each) => (each === node ? plain : each)) });
    const made = sunk(graph, node, shapes, makers);
    if (made) return replaced(graph, node, made);
  }
  return undefined;
}

const permOf = (node: Node | undefined) =>
  node?.op === "transpose" ? (node.attrs.perm as Numbers) : undefined;

/** Channels to the front of two axes or more: what an importer puts behind a layer of channels_first. */
function isToFront(perm: Numbers): boolean {
  return perm.length > 2 && perm[1] === perm.length - 1 && perm.slice(2).every((axis, i) => axis === i + 1);
}

function withoutMoving(node: Node, shapes: ReadonlyMap<string, Shape>): Node | undefined {
  const perm = permOf(node);
  const input = shapes.get(node.inputs[0]);
  if (!perm || !input || perm.every((axis, i) => axis === i)) return undefined;
  const long = perm.filter((axis) => input[axis] !== 1);
  if (!long.every((axis, i) => i === 0 || axis > long[i - 1])) return undefined;
  return { ...node, op: "reshape", attrs: { shape: shapes.get(node.name) as Shape } };
}

/** A transpose of a transpose reads what the first one reads, whoever else reads that. */
function joined(node: Node, makers: ReadonlyMap<string, Node>): Node | undefined {
  const [outer, maker] = [permOf(node), makers.get(node.inputs[0])];
  const inner = permOf(maker);
  if (!outer || !inner || !maker) return undefined;
  return { ...node, inputs: maker.inputs, attrs: { perm: outer.map((axis) => inner[axis]) } };
}

function replaced(graph: Graph, node: Node, { node: made, perm, weights, before = [] }: Sunk): Graph {
  const names = new Set([...graph.inputs, ...graph.nodes].map(({ name }) => name));
  const inner = perm ? freshName(names, `${node.name}/channels_last`) : node.name;
  const outer: Node[] = perm
    ? [{ name: node.name, op: "transpose", inputs: [inner], weights: {}, attrs: { perm } }]
    : [];
  const again = new Map(before.map((each) => [each.name, each]));
  const nodes = graph.nodes.flatMap((each) => {
    if (each === node)
      return [...before.filter(({ name }) => !names.has(name)), { ...made, name: inner }, ...outer];
    return [again.get(each.name) ?? each];
  });
  return withNodes(graph, { nodes, ...(weights ? { weights } : {}) });
}

function sunk(
  graph: Graph,
  node: Node,
  shapes: ReadonlyMap<string, Shape>,
  makers: ReadonlyMap<string, Node>,
): Sunk | undefined {
  if (node.op === "dense") return sunkDense(graph, node, shapes, makers);
  if (!Object.hasOwn(rows, node.op)) return undefined;
  const sources = node.inputs.map((input) => makers.get(input));
  const perm = sources.map(permOf).find((each) => each && isToFront(each));
  if (!perm) return undefined;
  const before: Node[] = [];
  const inputs = node.inputs.map((input, i) => {
    const source = sources[i];
    if (`${permOf(source)}` === `${perm}`) return source?.inputs[0];
    // One number a channel, as of a squeeze and excitation, has no order: a reshape costs nothing.
    const shape = shapes.get(input) as Shape;
    if (shape.length !== perm.length || shape.slice(1).filter((dim) => dim !== 1).length > 1)
      return undefined;
    const name = `${input}/${node.name}/channels_last`;
    if (shapes.has(name)) return undefined;
    const moved = [shape[0], ...unmoved(perm, (axis) => shape[axis + 1])];
    before.push({ name, op: "reshape", inputs: [input], weights: {}, attrs: { shape: moved } });
    return name;
  });
  if (!inputs.every((input) => input !== undefined)) return undefined;
  const made = rows[node.op]({ ...node, inputs }, perm, graph);
  return made && { ...made, before };
}

type Row = (node: Node, perm: Numbers, graph: Graph) => Sunk | undefined;

const asIs: Row = (node, perm) => (node.weights.table ? undefined : { node, perm });

const arithmetic: Row = (node, perm, graph) => withWeight(node, "operand", perm, graph);

/** How an op reads values whose axes are in their order before the transpose. */
const rows: Readonly<Record<string, Row>> = {
  unary: asIs,
  add: arithmetic,
  subtract: arithmetic,
  multiply: arithmetic,
  divide: arithmetic,
  maximum: arithmetic,
  minimum: arithmetic,
  prelu: (node, perm, graph) => withWeight(node, "alpha", perm, graph),
  concat: (node, perm) => {
    return { node: { ...node, attrs: { axis: perm[node.attrs.axis as number] } }, perm };
  },
  pad: (node, perm) => {
    const pads = node.attrs.pads as Numbers;
    const moved = unmoved(perm, (axis) => [pads[2 * axis], pads[2 * axis + 1]]).flat();
    return { node: { ...node, attrs: { ...node.attrs, pads: moved } }, perm };
  },
  slice: (node, perm) => {
    const attrs = Object.fromEntries(
      Object.entries(node.attrs).map(([key, list]) => [
        key,
        unmoved(perm, (axis) => (list as Numbers)[axis]),
      ]),
    );
    return { node: { ...node, attrs }, perm };
  },
  reduce: (node, perm) => {
    const axes = node.attrs.axes as Numbers;
    const moved = {
      ...node,
      attrs: { ...node.attrs, axes: axes.map((axis) => perm[axis]).sort((a, b) => a - b) },
    };
    if (node.attrs.keepDims) return { node: moved, perm };
    const left = perm.filter((_, axis) => !axes.includes(axis));
    const order = left.map((axis) => left.filter((other) => other < axis).length);
    return order.every((axis, i) => axis === i) ? { node: moved } : { node: moved, perm: order };
  },
};

/** What belongs to each axis of a sample, in the order before the transpose. */
function unmoved<T>(perm: Numbers, of: (axis: number) => T): T[] {
  const made: T[] = [];
  for (const [axis, source] of perm.entries()) if (axis > 0) made[source - 1] = of(axis - 1);
  return made;
}

/** A weight that goes with the elements of a sample, from the right. */
function withWeight(node: Node, role: string, perm: Numbers, graph: Graph): Sunk {
  if (node.weights[role] === undefined) return { node, perm };
  const { shape, data } = f32Weight(graph, node, role);
  if (sizeOf(shape) === 1) return { node, perm };
  const sample = [...new Array<number>(perm.length - 1 - shape.length).fill(1), ...shape];
  const key = `${node.weights[role]}/channels_last`;
  const weight: Weight = {
    dtype: "f32",
    ...transposed(
      sample,
      data,
      unmoved(perm, (axis) => axis),
    ),
  };
  return {
    node: { ...node, weights: { ...node.weights, [role]: key } },
    perm,
    weights: new Map([[key, weight]]),
  };
}

function transposed(shape: Numbers, data: Float32Array, order: Numbers) {
  const made = order.map((axis) => shape[axis]);
  const steps = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const moved = Float32Array.from({ length: data.length }, (_, i) => {
    let rest = i;
    let from = 0;
    for (let axis = order.length - 1; axis >= 0; axis--) {
      from += (rest % made[axis]) * steps[order[axis]];
      rest = Math.floor(rest / made[axis]);
    }
    return data[from];
  });
  return { shape: made, data: moved };
}

/** A dense layer that reads a flattened transpose: its rows go to where the numbers are before it. */
function sunkDense(
  graph: Graph,
  node: Node,
  shapes: ReadonlyMap<string, Shape>,
  makers: ReadonlyMap<string, Node>,
): Sunk | undefined {
  const flatten = makers.get(node.inputs[0]);
  const moved = flatten?.op === "reshape" ? makers.get(flatten.inputs[0]) : undefined;
  const perm = permOf(moved);
  const kernel = graph.weights.get(node.weights.kernel);
  if (!flatten || !moved || !perm || !isToFront(perm) || kernel?.dtype !== "f32") return undefined;
  if (shapes.get(flatten.name)?.length !== 2) return undefined;
  const isElsewhere = ({ name, inputs }: Node) => name !== node.name && inputs.includes(flatten.name);
  // Another reader keeps both, and nothing is won.
  if (graph.nodes.some(isElsewhere) || graph.outputs.some(({ value }) => value === flatten.name))
    return undefined;
  const sample = (shapes.get(moved.name) as Shape).slice(1) as Numbers;
  const order = [...unmoved(perm, (axis) => axis), sample.length];
  const key = `${node.weights.kernel}/${sample.join("x")}/channels_last`;
  const { data } = transposed([...sample, kernel.shape[1]], kernel.data, order);
  const straight = { ...flatten, inputs: moved.inputs };
  return {
    node: { ...node, weights: { ...node.weights, kernel: key } },
    weights: new Map([[key, { dtype: "f32", shape: kernel.shape, data }]]),
    before: [straight],
  };
}
