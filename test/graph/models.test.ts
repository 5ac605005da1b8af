/** The real models beside the repository: those pare can import, against tfjs; of the others, what they lack. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  importModel,
  type ModelArtifacts,
  parameterCount,
  simplify,
  UnsupportedError,
} from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, noise } from "./helpers.js";

const folder = join(import.meta.dirname, "../../../shared/models");
const present = existsSync(folder);
if (!present) console.log(`skipped: real models in graph tests, for ${folder} is absent`);

function read(name: string): ModelArtifacts {
  const path = join(folder, name, "model.json");
  const { modelTopology, weightsManifest, format } = JSON.parse(readFileSync(path, "utf8"));
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
  };
}

describe.skipIf(!present)("real models", () => {
  beforeAll(() => tf.setBackend("cpu"));

  test("abalone-mlp predicts as in tfjs, also simplified", async () => {
    const artifacts = read("abalone-mlp");
    const model = await tf.loadLayersModel(
      tf.io.fromMemory({
        modelTopology: artifacts.modelTopology as object,
        weightSpecs: artifacts.weightSpecs as tf.io.WeightsManifestEntry[],
        weightData: artifacts.weightData.slice().buffer,
      }),
    );
    const x = noise(16 * 8).map(Math.abs);
    const wanted = (model.predict(tf.tensor(x, [16, 8])) as tf.Tensor).dataSync() as Float32Array;

    const graph = importModel(artifacts);
    expect(graph.inputs).toEqual([{ name: "dense_Dense1_input", shape: [null, 8] }]);
    expect(graph.unused).toEqual([]);
    expect(parameterCount(graph)).toBe(model.countParams());
    for (const each of [graph, simplify(graph)]) {
      expectClose(evaluate(each, { dense_Dense1_input: x }).dense_Dense3, wanted, 1e-5);
    }
  });

  // Rows leave as their layers arrive.
  test.each([
    ["mnist-lenet-v2", ["Conv2D", "MaxPooling2D"]],
    ["tinyvgg-cnn-explainer", ["Conv2D", "MaxPooling2D"]],
    ["mlperf-kws-dscnn", ["Conv2D", "DepthwiseConv2D"]],
    ["imdb-gru3", ["Embedding", "GRU"]],
    ["teachable-tiny-image", ["Conv2D", "DepthwiseConv2D", "GlobalAveragePooling2D"]],
    ["blazeface-graph", ["graph model"]],
  ])("%s lacks %j", (name, wanted) => {
    let what: readonly string[] = [];
    try {
      importModel(read(name));
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      what = error.what;
    }
    expect(what).toEqual(expect.arrayContaining(wanted));
  });
});
