/** Graphs by hand, tfjs models to artifacts, and one way to compare numbers. */

import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import {
  type F32Weight,
  type Graph,
  importModel,
  type ModelArtifacts,
  type Node,
  type QuantParams,
  type Weight,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";

export function f32(shape: readonly number[], values: ArrayLike<number>): F32Weight {
  return { dtype: "f32", shape, data: Float32Array.from(values) };
}

export function node(
  name: string,
  op: string,
  input: string | readonly string[],
  parts: Partial<Node> = {},
): Node {
  return { name, op, inputs: typeof input === "string" ? [input] : input, weights: {}, attrs: {}, ...parts };
}

export interface GraphParts {
  readonly inputs?: Graph["inputs"];
  readonly outputs?: Graph["outputs"];
  readonly nodes?: readonly Node[];
  readonly weights?: Readonly<Record<string, Weight>>;
  readonly quant?: Readonly<Record<string, QuantParams>>;
}

/** A graph with one input "x" of [null, 3] and, unless told, the last node as output "y". */
export function graphOf({ inputs, outputs, nodes = [], weights = {}, quant = {} }: GraphParts): Graph {
  return {
    inputs: inputs ?? [{ name: "x", shape: [null, 3] }],
    outputs: outputs ?? [{ name: "y", value: nodes.at(-1)?.name ?? "x" }],
    nodes,
    weights: new Map(Object.entries(weights)),
    quant: new Map(Object.entries(quant)),
  };
}

/** Repeatable numbers in [-1, 1). */
export function noise(length: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** Sets every weight to noise, variances to positive ones: initial biases and means of 0 hide mistakes. */
export function randomize(model: tf.LayersModel, seed = 1): void {
  const values = model.weights.map((weight, i) => {
    const data = noise(
      weight.shape.reduce<number>((size, dim) => size * (dim ?? 1), 1),
      seed + i,
    );
    const positive = weight.originalName.endsWith("moving_variance");
    return tf.tensor(positive ? data.map((value) => Math.abs(value) + 0.1) : data, weight.shape as number[]);
  });
  model.setWeights(values);
}

/** What a live model is saved as. */
export async function artifactsOf(model: tf.LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    }),
  );
  return {
    modelTopology: saved?.modelTopology,
    weightSpecs: saved?.weightSpecs ?? [],
    weightData: new Uint8Array(saved?.weightData as ArrayBuffer),
  };
}

/** Largest difference, or NaN if there is one where the other has a number. */
export function expectClose(got: ArrayLike<number>, wanted: ArrayLike<number>, bound: number): void {
  expect(got.length).toBe(wanted.length);
  expect(got.length).toBeGreaterThan(0);
  for (let i = 0; i < got.length; i++) {
    const allowed = bound * Math.max(1, Math.abs(wanted[i]));
    if (!(Math.abs(got[i] - wanted[i]) <= allowed)) expect(got[i], `element ${i}`).toBe(wanted[i]);
  }
}

/** Random inputs for a model, batch of 3, by name. */
export function inputsOf(model: tf.LayersModel): Record<string, Float32Array> {
  return Object.fromEntries(
    model.inputs.map(({ shape }, i) => {
      const size = shape.slice(1).reduce<number>((product, dim) => product * (dim ?? 1), 3);
      return [model.inputNames[i], noise(size, 100 + i).map((value) => value * 3)];
    }),
  );
}

export function predict(
  model: tf.LayersModel,
  inputs: Readonly<Record<string, Float32Array>>,
): Float32Array[] {
  const tensors = model.inputs.map(({ shape }, i) =>
    tf.tensor(inputs[model.inputNames[i]], [3, ...(shape.slice(1) as number[])]),
  );
  const result = model.predict(tensors);
  return (Array.isArray(result) ? result : [result]).map((tensor) => tensor.dataSync() as Float32Array);
}

/** Imports a live model, and expects tfjs' names and tfjs' numbers to 1e-5. */
export async function expectSameAsTfjs(model: tf.LayersModel): Promise<Graph> {
  const graph = importModel(await artifactsOf(model));
  expect(graph.inputs.map(({ name }) => name)).toEqual(model.inputNames);
  const inputs = inputsOf(model);
  const outputs = evaluate(graph, inputs);
  for (const [i, wanted] of predict(model, inputs).entries()) {
    expectClose(outputs[graph.outputs[i].name], wanted, 1e-5);
  }
  return graph;
}
