/** A model in memory: plans once for a batch size, runs without allocating. */

import { type Graph, inferShapes, type Shape } from "../graph/index.js";
import { createStore, type Store } from "../kernels/products.js";
import { type RuntimeKernel, runtimeSet } from "../kernels/runtime-set.js";
import { type Engine, openEngine, type Variant } from "../wasm/index.js";
import { makePlan, type Plan } from "./plan.js";

export interface ModelOptions {
  /** Forces a build of the kernels; default: the fastest that computes right here. */
  readonly variant?: Variant;
  /** Intermediate values that `value()` can read after a run; "all" for every one. */
  readonly keep?: "all" | readonly string[];
}

/** Numbers of one input: f32, or bytes or ordinary numbers that are converted. */
export type InputData = ArrayLike<number>;

export interface ValueInfo {
  readonly name: string;
  /** Without the batch. */
  readonly shape: readonly number[];
}

// Plans for this many batch sizes are kept; the one used longest ago goes first.
const PLANS = 4;

export class Model {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly graph: Graph;
  readonly #planned: Graph;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #keep: ReadonlySet<string>;
  readonly #plans = new Map<number, Plan>();
  #engine: Engine<RuntimeKernel> | null;
  #constants: Store | null;
  #plan: Plan | null = null;

  /**
   * @param graph a graph that `checkGraph` accepts
   * @throws TypeError for an option that there is not
   */
  constructor(graph: Graph, options: ModelOptions = {}) {
    const other = Object.keys(options).find((key) => key !== "variant" && key !== "keep");
    if (other !== undefined) throw new TypeError(`options: wanted variant or keep, got ${other}`);
    this.graph = graph;
    this.#planned = tagWeights(graph);
    this.#engine = openEngine(runtimeSet, options.variant ? { variant: options.variant } : {});
    this.#constants = createStore(this.#engine.heap);
    this.#shapes = inferShapes(graph);
    this.#keep = keptValues(graph, this.#shapes, options.keep ?? []);
    const info = (name: string, value: string): ValueInfo => ({
      name,
      shape: (this.#shapes.get(value) as Shape).slice(1) as number[],
    });
    this.inputs = graph.inputs.map(({ name }) => info(name, name));
    this.outputs = graph.outputs.map(({ name, value }) => info(name, value));
  }

  /** Which build of the kernels runs: relaxed, simd or reference. */
  get variant(): Variant {
    return this.#open().variant;
  }

  /** Bytes of memory that the model's weights and plans take now. */
  get memoryBytes(): number {
    return this.#open().heap.buffer.byteLength;
  }

  /**
   * Runs the model.
   *
   * @param inputs by name, each with batch * sample size numbers; the numbers alone for a model
   *   with one input. The batch is inferred and the same for all.
   * @returns by name, f32. The arrays are the model's own and are written again by the next run
   *   with the same batch: copy what you keep.
   * @throws RangeError for a missing or unknown input or a wrong length; TypeError for what is no array of
   *   numbers, such as rows in arrays of their own; Error after dispose()
   */
  run(inputs: Readonly<Record<string, InputData>> | InputData): Readonly<Record<string, Float32Array>> {
    const engine = this.#open();
    const named = this.#byName(inputs);
    const plan = this.#planFor(engine, this.#batchOf(named));
    for (let i = 0; i < this.inputs.length; i++) plan.setInput(i, named[this.inputs[i].name]);
    plan.run();
    this.#plan = plan;
    return plan.outputs;
  }

  /** A kept value of the last run, in f32: [batch, ...shape] in row-major order, copied. */
  value(name: string): Float32Array {
    this.#open();
    if (!this.#keep.has(name)) throw new RangeError(`value ${name} is not kept: name it in the option keep`);
    if (!this.#plan) throw new RangeError("value: nothing has run yet");
    return this.#plan.value(name);
  }

  /** What runs, in order: the node and its kernel, for a batch. */
  steps(batch = 1): readonly string[] {
    return this.#planFor(this.#open(), batch).labels;
  }

  /**
   * Where the time goes: the steps of `steps()` and the mean milliseconds of each over some runs.
   *
   * @param inputs as for `run`
   * @param runs >= 1; the more, the less a coarse clock matters
   */
  profile(inputs: Parameters<Model["run"]>[0], runs = 100): readonly { step: string; ms: number }[] {
    this.run(inputs);
    const plan = this.#plan as Plan;
    const totals = new Float64Array(plan.labels.length);
    for (let run = 0; run < runs; run++) {
      plan.time().forEach((ms, i) => {
        totals[i] += ms;
      });
    }
    return plan.labels.map((step, i) => ({ step, ms: totals[i] / runs }));
  }

  /** Gives the memory back. The model cannot run again. */
  dispose(): void {
    this.#engine = null;
    this.#plan = null;
    this.#plans.clear();
    this.#constants = null;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #open(): Engine<RuntimeKernel> {
    if (!this.#engine) throw new Error("the model is disposed");
    return this.#engine;
  }

  #byName(inputs: Readonly<Record<string, InputData>> | InputData): Readonly<Record<string, InputData>> {
    if (ArrayBuffer.isView(inputs) || Array.isArray(inputs)) {
      if (this.inputs.length !== 1) {
        throw new RangeError(
          `run: wanted inputs by name (${this.inputs.map((i) => i.name).join(", ")}), got one array`,
        );
      }
      return { [this.inputs[0].name]: inputs as InputData };
    }
    if (typeof inputs !== "object" || inputs === null) {
      throw new TypeError(`run: wanted numbers, or inputs by name, got ${inputs}`);
    }
    const named = inputs as Readonly<Record<string, InputData>>;
    for (const name of Object.keys(named)) {
      if (!this.inputs.some((input) => input.name === name)) {
        throw new RangeError(`run: wanted inputs ${this.inputs.map((i) => i.name).join(", ")}, got ${name}`);
      }
    }
    return named;
  }

  #batchOf(named: Readonly<Record<string, InputData>>): number {
    let batch = 0;
    for (const { name, shape } of this.inputs) {
      const data = named[name];
      if (data === undefined) throw new RangeError(`run: input ${name} is missing`);
      if (data?.length !== 0 && typeof data?.[0] !== "number") {
        throw new TypeError(`${name}: wanted an array of numbers, got ${typeof data} of ${typeof data?.[0]}`);
      }
      const size = shape.reduce((product, dim) => product * dim, 1);
      const samples = data.length / size;
      if (!Number.isInteger(samples) || samples === 0) {
        throw new RangeError(
          `${name}: wanted a multiple of ${size} numbers ([batch, ${shape.join(", ")}]), got ${data.length}`,
        );
      }
      if (batch !== 0 && samples !== batch) {
        throw new RangeError(`${name}: wanted ${batch} samples as in the other inputs, got ${samples}`);
      }
      batch = samples;
    }
    return batch;
  }

  #planFor(engine: Engine<RuntimeKernel>, batch: number): Plan {
    const known = this.#plans.get(batch);
    if (known) {
      // Most of the time it is the newest already, and a run makes no garbage.
      if (this.#plans.size > 1) {
        this.#plans.delete(batch);
        this.#plans.set(batch, known);
      }
      return known;
    }
    if (this.#plans.size === PLANS) {
      const [oldest, plan] = this.#plans.entries().next().value as [number, Plan];
      this.#plans.delete(oldest);
      if (this.#plan === plan) this.#plan = null;
      plan.dispose();
    }
    const { kernels, heap, variant } = engine;
    const plan = makePlan(
      {
        graph: this.#planned,
        shapes: this.#shapes,
        batch,
        kernels,
        heap,
        variant,
        constants: this.#constants as Store,
      },
      this.#keep,
    );
    this.#plans.set(batch, plan);
    return plan;
  }
}

/**
 * The graph with weights under names that no node has: the plans' constants are named after both, and a file may
 * call a weight what a node calls its own.
 */
function tagWeights(graph: Graph): Graph {
  const tag = (key: string) => `weight\0${key}`;
  const roles = (weights: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(weights).map(([role, key]) => [role, tag(key)]));
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({ ...node, weights: roles(node.weights) })),
    weights: new Map([...graph.weights].map(([key, weight]) => [tag(key), weight])),
  };
}

function keptValues(
  graph: Graph,
  shapes: ReadonlyMap<string, Shape>,
  keep: "all" | readonly string[],
): ReadonlySet<string> {
  const names = keep === "all" ? [...shapes.keys()] : keep;
  for (const name of names) {
    if (!shapes.has(name)) throw new RangeError(`keep: the model has no value ${name}`);
  }
  return new Set([...names, ...graph.outputs.map(({ value }) => value)]);
}
