/** Whole models, one sample at a time: a `.pare` file against the tfjs model that it was made of. */

import type { LayersModel } from "@tensorflow/tfjs";
import { drawDigits } from "../../src/data/index.js";
import { compress, load } from "../../src/index.js";
import { createKernels } from "../../src/kernels.js";
import type { Model } from "../../src/runtime.js";
import { modelArtifacts } from "../../src/tfjs.js";
import type { Contest, TimeCase } from "../contest.js";
import { heNormal } from "../data.js";
import { matchAll, matchExact, matchRelative } from "../match.js";
import { openTfjs, readingSide, readTensor } from "../tfjs.js";

/** A kind of model: how it is made, and samples that look like what it is for. */
interface Net {
  build(tf: Awaited<ReturnType<typeof openTfjs>>): LayersModel;
  /** f32[count][...shape] */
  samples(count: number): Float32Array;
  readonly shape: readonly number[];
}

const lenet: Net = {
  shape: [784],
  build: (tf) =>
    tf.sequential({
      layers: [
        tf.layers.dense({ units: 300, activation: "relu", inputShape: [784] }),
        tf.layers.dense({ units: 100, activation: "relu" }),
        tf.layers.dense({ units: 10, activation: "softmax" }),
      ],
    }),
  samples: (count) => Float32Array.from(drawDigits({ count, seed: 5 }).images, (pixel) => pixel / 255),
};

export interface ModelCase {
  readonly net: string;
  readonly zeros: number;
  readonly pattern?: "1x4" | "4x4";
}

const nets: Readonly<Record<string, Net>> = { "lenet-300-100": lenet };

export const models: readonly ModelCase[] = [
  { net: "lenet-300-100", zeros: 0 },
  { net: "lenet-300-100", zeros: 90, pattern: "1x4" },
  { net: "lenet-300-100", zeros: 90, pattern: "4x4" },
];

export const modelName = ({ net, zeros, pattern }: ModelCase): string =>
  `${net} s${zeros}${pattern ? ` ${pattern}` : ""}`;

export const modelCases: readonly TimeCase[] = models.map((entry) => ({
  suite: "models",
  name: modelName(entry),
  subject: "pare",
  peer: "tfjs-wasm layers",
  prepare: () => prepare(entry),
}));

export const modelNote =
  "models: batch 1, He-normal weights of a seed (speed does not depend on training), kernels with at least 16 " +
  "outputs pruned by pare and given back to tfjs, so both run the same network; int8 by compress(), written, " +
  "loaded, run. tfjs: predict(), dataSync(), dispose(), its input made beforehand.";

// Of a network that nobody trained: rounding the activations of each layer to u7 moves the outputs by 1-3 %.
const outputBound = 0.05;
const compared = 50;

export interface BuiltModel {
  readonly model: LayersModel;
  /** What compress() made, as it runs before it is written. */
  readonly unsaved: Model;
  readonly bytes: Uint8Array;
  readonly samples: Float32Array;
  readonly shape: readonly number[];
}

/** The tfjs model of a case, and the `.pare` file that compress() makes of it. */
export async function buildModel({ net: name, zeros, pattern }: ModelCase): Promise<BuiltModel> {
  const tf = await openTfjs();
  const net = nets[name];
  const model = net.build(tf);
  const kernels = createKernels();
  model.setWeights(
    model.getWeights().map((weight, i) => {
      const [inputs, outputs] = weight.shape;
      if (weight.shape.length !== 2) return tf.zeros(weight.shape);
      const w = heNormal(inputs, outputs, 10 + i);
      if (pattern && outputs >= 16)
        kernels.pruneBlocks(w, { inputs, outputs, pattern, sparsity: zeros / 100 });
      return tf.tensor2d(w, [inputs, outputs]);
    }),
  );
  const samples = net.samples(compared);
  const result = await compress(await modelArtifacts(model), { calibration: samples });
  return { model, unsaved: result.createModel(), bytes: await result.bytes(), samples, shape: net.shape };
}

async function prepare(entry: ModelCase): Promise<Contest> {
  const tf = await openTfjs();
  const { model, unsaved, bytes, samples, shape } = await buildModel(entry);
  unsaved.dispose();
  const pare = await load(bytes);
  const reference = await load(bytes, { variant: "reference" });
  const output = pare.outputs[0].name;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const sample = samples.slice(0, size);
  const input = tf.tensor(sample, [1, ...shape]);
  const predict = () => model.predict(input) as ReturnType<typeof tf.tensor>;
  const all = tf.tensor(samples, [compared, ...shape]);
  const ours = pare.run(samples)[output].slice();
  const match = matchAll(
    matchExact("reference", ours, reference.run(samples)[output]),
    matchRelative("tfjs", ours, readTensor(model.predict(all) as ReturnType<typeof tf.tensor>), outputBound),
  );
  all.dispose();
  reference.dispose();
  return {
    match,
    subject: { name: "pare", run: () => pare.run(sample)[output] },
    peer: readingSide("tfjs-wasm layers", predict),
    dispose() {
      input.dispose();
      model.dispose();
      pare.dispose();
    },
  };
}
