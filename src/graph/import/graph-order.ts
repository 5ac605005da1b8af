/** Which nodes of a GraphDef are needed, and in which order; loops of TensorFlow 1 in it. */

import { type NodeDef, splitOutput } from "./graph-def.js";

export type Nodes = ReadonlyMap<string, NodeDef>;

/** A loop of TensorFlow 1, which is a cycle of nodes: Enter -> Merge -> Switch -> ... -> NextIteration -> Merge. */
export interface Loop {
  readonly name: string;
  readonly variables: readonly LoopVariable[];
  /** Nodes that bring in what stays the same. */
  readonly constants: readonly NodeDef[];
  readonly condition: NodeDef;
}

export interface LoopVariable {
  readonly enter: NodeDef;
  readonly merge: NodeDef;
  readonly next: NodeDef;
  readonly switches: readonly NodeDef[];
  readonly exits: readonly NodeDef[];
}

const nodeAt = (nodes: Nodes, reference: string) => nodes.get(splitOutput(reference)[0]);

/** The loops that are whole, by the name of each Exit; one that is not is nodes that pare has not. */
export function findLoops(nodes: Nodes): ReadonlyMap<string, Loop> {
  const frames = new Map<
    string,
    { variables: LoopVariable[]; constants: NodeDef[]; conditions: Set<NodeDef> }
  >();
  const frameOf = (enter: NodeDef) => {
    const name = enter.attrs.text("frame_name", "");
    const frame = frames.get(name) ?? { variables: [], constants: [], conditions: new Set() };
    if (name !== "") frames.set(name, frame);
    return frame;
  };
  const readers = readersOf([...nodes.values()], []);
  const readersWith = (node: NodeDef, op: string) =>
    (readers.get(node.name) ?? []).filter((reader): reader is NodeDef => reader?.op === op);
  for (const node of nodes.values()) {
    if (node.op !== "Enter") continue;
    const merges = readersWith(node, "Merge");
    if (merges.length === 0) frameOf(node).constants.push(node);
    for (const merge of merges) {
      const next = merge.inputs
        .map((input) => nodeAt(nodes, input))
        .find((each) => each?.op === "NextIteration");
      if (!next) continue;
      const switches = readersWith(merge, "Switch");
      for (const each of switches) {
        const condition = nodeAt(nodes, each.inputs[1] ?? "");
        if (condition?.op === "LoopCond") frameOf(node).conditions.add(condition);
      }
      const exits = switches.flatMap((each) => readersWith(each, "Exit"));
      frameOf(node).variables.push({ enter: node, merge, next, switches, exits });
    }
  }
  const loops = new Map<string, Loop>();
  for (const [name, { variables, constants, conditions }] of frames) {
    const [condition] = conditions;
    if (conditions.size !== 1) continue;
    const loop = { name, variables, constants, condition };
    for (const { exits } of variables) for (const exit of exits) loops.set(exit.name, loop);
  }
  return loops;
}

/** What a node reads before it can be made; of a loop's Exit what enters the loop. */
function readsOf(node: NodeDef, loops: ReadonlyMap<string, Loop>): readonly string[] {
  const loop = loops.get(node.name);
  if (!loop) return node.inputs;
  return [...loop.variables.map(({ enter }) => enter), ...loop.constants].flatMap(({ inputs }) => inputs);
}

/**
 * The nodes that some need, each after what it reads.
 *
 * @param known names of nodes that are there already
 * @throws RangeError for a node that is not there, or a cycle that is no loop of TensorFlow
 */
export function inOrder(
  nodes: Nodes,
  roots: readonly string[],
  loops: ReadonlyMap<string, Loop>,
  known: ReadonlySet<string> = new Set(),
): readonly NodeDef[] {
  const order: NodeDef[] = [];
  const state = new Map<string, "open" | "done">();
  const nexts: string[] = [];
  // A stack of our own: models are deeper than the engine's.
  const stack = roots.toReversed().map((name) => ({ name, reader: "an output" }));
  for (;;) {
    const top = stack.at(-1);
    if (!top) {
      const next = nexts.pop();
      if (next === undefined) return order;
      if (!state.has(next)) stack.push({ name: next, reader: "a loop" });
      continue;
    }
    const { name, reader } = top;
    const node = nodes.get(name);
    if (known.has(name)) {
      stack.pop();
      continue;
    }
    if (!node) throw new RangeError(`${reader} reads ${name}, which is no node of the model`);
    if (state.has(name)) {
      stack.pop();
      if (state.get(name) === "open") order.push(node);
      state.set(name, "done");
      continue;
    }
    state.set(name, "open");
    for (const input of readsOf(node, loops).toReversed()) {
      const [needed] = splitOutput(input);
      // The way back of a loop that is not whole: its nodes are told by name.
      if (node.op === "Merge" && nodes.get(needed)?.op === "NextIteration") {
        nexts.push(needed);
        continue;
      }
      if (state.get(needed) === "open") throw new RangeError(`node ${needed}: part of a cycle`);
      if (!state.has(needed)) stack.push({ name: needed, reader: `node ${name}` });
    }
  }
}

export type Readers = ReadonlyMap<string, readonly (NodeDef | undefined)[]>;

/** The nodes that read each node, and undefined for each output. */
export function readersOf(order: readonly NodeDef[], outputs: readonly string[]): Readers {
  const readers = new Map<string, (NodeDef | undefined)[]>(order.map(({ name }) => [name, []]));
  const add = (reference: string, reader?: NodeDef) => readers.get(splitOutput(reference)[0])?.push(reader);
  for (const node of order) for (const input of node.inputs) add(input, node);
  for (const output of outputs) add(output);
  return readers;
}
