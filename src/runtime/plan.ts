/** A plan: the steps of a graph for one batch size, their buffers placed, ready to be called. */

import { createStore } from "../kernels/products.js";
import { Lowering, type LoweringOptions } from "./lowering.js";
import type { InputData } from "./model.js";
import { lowerNode } from "./ops/index.js";
import { type Buffer, placeBuffers, type Step } from "./place.js";

export interface Plan {
  readonly labels: readonly string[];
  readonly outputs: Readonly<Record<string, Float32Array>>;
  setInput(index: number, data: InputData): void;
  run(): void;
  /** Milliseconds of each step in one run. */
  time(): Float64Array;
  value(name: string): Float32Array;
  /** Gives its memory back. */
  dispose(): void;
}

/** Those that something comes of: a value may be made in a form that in the end nobody reads. */
function neededSteps(steps: readonly Step[], kept: Iterable<Buffer>): Step[] {
  const read = new Set(kept);
  const isNeeded = ({ reads, writes }: Step) => {
    if (!writes.some((buffer) => read.has(buffer))) return false;
    for (const buffer of reads) read.add(buffer);
    return true;
  };
  return [...steps].reverse().filter(isNeeded).reverse();
}

/**
 * Plans a graph. Allocates its arena; everything after that runs without allocating.
 *
 * @param keep values that stay readable after a run, the outputs among them
 */
export function makePlan(parts: Omit<LoweringOptions, "own">, keep: ReadonlySet<string>): Plan {
  const options = { ...parts, own: createStore(parts.heap) };
  const { graph, heap } = options;
  const lowering = new Lowering(options);
  const inputs = graph.inputs.map(({ name }) => lowering.f32(name));
  for (const node of graph.nodes) lowerNode(lowering, node);
  const kept = new Map([...keep].map((name) => [name, lowering.f32(name)]));

  const steps = neededSteps(lowering.steps, kept.values());

  const { offsets, bytes } = placeBuffers(steps, [...inputs, ...kept.values()]);
  const arena = heap.alloc(bytes);
  heap.u8(arena, bytes).fill(0);
  const at = (buffer: Buffer): number => arena + (offsets.get(buffer) as number);
  const calls = steps.map((step) => step.bind(at));

  // Views are bound anew when the memory has grown under another plan.
  const view = (buffer: Buffer) => heap.f32(at(buffer), buffer.bytes / 4);
  let bound: ArrayBuffer | null = null;
  let inputViews: Float32Array[] = [];
  let outputViews: Float32Array[] = [];
  const outputBuffers = graph.outputs.map(({ value }) => kept.get(value) as Buffer);
  const rebind = () => {
    bound = heap.buffer;
    inputViews = inputs.map(view);
    outputViews = outputBuffers.map(view);
  };
  rebind();

  const results = outputBuffers.map((buffer) => new Float32Array(buffer.bytes / 4));
  const outputs = Object.fromEntries(graph.outputs.map(({ name }, i) => [name, results[i]]));
  return {
    labels: steps.map(({ label }) => label),
    outputs,
    setInput(index, data) {
      if (bound !== heap.buffer) rebind();
      inputViews[index].set(data);
    },
    run() {
      for (let i = 0; i < calls.length; i++) calls[i]();
      for (let i = 0; i < results.length; i++) results[i].set(outputViews[i]);
    },
    time: () =>
      Float64Array.from(calls, (call) => {
        const start = performance.now();
        call();
        return performance.now() - start;
      }),
    dispose() {
      options.own.dispose();
      heap.free(arena);
    },
    value: (name) => view(kept.get(name) as Buffer).slice(),
  };
}
