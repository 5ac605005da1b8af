/** How near a quantized model is to the f32 model that it was made of, on samples that calibration has not seen. */

import type { LayerReport } from "../../src/compress/index.js";
import type { CompressOptions } from "../../src/compress-options.js";
import {
  type Graph,
  importModel,
  inferShapes,
  type ModelArtifacts,
  type Shape,
  simplify,
  sizeOf,
} from "../../src/graph/index.js";
import { compress } from "../../src/index.js";
import { createModel, type Model } from "../../src/runtime/index.js";
import { joined } from "./arrays.js";
import { firstSamples, type LayerRow, layerErrors } from "./layers.js";
import type { EvaluationSet, Samples, ZooModel } from "./model.js";

/** Options of `compress` that methods are compared by. */
export type MethodOptions = Omit<CompressOptions, "calibration" | "signal" | "onProgress">;

/** One output on one set. */
export interface OutputRow {
  readonly set: string;
  readonly output: string;
  /** Root of the squared error over that of the squares, and over that around each column's mean. */
  readonly relativeRms: number;
  readonly ofSpread: number;
  readonly cosine: number;
  /** Signal over error, in dB. */
  readonly sqnr: number;
  /** Share of samples with the class of f32, where the output is one of classes. */
  readonly agreement?: number;
  /** Share of right answers in f32 and in int8, where the set has labels. */
  readonly accuracy?: { readonly f32: number; readonly int8: number };
}

/** Parts of all multiply-accumulates by the precision of what they multiply. */
export interface MacShares {
  readonly u7: number;
  readonly twoPlanes: number;
  readonly f32: number;
}

export interface ModelRow {
  readonly name: string;
  readonly family: ZooModel["family"];
  /** Layers with kernels, and multiply-accumulates of a sample. */
  readonly layers: number;
  readonly macs: number;
  readonly outputs: readonly OutputRow[];
  readonly shares: MacShares;
  /** Seconds of processors that `compress` took: a busy machine adds little to them. */
  readonly seconds: number;
  /** The least that a sample took. */
  readonly milliseconds: number;
  /** Where the error enters, where that is asked for. */
  readonly errors?: readonly LayerRow[];
}

/** A model of the zoo made ready: what all methods are compared on. */
export interface Subject {
  readonly model: ZooModel;
  readonly artifacts: ModelArtifacts;
  /** In f32. */
  readonly graph: Graph;
  readonly samples: Samples;
  /** What f32 makes of each set: by output. */
  readonly wanted: readonly Outputs[];
}

type Outputs = Readonly<Record<string, Float32Array>>;

export async function openSubject(model: ZooModel): Promise<Subject> {
  const artifacts = await model.artifacts();
  const graph = simplify(importModel(artifacts));
  const shape = graph.inputs[0].shape.slice(1) as number[];
  const samples = await model.samples(shape);
  using plain = createModel(graph);
  return { model, artifacts, graph, samples, wanted: samples.sets.map(({ x }) => runAll(plain, x)) };
}

/** Samples that say where errors enter. */
const fewSamples = 16;

/**
 * @param options of `compress`; calibration is the subject's
 * @param withLayers whether to look where the error enters
 */
export async function measure(
  subject: Subject,
  options: MethodOptions,
  withLayers = false,
): Promise<ModelRow> {
  const { model, artifacts, graph, samples, wanted } = subject;
  const start = process.cpuUsage();
  const result = await compress(artifacts, { ...options, calibration: samples.calibration });
  const { user, system } = process.cpuUsage(start);
  using quantized = result.createModel();
  const outputs = samples.sets.flatMap((set, i) => {
    const got = runAll(quantized, set.x);
    return graph.outputs.map(({ name }) => compareOutput(graph, name, set, wanted[i][name], got[name]));
  });
  const errors = () =>
    layerErrors({
      plain: graph,
      quantized: result.graph,
      x: firstSamples(graph, samples.sets[0].x, fewSamples),
      isEqualized: options.equalization !== false,
    });
  return {
    name: model.name,
    family: model.family,
    layers: result.layers.length,
    macs: result.layers.reduce((sum, layer) => sum + macsOnce(layer), 0),
    outputs,
    shares: sharesOf(result.layers),
    seconds: (user + system) / 1e6,
    milliseconds: timeOf(quantized, samples.sets[0].x),
    ...(withLayers && { errors: errors() }),
  };
}

const largestRun = 2 ** 21;

/** In parts: a plan holds its values for all samples of a run. */
export function runAll(model: Model, x: Float32Array): Outputs {
  const size = model.inputs[0].shape.reduce((product, dim) => product * dim, 1);
  const most = Math.min(Math.max(Math.floor(largestRun / size / 8), 1), 100) * size;
  const parts: Outputs[] = [];
  for (let from = 0; from < x.length; from += most) {
    const outputs = Object.entries(model.run(x.subarray(from, from + most)));
    parts.push(Object.fromEntries(outputs.map(([name, values]) => [name, values.slice()])));
  }
  return Object.fromEntries(
    model.outputs.map(({ name }) => [name, joined(parts.map((outputs) => outputs[name]))]),
  );
}

function compareOutput(
  graph: Graph,
  output: string,
  { name: set, x, labels }: EvaluationSet,
  wanted: Float32Array,
  got: Float32Array,
): OutputRow {
  const count = x.length / sizeOf((graph.inputs[0] as { shape: Shape }).shape);
  const columns = wanted.length / count;
  const row = { set, output, ...closeness(wanted, got, columns) };
  if (!isOfClasses(graph, output)) return row;
  const [inF32, inInt8] = [wanted, got].map((values) => classesOf(values, columns));
  const agreement = share(inF32, inInt8);
  if (!labels) return { ...row, agreement };
  return { ...row, agreement, accuracy: { f32: share(inF32, labels), int8: share(inInt8, labels) } };
}

/** @param columns of each row; the mean of each is no part of the spread */
export function closeness(
  wanted: Float32Array,
  got: Float32Array,
  columns: number,
): Pick<OutputRow, "relativeRms" | "ofSpread" | "cosine" | "sqnr"> {
  let [error, power, product, gotPower] = [0, 0, 0, 0];
  const sums = new Float64Array(columns);
  for (let i = 0; i < wanted.length; i++) {
    const [f, q] = [wanted[i], got[i]];
    error += (q - f) ** 2;
    power += f * f;
    product += f * q;
    gotPower += q * q;
    sums[i % columns] += f;
  }
  const rows = wanted.length / columns;
  const spread = power - sums.reduce((total, sum) => total + (sum * sum) / rows, 0);
  const ratio = (over: number) => (error === 0 ? 0 : Math.sqrt(error / Math.max(over, 0)));
  return {
    relativeRms: ratio(power),
    ofSpread: ratio(spread),
    cosine:
      power === 0 || gotPower === 0 ? Number(power === gotPower) : product / Math.sqrt(power * gotPower),
    sqnr: error === 0 ? Infinity : 10 * Math.log10(power / error),
  };
}

/** A row of several columns that a softmax made, or the only output. */
function isOfClasses(graph: Graph, name: string): boolean {
  const output = graph.outputs.find((each) => each.name === name);
  const shape = inferShapes(graph).get(output?.value ?? "");
  if (shape?.length !== 2 || (shape[1] as number) < 2) return false;
  const maker = graph.nodes.find((node) => node.name === output?.value);
  return graph.outputs.length === 1 || maker?.op === "softmax" || maker?.attrs.activation === "softmax";
}

function classesOf(values: Float32Array, columns: number): Uint16Array {
  return Uint16Array.from({ length: values.length / columns }, (_, i) => {
    const row = values.subarray(i * columns, (i + 1) * columns);
    return row.indexOf(row.reduce((most, value) => Math.max(most, value), -Infinity));
  });
}

const share = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same += 1;
  return same / a.length;
};

const readsTwoPlanes = ({ bits, note }: LayerReport) => bits === 8 && note?.includes("two planes") === true;

/** The second plane is the price of precision, not more of the model. */
const macsOnce = (layer: LayerReport) => (readsTwoPlanes(layer) ? layer.macs / 2 : layer.macs);

function sharesOf(layers: readonly LayerReport[]): MacShares {
  const sumOf = (some: readonly LayerReport[]) => some.reduce((sum, layer) => sum + macsOnce(layer), 0);
  const all = sumOf(layers) || 1;
  const twoPlanes = sumOf(layers.filter(readsTwoPlanes)) / all;
  const f32 = sumOf(layers.filter(({ bits }) => bits === 32)) / all;
  return { u7: 1 - twoPlanes - f32, twoPlanes, f32 };
}

/** Milliseconds of a sample. */
function timeOf(model: Model, x: Float32Array): number {
  const one = firstSamples(model.graph, x, 1);
  for (let i = 0; i < 3; i++) model.run(one);
  const times = Array.from({ length: 12 }, () => {
    const start = performance.now();
    model.run(one);
    return performance.now() - start;
  });
  return Math.min(...times);
}
