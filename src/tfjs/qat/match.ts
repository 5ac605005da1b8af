/** Which calls of layers make the values of a graph, and which of its nodes a call is part of. */

import { consumers, type Graph, type Node } from "../../graph/index.js";
import type { Call } from "./trace.js";

type Numbers = ArrayLike<number>;

/**
 * Two programs computed these: f32 rounding apart. Less than the 5e-4 by which a batch normalization that
 * has learned nothing yet scales its input.
 */
const TOLERANCE = 1e-4;

/** The values of a graph among what layers read and make. */
export class Match {
  readonly #makers: ReadonlyMap<string, readonly Call[]>;
  readonly #readers: ReadonlyMap<string, readonly Node[]>;

  /**
   * @param values numbers of every value of the graph, on the samples that the calls were noted on
   */
  constructor(
    graph: Graph,
    readonly calls: readonly Call[],
    readonly values: ReadonlyMap<string, Numbers>,
  ) {
    this.#readers = consumers(graph);
    this.#makers = new Map(graph.nodes.map((node) => [node.name, makersOf(node, calls, values)]));
  }

  /** The first call that makes a value; undefined where it is inside of a layer. */
  makerOf(value: string): Call | undefined {
    return this.#makers.get(value)?.[0];
  }

  /** Places where a layer reads the numbers of a value and makes others of them. */
  readsOf(value: string): readonly { readonly call: Call; readonly input: number }[] {
    const numbers = this.values.get(value) as Numbers;
    return this.calls
      .filter(({ output }) => !isSame(output, numbers))
      .flatMap((call) =>
        call.inputs.flatMap((read, input) => (isSame(read, numbers) ? [{ call, input }] : [])),
      );
  }

  /**
   * The calls that together make the node's value, from this one on.
   *
   * @returns undefined where the call is no part of it
   */
  pathTo(call: Call, node: Node): readonly Call[] | undefined {
    const end = this.#visible(node);
    const path = [call];
    for (let last = call; ; path.push(last)) {
      if (this.#makes(last, end)) return path;
      const [next, ...more] = last.readers;
      // Whatever another value of the graph is made of begins behind that.
      if (!next || more.length > 0 || this.#makesAny(last)) return undefined;
      last = next;
    }
  }

  /** The value itself, or the first that is made of it alone and that layers make: a softmax of a sum. */
  #visible({ name }: Node): string {
    for (let value = name; ; ) {
      const [reader, ...more] = this.#readers.get(value) ?? [];
      if (this.makerOf(value) || !reader || more.length > 0) return value;
      value = reader.name;
    }
  }

  #makes(call: Call, value: string): boolean {
    return this.#makers.get(value)?.includes(call) === true;
  }

  #makesAny(call: Call): boolean {
    return [...this.#makers.values()].some((calls) => calls.includes(call));
  }
}

/**
 * Of calls that make the same numbers those of the layer of this name alone: a flatten makes those of what it
 * flattens. Passes that give a node another's name leave the numbers to go by.
 */
function makersOf(
  { name, op, inputs, attrs }: Node,
  calls: readonly Call[],
  values: ReadonlyMap<string, Numbers>,
): readonly Call[] {
  const wanted = values.get(name) as Numbers;
  const same = calls.filter(({ output }) => isSame(output, wanted));
  const isCopy = op === "unary" && attrs.fn === "linear";
  const base = isCopy ? inputs[0] : name;
  const named = same.filter(({ layer }) => layer.name === base || base.startsWith(`${layer.name}_`));
  const exact = named.filter(({ layer }) => layer.name === base);
  if (exact.length > 0) return exact;
  return named.length > 0 ? named : same;
}

export function isSame(a: Numbers, b: Numbers, tolerance = TOLERANCE): boolean {
  if (a.length !== b.length) return false;
  let largest = 0;
  for (let i = 0; i < b.length; i++) largest = Math.max(largest, Math.abs(b[i]));
  const bound = largest * tolerance;
  for (let i = 0; i < a.length; i++) if (!(Math.abs(a[i] - b[i]) <= bound)) return false;
  return true;
}
