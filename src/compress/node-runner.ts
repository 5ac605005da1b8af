/** Runs single nodes of a graph over all samples, each on inputs of the caller's choice. */

import {
  type Graph,
  inferShapes,
  type Node,
  type Shape,
  sizeOf,
  type Weight,
  weightsOf,
} from "../graph/index.js";
import type { OpenRunner } from "./calibrate.js";

/** Elements that a batch may have together, 1 MiB of f32: larger arenas take longer to get than to compute in. */
const batchElements = 2 ** 18;

/** The place of the last node that reads each value: after it the value may go. */
export function lastReads(nodes: readonly Node[]): ReadonlyMap<string, number> {
  return new Map(nodes.flatMap((node, i) => node.inputs.map((value) => [value, i] as const)));
}

export class NodeRunner {
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #graph: Graph;
  readonly #open: OpenRunner;
  readonly #count: number;

  /**
   * @param graph in f32
   * @param count samples in every array
   */
  constructor(graph: Graph, count: number, open: OpenRunner) {
    this.#shapes = inferShapes(graph);
    this.#graph = graph;
    this.#open = open;
    this.#count = count;
  }

  /**
   * What a node makes of its inputs.
   *
   * @param node of the graph, or one with the same inputs
   * @param inputOf [samples, ...shape] of a value that the node reads
   * @param weights in place of those of the graph, by role
   * @returns [samples, ...shape], an array of its own
   */
  run(
    node: Node,
    inputOf: (value: string) => Float32Array,
    weights: Readonly<Record<string, Weight>> = {},
  ): Float32Array {
    const inputs = [...new Set(node.inputs)].map((name) => ({
      name,
      shape: this.#shapes.get(name) as Shape,
      data: inputOf(name),
    }));
    const own = { ...weightsOf(this.#graph, node), ...weights };
    const part: Graph = {
      inputs,
      outputs: [{ name: node.name, value: node.name }],
      nodes: [{ ...node, weights: Object.fromEntries(Object.keys(own).map((role) => [role, role])) }],
      weights: new Map(Object.entries(own)),
      quant: new Map(),
    };
    const size = sizeOf(inferShapes(part).get(node.name) as Shape);
    const elements = inputs.reduce((sum, { shape }) => sum + sizeOf(shape), size);
    const batch = Math.min(Math.max(Math.floor(batchElements / elements), 1), this.#count);
    const result = new Float32Array(this.#count * size);
    const runner = this.#open(part, []);
    try {
      for (let from = 0; from < this.#count; from += batch) {
        const to = Math.min(from + batch, this.#count);
        const part = inputs.map(({ name, shape, data }) => {
          const step = sizeOf(shape);
          return [name, data.subarray(from * step, to * step)] as const;
        });
        result.set(runner.run(Object.fromEntries(part))[node.name], from * size);
      }
    } finally {
      runner.dispose();
    }
    return result;
  }
}
