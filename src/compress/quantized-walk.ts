/**
 * A quantized graph before it is one: f32 and int8 run side by side, node by node.
 *
 * Each layer sees what int8 makes of the layers before it, with all that was decided for them; what it does to its own
 * product can be compared with f32 before it is settled. int8 is played in f32: codes as the numbers that they stand for.
 */

import type { F32Weight, Node, QuantParams, S8Weight } from "../graph/index.js";
import type { OpenRunner, Samples } from "./calibrate.js";
import { fakeQuantize } from "./fake-quantize.js";
import type { KernelNode } from "./kernel-nodes.js";
import { lastReads, NodeRunner } from "./node-runner.js";
import { pause } from "./pause.js";
import type { QuantizeParams } from "./quantize.js";
import { isMadeInCodes, type QuantizePlan, readsCodes } from "./quantize-plan.js";
import { quantizeLayer } from "./quantize-weights.js";
import { splitActivations } from "./split.js";

/** A layer in the middle of the walk. All arrays are [samples, ...shape], channels last. */
export interface LayerStep {
  readonly layer: KernelNode;
  /** Sums and bias of f32, before the activation. */
  readonly wanted: Float32Array;
  /** The same of int8: rounded weights on what int8 made of the layers before. */
  readonly got: Float32Array;
  /** The value that a product becomes: activation, and codes if it is kept in some. */
  finish(product: Float32Array): Float32Array;
  /** The value of f32. */
  readonly value: Float32Array;
}

export interface WalkOptions {
  readonly open: OpenRunner;
  readonly signal?: AbortSignal | undefined;
  /** Called after each layer with how many are done. */
  readonly onLayer?: ((done: number) => void) | undefined;
}

/**
 * Walks through a plan.
 *
 * @param settle returns the value of a layer in int8, such as `step.finish(step.got)`
 */
export async function walkQuantized(
  plan: QuantizePlan,
  params: QuantizeParams,
  samples: Samples,
  options: WalkOptions,
  settle: (step: LayerStep) => Float32Array,
): Promise<void> {
  const { nodes } = plan.graph;
  const walk = new Walk(plan, params, samples, options.open);
  const last = lastReads(nodes);
  const layers = new Map(plan.layers.map((layer) => [layer.node.name, layer]));
  let done = 0;
  for (const [i, node] of nodes.entries()) {
    await pause(options.signal);
    const layer = layers.get(node.name);
    if (layer) {
      walk.layer(layer, settle);
      done += 1;
      options.onLayer?.(done);
    } else walk.other(node);
    for (const value of node.inputs) if (last.get(value) === i) walk.forget(value);
    if (!last.has(node.name)) walk.forget(node.name);
  }
}

class Walk {
  readonly #plan: QuantizePlan;
  readonly #params: QuantizeParams;
  readonly #runner: NodeRunner;
  /** The nodes with the activations of layers by themselves, and the names of the products before these. */
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #products: ReadonlyMap<string, string>;
  /** Values of f32. */
  readonly #real: Map<string, Float32Array>;
  /** Values of int8 as those see them that read real numbers. */
  readonly #seen: Map<string, Float32Array>;
  /** The same as those see them that read codes. */
  readonly #codes = new Map<string, Float32Array>();

  constructor(plan: QuantizePlan, params: QuantizeParams, { count, inputs }: Samples, open: OpenRunner) {
    this.#plan = plan;
    this.#params = params;
    const { graph, before } = splitActivations(plan.graph, plan.layers);
    this.#runner = new NodeRunner(graph, count, open);
    this.#nodes = new Map(graph.nodes.map((node) => [node.name, node]));
    this.#products = before;
    this.#real = new Map(Object.entries(inputs));
    this.#seen = new Map(this.#real);
  }

  layer(layer: KernelNode, settle: (step: LayerStep) => Float32Array): void {
    const { node } = layer;
    const product = this.#nodes.get(this.#products.get(node.name) as string) as Node;
    const wanted = this.#runner.run(product, this.#inReal);
    const value = this.#activate(node, wanted);
    const input = this.#params.values.get(node.inputs[0]) as QuantParams;
    const kernel = dequantize(quantizeLayer(layer, input).kernel);
    const got = this.#runner.run(product, this.#inCodes, { kernel });
    const [table, output] = [this.#params.products.get(node.name), this.#params.values.get(node.name)];
    const finish = (sums: Float32Array) => {
      const made = this.#activate(node, table ? fakeQuantize(sums, table) : sums);
      return output ? fakeQuantize(made, output) : made;
    };
    const settled = settle({ layer, wanted, got, finish, value });
    this.#real.set(node.name, value);
    this.#seen.set(node.name, settled);
    if (output) this.#codes.set(node.name, settled);
  }

  other(node: Node): void {
    const seen = this.#runner.run(node, readsCodes(this.#plan, node) ? this.#inCodes : this.#inSeen);
    const output = isMadeInCodes(this.#plan, node) && this.#params.values.get(node.name);
    const made = output ? fakeQuantize(seen, output) : seen;
    this.#real.set(node.name, this.#runner.run(node, this.#inReal));
    this.#seen.set(node.name, made);
    if (output) this.#codes.set(node.name, made);
  }

  forget(value: string): void {
    for (const values of [this.#real, this.#seen, this.#codes]) values.delete(value);
  }

  readonly #inReal = (value: string) => this.#real.get(value) as Float32Array;

  readonly #inSeen = (value: string) => this.#seen.get(value) as Float32Array;

  readonly #inCodes = (value: string): Float32Array => {
    const known = this.#codes.get(value);
    if (known) return known;
    const params = this.#params.values.get(value);
    const codes = params ? fakeQuantize(this.#inSeen(value), params) : this.#inSeen(value);
    this.#codes.set(value, codes);
    return codes;
  };

  /** What the activation of a layer makes of its product. */
  #activate({ name }: Node, product: Float32Array): Float32Array {
    if (this.#products.get(name) === name) return product;
    return this.#runner.run(this.#nodes.get(name) as Node, () => product);
  }
}

/** s8 codes as the real numbers that they stand for. */
export function dequantize({ data, shape, scale }: S8Weight): F32Weight {
  const channels = scale.length;
  return { dtype: "f32", shape, data: Float32Array.from(data, (code, i) => code * scale[i % channels]) };
}
