/** GraphDefs by hand, as the converter writes them, and tfjs as the judge of what they compute. */

import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import {
  checkGraph,
  type Graph,
  importModel,
  type ModelArtifacts,
  simplify,
  type WeightSpec,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, noise } from "./helpers.js";

export type Json = Record<string, unknown>;

export interface NodeJson {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Json;
}

export const base64 = (text: string) => Buffer.from(text).toString("base64");
export const text = (value: string) => ({ s: base64(value) });
export const texts = (...values: string[]) => ({ list: { s: values.map(base64) } });
export const integers = (...values: number[]) => ({ list: { i: values.map(String) } });
export const float = { T: { type: "DT_FLOAT" } };

export const image = [-1, 7, 9, 3];
/** Attributes of a convolution or a pool. */
export const window = (strides: readonly [number, number], padding: string, more: Json = {}): Json => ({
  strides: integers(1, ...strides, 1),
  padding: text(padding),
  data_format: text("NHWC"),
  ...more,
});

const dims = (shape: readonly number[]) => ({ dim: shape.map((size) => ({ size: String(size) })) });

/** A GraphDef under construction. */
export class GraphDef {
  readonly nodes: NodeJson[] = [];
  readonly specs: WeightSpec[] = [];
  /** Functions of the library. */
  readonly functions: Json[] = [];
  readonly #data: ArrayBufferView[] = [];
  #seed = 1;

  input(name: string, shape: readonly number[], dtype = "DT_FLOAT"): string {
    const attr = { dtype: { type: dtype }, shape: { shape: dims(shape) } };
    this.nodes.push({ name, op: "Placeholder", attr });
    return name;
  }

  /** A Const of float32; noise unless numbers are given. */
  weight(name: string, shape: readonly number[], values?: ArrayLike<number>): string {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = values ? Float32Array.from(values) : noise(size, this.#seed++);
    return this.#constant(name, shape, "float32", data);
  }

  /** A Const of int32. */
  sizes(name: string, values: readonly number[] | number): string {
    const list = [values].flat();
    return this.#constant(
      name,
      typeof values === "number" ? [] : [list.length],
      "int32",
      Int32Array.from(list),
    );
  }

  /** A Const of int32 of any shape. */
  weightless(name: string, shape: readonly number[], values: readonly number[]): string {
    return this.#constant(name, shape, "int32", Int32Array.from(values));
  }

  #constant(name: string, shape: readonly number[], dtype: string, data: ArrayBufferView): string {
    const type = dtype === "int32" ? "DT_INT32" : "DT_FLOAT";
    this.nodes.push({
      name,
      op: "Const",
      attr: { dtype: { type }, value: { tensor: { dtype: type, tensorShape: dims(shape) } } },
    });
    this.specs.push({ name, shape, dtype });
    this.#data.push(data);
    return name;
  }

  node(name: string, op: string, input: readonly string[], attr: Json = {}): string {
    this.nodes.push({ name, op, input, attr: { ...float, ...attr } });
    return name;
  }

  artifacts(parts: Partial<ModelArtifacts> = {}): ModelArtifacts {
    const bytes = this.#data.map((data) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return {
      format: "graph-model",
      modelTopology: { node: this.nodes, library: { function: this.functions }, versions: {} },
      weightSpecs: this.specs,
      weightData: new Uint8Array(Buffer.concat(bytes)),
      ...parts,
    };
  }
}

/** Imports the model, and expects tfjs' outputs, by order and number, from it as it is and simplified. */
export async function expectSameAsTfjs(def: GraphDef, batch = 2, bound = 1e-5): Promise<Graph> {
  const artifacts = def.artifacts();
  const graph = importModel(artifacts);
  checkGraph(graph);
  const { outputs, inputs, names } = await runInTfjs(def, graph, batch);
  expect(graph.outputs.map(({ name }) => name)).toEqual(names);
  for (const each of [graph, simplify(graph)]) {
    const got = evaluate(each, inputs);
    for (const [i, wanted] of outputs.entries()) expectClose(got[each.outputs[i].name], wanted, bound);
  }
  return graph;
}

/** What tfjs makes of noise. */
export async function runInTfjs(def: GraphDef, graph: Graph, batch: number) {
  const artifacts = def.artifacts();
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: artifacts.modelTopology as object,
      weightSpecs: artifacts.weightSpecs as tf.io.WeightsManifestEntry[],
      weightData: artifacts.weightData.slice().buffer,
      format: "graph-model",
    }),
  );
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, shape }, i) => {
      const size = shape.slice(1).reduce<number>((product, dim) => product * (dim ?? 1), batch);
      return [name, noise(size, 90 + i).map((value) => value * 2)];
    }),
  );
  const tensors = Object.fromEntries(
    graph.inputs.map(({ name, shape }) => [
      name,
      tf.tensor(inputs[name], [batch, ...(shape.slice(1) as number[])]),
    ]),
  );
  const isDynamic = /"(Enter|While|StatelessWhile|If|StatelessIf|TensorArrayV3)"/.test(
    JSON.stringify(artifacts.modelTopology),
  );
  const made = isDynamic ? await model.executeAsync(tensors, model.outputNodes) : model.predict(tensors);
  const outputs = ([made].flat() as tf.Tensor[]).map((tensor) => tensor.dataSync() as Float32Array);
  return { outputs, inputs, names: model.outputNodes };
}
