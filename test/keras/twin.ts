/** A Keras file against a tfjs model that was built by hand and given the same weights. */

import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import { readKeras } from "../../src/file/index.js";
import { type Graph, importModel, type ModelArtifacts, simplify } from "../../src/graph/index.js";
import { evaluate } from "../graph/evaluate.js";
import { expectClose, inputsOf, predict } from "../graph/helpers.js";
import type { Values } from "./files.js";

/** What a weight of a live model is in a file. */
export function valuesOf(tensor: tf.Tensor): Values {
  return { shape: tensor.shape, data: tensor.dataSync().slice() as Float32Array };
}

/** The weights of a layer as a `.keras` file numbers them below a group. */
export function numbered(
  group: string,
  layer: tf.layers.Layer,
  begin = 0,
  end?: number,
): Record<string, Values> {
  const weights = layer.getWeights().slice(begin, end);
  return Object.fromEntries(weights.map((weight, i) => [`${group}/vars/${i}`, valuesOf(weight)]));
}

export function loadInTfjs({
  modelTopology,
  weightSpecs,
  weightData,
}: ModelArtifacts): Promise<tf.LayersModel> {
  return tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: modelTopology as object,
      weightSpecs: weightSpecs as tf.io.WeightsManifestEntry[],
      weightData: weightData.slice().buffer,
    }),
  );
}

/**
 * Expects a file to be `twin`, both as pare imports it and as tfjs loads what it becomes.
 *
 * @param x inputs by the names of the file's; noise where they are left out
 */
export async function expectTwin(
  file: Uint8Array,
  twin: tf.LayersModel,
  x?: Record<string, Float32Array>,
): Promise<Graph> {
  const artifacts = await readKeras(file, { forTfjs: true });
  const graph = importModel(artifacts);
  expect(graph.unused).toEqual([]);
  const given = x ?? inputsOf(twin);
  const inputs = Object.fromEntries(graph.inputs.map(({ name }, i) => [name, Object.values(given)[i]]));
  const wanted = predict(
    twin,
    Object.fromEntries(twin.inputNames.map((name, i) => [name, Object.values(given)[i]])),
  );
  const loaded = await loadInTfjs(artifacts);
  const byTfjs = predict(
    loaded,
    Object.fromEntries(loaded.inputNames.map((name, i) => [name, Object.values(given)[i]])),
  );
  expect(loaded.inputNames).toEqual(graph.inputs.map(({ name }) => name));
  for (const each of [graph, simplify(graph)]) {
    const outputs = evaluate(each, inputs);
    for (const [i, numbers] of wanted.entries()) {
      expectClose(outputs[each.outputs[i].name], numbers, 1e-5);
      expectClose(byTfjs[i], numbers, 1e-5);
    }
  }
  loaded.dispose();
  return graph;
}
