/** Where the error of a quantized model enters: what each of its values is off by, and what the step itself adds. */

import { type Graph, inferShapes, type Node, removeDead, type Shape, sizeOf } from "../../src/graph/index.js";
import { createModel } from "../../src/runtime/index.js";

export interface LayerRow {
  readonly name: string;
  readonly op: string;
  /** What the value is held in. */
  readonly form: "u7" | "f32";
  /** Relative RMS of the value in the whole model. */
  readonly total: number;
  /** The same where what the step reads is that of f32, rounded. */
  readonly local: number;
}

export interface LayerOptions {
  readonly plain: Graph;
  readonly quantized: Graph;
  /** f32[count][...shape]; a few samples do. */
  readonly x: Float32Array;
  /** Equalization gives channels other scales: each is then compared up to its own. */
  readonly isEqualized: boolean;
}

/** @returns a row for each value that both graphs have, in the order of the graph; of one input */
export function layerErrors({ plain, quantized, x, isEqualized }: LayerOptions): readonly LayerRow[] {
  const names = new Set(quantized.nodes.map(({ name }) => name));
  const shared = plain.nodes.map(({ name }) => name).filter((name) => names.has(name));
  const wanted = valuesOf(plain, shared, { [plain.inputs[0].name]: x });
  const got = valuesOf(quantized, shared, { [quantized.inputs[0].name]: x });
  const shapes = inferShapes(quantized);
  const known = new Map([[plain.inputs[0].name, x]]);
  return shared.map((name) => {
    const [f, q] = [wanted, got].map((values) => values.get(name) as Float32Array);
    const channels = (shapes.get(name) as Shape).at(-1) ?? 1;
    const scales = isEqualized ? channelScales(f, q, channels) : new Float64Array(channels).fill(1);
    const scaled = f.map((value, i) => value * scales[i % channels]);
    const alone = valuesOf(partTo(quantized, name, known, shapes), [name], Object.fromEntries(known));
    known.set(name, scaled);
    const node = quantized.nodes.find((each) => each.name === name) as Node;
    return {
      name,
      op: node.op,
      form: quantized.quant.has(name) ? ("u7" as const) : ("f32" as const),
      total: relativeError(q, f, scales),
      local: relativeError(alone.get(name) as Float32Array, f, scales),
    };
  });
}

function valuesOf(graph: Graph, keep: readonly string[], inputs: Readonly<Record<string, Float32Array>>) {
  using model = createModel(graph, { keep });
  model.run(Object.fromEntries(graph.inputs.map(({ name }) => [name, inputs[name]])));
  return new Map(keep.map((name) => [name, model.value(name)]));
}

/** What a graph computes to make a value of those that are known. */
function partTo(
  graph: Graph,
  target: string,
  known: ReadonlyMap<string, unknown>,
  shapes: ReadonlyMap<string, Shape>,
): Graph {
  const part = removeDead({
    ...graph,
    nodes: graph.nodes.filter(({ name }) => !known.has(name)),
    outputs: [{ name: target, value: target }],
  });
  const read = new Set(part.nodes.flatMap(({ inputs }) => inputs));
  const inputs = [...known.keys()].filter((name) => read.has(name));
  const values = new Set([...inputs, ...part.nodes.map(({ name }) => name)]);
  return {
    ...part,
    inputs: inputs.map((name) => ({ name, shape: shapes.get(name) as Shape })),
    quant: new Map([...graph.quant].filter(([name]) => values.has(name))),
  };
}

/** Of each channel the factor that brings f nearest to q. */
function channelScales(f: Float32Array, q: Float32Array, channels: number): Float64Array {
  const [products, powers] = [new Float64Array(channels), new Float64Array(channels)];
  for (let i = 0; i < f.length; i++) {
    products[i % channels] += f[i] * q[i];
    powers[i % channels] += f[i] * f[i];
  }
  return products.map((product, c) => (product > 0 ? product / powers[c] : 1));
}

function relativeError(q: Float32Array, f: Float32Array, scales: Float64Array): number {
  let [error, power] = [0, 0];
  for (let i = 0; i < f.length; i++) {
    error += (q[i] / scales[i % scales.length] - f[i]) ** 2;
    power += f[i] * f[i];
  }
  return power === 0 ? 0 : Math.sqrt(error / power);
}

/** The first of some samples. */
export function firstSamples({ inputs: [{ shape }] }: Graph, x: Float32Array, most: number): Float32Array {
  return x.subarray(0, most * sizeOf(shape));
}
