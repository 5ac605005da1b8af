/** The real models beside the repository against tfjs, as imported and simplified. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkGraph,
  type Graph,
  importModel,
  type ModelArtifacts,
  parameterCount,
  simplify,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, noise } from "./helpers.js";

const folder = join(import.meta.dirname, "../../../shared/models");
const present = existsSync(folder);
if (!present) console.log(`skipped: real models in graph tests, for ${folder} is absent`);

function read(name: string): ModelArtifacts {
  const path = join(folder, name, "model.json");
  const { modelTopology, weightsManifest, format, userDefinedMetadata } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  const groups: { paths: string[]; weights: ModelArtifacts["weightSpecs"] }[] = weightsManifest;
  const shards = groups.flatMap(({ paths }) =>
    paths.map((shard) => readFileSync(join(dirname(path), shard))),
  );
  const weightData = new Uint8Array(Buffer.concat(shards));
  return {
    modelTopology,
    weightSpecs: groups.flatMap(({ weights }) => weights),
    weightData,
    ...(format && { format }),
    ...(userDefinedMetadata && { signature: userDefinedMetadata.signature }),
  };
}

/** Model, batch, what random inputs reach (words are whole numbers), and the ops that are left of it. */
const layersModels: readonly [string, number, number, readonly string[]][] = [
  ["abalone-mlp", 16, 1, ["dense"]],
  ["imdb-gru3", 3, 452, ["dense", "embedding", "gru"]],
  ["mnist-lenet-v2", 2, 1, ["conv2d", "dense", "maxPool", "reshape", "softmax"]],
  ["tinyvgg-cnn-explainer", 2, 1, ["conv2d", "dense", "maxPool", "reshape", "softmax"]],
  ["mlperf-kws-dscnn", 2, 1, ["averagePool", "conv2d", "dense", "depthwiseConv2d", "reshape", "softmax"]],
  ["teachable-tiny-image", 1, 1, ["conv2d", "dense", "depthwiseConv2d", "reduce", "softmax"]],
];

describe.skipIf(!present)("real models", () => {
  beforeAll(() => tf.setBackend("cpu"));

  const load = (artifacts: ModelArtifacts) =>
    tf.io.fromMemory({
      modelTopology: artifacts.modelTopology as object,
      weightSpecs: artifacts.weightSpecs as tf.io.WeightsManifestEntry[],
      weightData: artifacts.weightData.slice().buffer,
      ...(artifacts.signature ? { signature: artifacts.signature as object } : {}),
    });

  /** The imported model, plain and simplified, against what tfjs computed. */
  function expectOutputs(graph: Graph, input: string, x: Float32Array, wanted: readonly tf.Tensor[]) {
    for (const each of [graph, simplify(graph)]) {
      checkGraph(each);
      const got = evaluate(each, { [input]: x });
      for (const [i, tensor] of wanted.entries()) {
        const numbers = tensor.dataSync() as Float32Array;
        const range = numbers.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const values = got[each.outputs[i].name].map((value) => value / range);
        expectClose(
          values,
          numbers.map((value) => value / range),
          1e-4,
        );
      }
    }
  }

  test.each(layersModels)("%s predicts as in tfjs, also simplified", async (name, batch, scale, ops) => {
    const artifacts = read(name);
    const model = await tf.loadLayersModel(load(artifacts));
    const [{ shape }] = model.inputs;
    const size = [batch, ...(shape.slice(1) as number[])];
    const noisy = noise(size.reduce((a, b) => a * b, 1)).map(Math.abs);
    const x = scale === 1 ? noisy : noisy.map((value) => Math.floor(value * scale));
    const wanted = [model.predict(tf.tensor(x, size))].flat();

    const graph = importModel(artifacts);
    expect(graph.inputs).toEqual([{ name: model.inputNames[0], shape }]);
    expect(graph.outputs.map((output) => output.name)).toEqual(model.outputNames);
    expect(graph.unused).toEqual([]);
    expectOutputs(graph, model.inputNames[0], x, wanted);
    expect([...new Set(simplify(graph).nodes.map(({ op }) => op))].sort()).toEqual(ops);
    if (name === "abalone-mlp") expect(parameterCount(graph)).toBe(model.countParams());
  });

  test("blazeface-graph predicts as in tfjs, also simplified", async () => {
    const artifacts = read("blazeface-graph");
    const model = await tf.loadGraphModel(load(artifacts));
    const x = noise(256 * 256 * 3);
    const wanted = [model.predict(tf.tensor(x, [1, 256, 256, 3]))].flat() as tf.Tensor[];

    const graph = importModel(artifacts);
    expect(graph.inputs).toEqual([{ name: "input", shape: [null, 256, 256, 3] }]);
    expect(graph.outputs.map(({ name }) => name)).toEqual([
      "Identity_3",
      "Identity",
      "Identity_1",
      "Identity_2",
    ]);
    expect(graph.unused).toEqual([]);
    expectOutputs(graph, "input", x, wanted);
  });
});
