/** The nets of the bench: how each is made, and samples that look like what it is for. */

import { existsSync, readFileSync } from "node:fs";
import type { LayersModel } from "@tensorflow/tfjs";
import { createRandom, drawDigits } from "../../src/data/index.js";
import type { ModelArtifacts } from "../../src/graph/index.js";
import { readArtifacts } from "../../src/index.js";
import { modelArtifacts } from "../../src/tfjs.js";
import { openTfjs, type Tfjs } from "../tfjs.js";
import { lenet300100, mobilenetv2, resnet8 } from "./built.js";

export interface Net {
  /** What compress() reads. */
  artifacts(): Promise<ModelArtifacts>;
  /** What its users call. */
  model(): Promise<LayersModel>;
  /** f32[count][...shape], seeded. */
  samples(count: number): Float32Array;
  readonly shape: readonly number[];
  /** Why it cannot be tried here; absent where it can. */
  readonly missing?: string;
}

const size = (shape: readonly number[]) => shape.reduce((product, dim) => product * dim, 1);

/** Noise through a box of 3 pixels, as bright as a photograph: white noise has no edges to find. */
function pictures(shape: readonly number[], low: number, high: number) {
  const [, width, channels] = shape;
  return (count: number) => {
    const random = createRandom(21);
    const noise = Float32Array.from({ length: size(shape) * count }, () => random.uniform());
    const near = (width + 1) * channels;
    return noise.map((value, i) => {
      const smooth = (value + (noise[i + channels] ?? value) + (noise[i + near] ?? value)) / 3;
      return low + (high - low) * smooth;
    });
  };
}

function built(shape: readonly number[], make: (tf: Tfjs) => LayersModel, samples: Net["samples"]): Net {
  let model: LayersModel | undefined;
  const open = async () => {
    model ??= make(await openTfjs());
    return model;
  };
  return { shape, samples, model: open, artifacts: async () => modelArtifacts(await open()) };
}

const models = "../shared/models";

function shared(name: string, shape: readonly number[], samples: Net["samples"]): Net {
  const path = `${models}/${name}/model.json`;
  const artifacts = () => readArtifacts(path);
  return {
    shape,
    samples,
    artifacts,
    ...(!existsSync(path) && { missing: `${path} is absent` }),
    async model() {
      const tf = await openTfjs();
      const { modelTopology, weightSpecs, weightData } = await artifacts();
      return tf.loadLayersModel(
        tf.io.fromMemory({
          modelTopology: modelTopology as object,
          weightSpecs: weightSpecs as never,
          weightData: weightData.slice().buffer,
        }),
      );
    },
  };
}

/** MFCC of spoken words where the data is there, else noise of their range. */
function words(count: number): Float32Array {
  const path = "../shared/data/mlperf-kws01/X_1000x49x10_int8.bin";
  if (!existsSync(path)) return pictures([49, 10, 1], -120, 30)(count);
  const bytes = readFileSync(path);
  return Float32Array.from({ length: 490 * count }, (_, i) => (bytes.readInt8(i) - 83) * 0.5847029);
}

function sentences(count: number): Float32Array {
  const random = createRandom(8);
  return Float32Array.from({ length: 40 * count }, () => random.below(400));
}

const digits = (count: number) =>
  Float32Array.from(drawDigits({ count, seed: 5 }).images, (pixel) => pixel / 255);

export const nets = {
  "lenet-300-100": built([784], lenet300100, digits),
  "mlperf-kws-dscnn": shared("mlperf-kws-dscnn", [49, 10, 1], words),
  "mnist-lenet-v2": shared("mnist-lenet-v2", [28, 28], digits),
  "tinyvgg-cnn-explainer": shared("tinyvgg-cnn-explainer", [64, 64, 3], pictures([64, 64, 3], 0, 1)),
  "teachable-tiny-image": shared("teachable-tiny-image", [96, 96, 1], pictures([96, 96, 1], -1, 1)),
  "imdb-gru3": shared("imdb-gru3", [40], sentences),
  resnet8: built([32, 32, 3], resnet8, pictures([32, 32, 3], -1, 1)),
  "mobilenetv2-1.0-224": built([224, 224, 3], mobilenetv2, pictures([224, 224, 3], -1, 1)),
} as const satisfies Readonly<Record<string, Net>>;

export type NetName = keyof typeof nets;
