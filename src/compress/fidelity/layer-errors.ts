/** What each layer alone costs the outputs when it is int8 and all others are f32. */

import type { QuantParams } from "../../graph/index.js";
import { type Graph, inferShapes, type Node, type Shape, sizeOf, type Weight } from "../../graph/index.js";
import type { OpenRunner, Samples } from "../calibrate.js";
import { fakeQuantize } from "../fake-quantize.js";
import type { KernelNode } from "../kernel-nodes.js";
import { NodeRunner } from "../node-runner.js";
import { pause } from "../pause.js";
import { storesCodes } from "../quantize.js";
import type { QuantizePlan } from "../quantize-plan.js";
import { codesToStore, quantizeLayer } from "../quantize-weights.js";
import { dequantize } from "../quantized-walk.js";

export interface LayerErrors {
  /** Of the layer. */
  readonly name: string;
  /** Squared relative error of each output, by its name. */
  readonly errors: ReadonlyMap<string, number>;
}

export interface LayerErrorOptions {
  readonly open: OpenRunner;
  readonly signal?: AbortSignal | undefined;
  /** Called with the part done, 0 to 1. */
  readonly onLayer?: ((done: number) => void) | undefined;
}

/**
 * Measures layers one at a time: the layer runs on the values of f32 as int8 would, and all that follows it in f32. What
 * a layer adds to the squared error of all is about what it makes alone.
 *
 * @param params of the values that layers read
 * @param samples a few
 */
export async function measureLayers(
  plan: QuantizePlan,
  params: ReadonlyMap<string, QuantParams>,
  samples: Samples,
  { open, signal, onLayer }: LayerErrorOptions,
): Promise<readonly LayerErrors[]> {
  const { graph } = plan;
  const values = allValues(graph, samples, open);
  const realOf = (value: string) => values.get(value) as Float32Array;
  const runner = new NodeRunner(graph, samples.count, open);
  const layers = new Map(plan.layers.map((layer) => [layer.node.name, layer]));
  const measured: LayerErrors[] = [];
  for (const [i, node] of graph.nodes.entries()) {
    await pause(signal);
    onLayer?.(i / graph.nodes.length);
    const layer = layers.get(node.name);
    const made = layer ? runLayer(layer, params, runner, realOf) : runStored(plan, node, runner, realOf);
    if (!made) continue;
    const seenOf = (value: string) => (value === node.name ? made : realOf(value));
    measured.push({ name: node.name, errors: errorsBehind({ graph, place: i, seenOf, realOf, open }) });
  }
  return measured;
}

/** All values of f32. */
function allValues(graph: Graph, samples: Samples, open: OpenRunner): ReadonlyMap<string, Float32Array> {
  const names = graph.nodes.map(({ name }) => name);
  const runner = open(graph, names);
  try {
    runner.run(samples.inputs);
    return new Map([
      ...Object.entries(samples.inputs),
      ...names.map((name) => [name, runner.value(name)] as const),
    ]);
  } finally {
    runner.dispose();
  }
}

type Values = (value: string) => Float32Array;

/**
 * The value of a layer in int8, its bias uncorrected: what a correction takes away of it on these samples, it may not on
 * others.
 */
function runLayer(
  layer: KernelNode,
  params: ReadonlyMap<string, QuantParams>,
  runner: NodeRunner,
  realOf: Values,
): Float32Array {
  const input = params.get(layer.node.inputs[0]) as QuantParams;
  const kernel = dequantize(quantizeLayer(layer, input).kernel);
  return runner.run(layer.node, (value) => fakeQuantize(realOf(value), input), { kernel });
}

/** The value of a node in f32 whose weights are stored in codes; undefined for any other. */
function runStored(
  plan: QuantizePlan,
  node: Node,
  runner: NodeRunner,
  realOf: Values,
): Float32Array | undefined {
  if (plan.asked.has(node.name)) return undefined;
  const stored = Object.entries(node.weights)
    .filter(([role, key]) => storesCodes(node, role) && plan.graph.weights.get(key)?.dtype === "f32")
    .map(([role, key]) => [role, codesToStore(plan.graph.weights.get(key) as Weight)] as const);
  if (stored.length === 0) return undefined;
  const weights = stored.map(
    ([role, weight]) => [role, weight.dtype === "s8" ? dequantize(weight) : weight] as const,
  );
  return runner.run(node, realOf, Object.fromEntries(weights));
}

interface Behind {
  readonly graph: Graph;
  /** Of the node that made another value. */
  readonly place: number;
  readonly seenOf: Values;
  readonly realOf: Values;
  readonly open: OpenRunner;
}

/** The squared relative errors of outputs that follow a node, which made another value than it does in f32. */
function errorsBehind({ graph, place, seenOf, realOf, open }: Behind): ReadonlyMap<string, number> {
  const shapes = inferShapes(graph);
  const behind = nodesBehind(graph, place);
  const made = new Set(behind.map(({ name }) => name));
  const read = new Set(behind.flatMap(({ inputs }) => inputs).filter((value) => !made.has(value)));
  const outputs = graph.outputs.filter(({ value }) => made.has(value));
  const errors = new Map<string, number>();
  const own = graph.outputs.filter(({ value }) => value === graph.nodes[place].name);
  for (const { name, value } of own) errors.set(name, squaredError(seenOf(value), realOf(value)));
  if (outputs.length === 0) return errors;
  const part: Graph = {
    inputs: [...read].map((name) => ({ name, shape: shapes.get(name) as Shape })),
    outputs,
    nodes: behind,
    weights: new Map(
      behind
        .flatMap(({ weights }) => Object.values(weights))
        .map((key) => [key, graph.weights.get(key) as Weight]),
    ),
    quant: new Map(),
  };
  const runner = open(part, [...new Set(outputs.map(({ value }) => value))]);
  try {
    runner.run(Object.fromEntries([...read].map((value) => [value, seenOf(value)])));
    for (const { name, value } of outputs) errors.set(name, squaredError(runner.value(value), realOf(value)));
  } finally {
    runner.dispose();
  }
  return errors;
}

/** The nodes that read a node's value, or read of what does. */
function nodesBehind(graph: Graph, place: number): readonly Node[] {
  const reached = new Set([graph.nodes[place].name]);
  return graph.nodes.slice(place + 1).filter((node) => {
    const reads = node.inputs.some((value) => reached.has(value));
    if (reads) reached.add(node.name);
    return reads;
  });
}

function squaredError(got: Float32Array, wanted: Float32Array): number {
  let [error, power] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    error += (got[i] - wanted[i]) ** 2;
    power += wanted[i] ** 2;
  }
  return power > 0 ? error / power : error > 0 ? 1 : 0;
}

/** Samples of which all values of f32 fit in memory: 256 MiB. */
export function samplesToMeasure(graph: Graph): number {
  const elements = [...inferShapes(graph).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  return Math.min(Math.max(Math.floor(2 ** 26 / elements), 2), 8);
}
