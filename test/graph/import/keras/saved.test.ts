/** The real tfjs models beside the repository, as Keras would have saved them. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { readArtifacts, readKeras } from "../../../../src/file/index.js";
import { importModel, simplify } from "../../../../src/graph/index.js";
import { savedAsHdf5, savedAsZip } from "../../../keras/saved.js";
import { loadInTfjs } from "../../../keras/twin.js";

const folder = join(import.meta.dirname, "../../../../../shared/models");
const present = existsSync(folder);
if (!present) console.log(`skipped: real models as Keras files, for ${folder} is absent`);

describe.skipIf(!present)("real models", () => {
  beforeAll(() => tf.setBackend("cpu"));

  test.each([
    "abalone-mlp",
    "imdb-gru3",
    "mlperf-kws-dscnn",
    "mnist-lenet-v2",
    "teachable-tiny-image",
    "tinyvgg-cnn-explainer",
  ])("%s is the same graph from its own files, from a .h5 and from a .keras", async (name) => {
    const artifacts = await readArtifacts(join(folder, name, "model.json"));
    const model = await loadInTfjs(artifacts);
    const topology = artifacts.modelTopology as { model_config?: unknown };
    const config = topology.model_config ?? topology;
    const wanted = simplify(importModel(artifacts));
    for (const file of [await savedAsHdf5(model, config), await savedAsZip(model, config)]) {
      const keras = await readKeras(file);
      const graph = simplify(importModel(keras));
      expect(graph.inputs).toEqual(wanted.inputs);
      expect(graph.outputs.map((output) => output.name)).toEqual(wanted.outputs.map((output) => output.name));
      expect(graph.nodes.map(({ op, attrs }) => [op, attrs])).toEqual(
        wanted.nodes.map(({ op, attrs }) => [op, attrs]),
      );
      for (const [i, { weights }] of wanted.nodes.entries()) {
        for (const [role, key] of Object.entries(weights)) {
          const got = graph.weights.get(graph.nodes[i].weights[role]);
          const want = wanted.weights.get(key);
          expect(got?.shape).toEqual(want?.shape);
          const bytes = [got, want].map((weight) =>
            Buffer.from(new Uint8Array(weight?.data.slice().buffer ?? [])),
          );
          expect(Buffer.compare(bytes[0], bytes[1]), `${role} of node ${i}`).toBe(0);
        }
      }
    }
    model.dispose();
  });
});
