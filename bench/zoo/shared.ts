/** The models of `../shared/models`, each with data of its own kind and scale. */

import { existsSync, readFileSync } from "node:fs";
import { readClassPictures, readPictures } from "../../src/cli/images.js";
import { createRandom, csvMatrix, parseCsv } from "../../src/data/index.js";
import { type ModelArtifacts, readArtifacts } from "../../src/index.js";
import { mnist } from "../mnist.js";
import { joined } from "./arrays.js";
import type { Bars, EvaluationSet, Samples, ZooModel } from "./model.js";
import { hasPhotos, type PixelScale, photoCrops, photoFolder } from "./photos.js";

const models = "../shared/models";
const data = "../shared/data";

/** Scales that models here were trained with. */
const toOne: PixelScale = { scale: 1 / 255, offset: 0 };
const aroundZero: PixelScale = { scale: 1 / 127.5, offset: -1 };
/** What the library that publishes the detector feeds it: x / 127.5 - 0.5. */
const blazeface: PixelScale = { scale: 1 / 127.5, offset: -0.5 };

interface PhotoOptions {
  readonly calibration?: number;
  readonly heldOut?: number;
  readonly bars?: Bars;
  /** Pictures of its own, beside the crops. */
  readonly own?: (shape: readonly number[]) => Promise<{
    readonly calibration?: Float32Array;
    readonly sets: readonly EvaluationSet[];
  }>;
}

/** A model that looks at photographs. */
function onPhotos(name: string, pixels: PixelScale, options: PhotoOptions = {}): ZooModel {
  const { calibration = 32, heldOut = 64, bars = {}, own } = options;
  const samples = async (shape: readonly number[]): Promise<Samples> => {
    const pictures = await own?.(shape);
    const crops = await photoCrops({ set: "calibration", count: calibration, seed: 1, shape, pixels });
    const x = await photoCrops({ set: "heldOut", count: heldOut, seed: 2, shape, pixels });
    return {
      calibration: joined([crops, pictures?.calibration ?? new Float32Array(0)]),
      sets: [{ name: pictures ? "crops" : "", x }, ...(pictures?.sets ?? [])],
    };
  };
  return model(name, { samples, bars, needs: photoFolder, isHere: hasPhotos });
}

interface ModelOptions {
  readonly samples: ZooModel["samples"];
  readonly bars?: Bars;
  /** Path of its data. */
  readonly needs?: string;
  readonly isHere?: boolean;
}

function model(name: string, { samples, bars = {}, needs, isHere }: ModelOptions): ZooModel {
  const path = `${models}/${name}/model.json`;
  const absent = !existsSync(path) ? path : needs && !(isHere ?? existsSync(needs)) ? needs : undefined;
  return {
    name,
    family: "shared",
    bars,
    samples,
    artifacts: async () => withNames(await readArtifacts(path)),
    ...(absent !== undefined && { missing: `${absent} is absent` }),
  };
}

const scaled = (pixels: ArrayLike<number>, { scale, offset }: PixelScale) =>
  Float32Array.from(pixels, (pixel) => pixel * scale + offset);

async function teachableImages(shape: readonly number[]) {
  const { pictures, labels } = await readClassPictures(`${models}/teachable-image-mobilenetv2/images`, shape);
  const x = scaled(pictures.data as Uint8Array, aroundZero);
  return { sets: [{ name: "images", x, labels: Uint8Array.from(labels) }] };
}

/** Every other one calibrates: they are unlike crops of a few photographs. */
async function tinyvggImages(shape: readonly number[]) {
  const pictures = await readPictures(`${models}/tinyvgg-cnn-explainer`, shape);
  const x = scaled(pictures.data as Uint8Array, toOne);
  const size = x.length / pictures.shape[0];
  const half = (first: number) =>
    joined(
      Array.from({ length: pictures.shape[0] >> 1 }, (_, i) =>
        x.subarray((2 * i + first) * size).subarray(0, size),
      ),
    );
  return { calibration: half(0), sets: [{ name: "jpegs", x: half(1) }] };
}

/** MFCC of spoken words: the first hundred calibrate, all are judged, as targets of this data are stated. */
async function keywords(): Promise<Samples> {
  const bytes = readFileSync(`${data}/mlperf-kws01/X_1000x49x10_int8.bin`);
  const x = Float32Array.from({ length: bytes.length }, (_, i) => (bytes.readInt8(i) - 83) * 0.5847029);
  const labels = readFileSync(`${data}/mlperf-kws01/y_uint8.bin`);
  return { calibration: x.slice(0, 49_000), sets: [{ name: "", x, labels }] };
}

async function digits(): Promise<Samples> {
  const { train, test } = await mnist(`${data}/mnist`, [200, 10_000]);
  return { calibration: train.x, sets: [{ name: "t10k", x: test.x, labels: test.y }] };
}

/** As abalone-node of tfjs-examples has it: F, M, I are 0, 1, 2, the measures are as they are. */
async function abalone(): Promise<Samples> {
  const table = parseCsv(readFileSync(`${data}/abalone/abalone.csv`, "utf8"));
  const rows = table.rows.map(([sex, ...row]) => [String(["F", "M", "I"].indexOf(sex)), ...row]);
  const x = Float32Array.from(csvMatrix({ ...table, rows }, [0, 1, 2, 3, 4, 5, 6, 7]).data as Float64Array);
  return { calibration: x.slice(0, 800), sets: [{ name: "", x: x.slice(800) }] };
}

/** Words of a review by their number, frequent ones first (Zipf), zeros in front of short ones. */
async function reviews(): Promise<Samples> {
  const random = createRandom(8);
  const review = () => {
    const words = 5 + random.below(36);
    return Array.from({ length: 40 }, (_, i) => (i < 40 - words ? 0 : Math.floor(452 ** random.uniform())));
  };
  const some = (count: number) => Float32Array.from(Array.from({ length: count }, review).flat());
  return { calibration: some(100), sets: [{ name: "", x: some(200) }] };
}

/** Every one that is tried; those whose files are absent say so. */
export const sharedModels: readonly ZooModel[] = [
  model("mlperf-kws-dscnn", { samples: keywords, needs: `${data}/mlperf-kws01`, bars: { accuracy: 0.914 } }),
  model("mnist-lenet-v2", { samples: digits, needs: `${data}/mnist`, bars: { accuracy: 0.9865 } }),
  model("abalone-mlp", { samples: abalone, needs: `${data}/abalone` }),
  model("imdb-gru3", { samples: reviews }),
  onPhotos("tinyvgg-cnn-explainer", toOne, { calibration: 100, own: tinyvggImages }),
  onPhotos("teachable-tiny-image", aroundZero, { calibration: 100, heldOut: 200 }),
  onPhotos("teachable-image-mobilenetv2", aroundZero, {
    heldOut: 200,
    own: teachableImages,
    bars: { agreement: { images: 1, crops: 0.98 } },
  }),
  onPhotos("blazeface-graph", blazeface),
  onPhotos("facemesh-detection-short-graph", aroundZero),
  onPhotos("gear-e1-graph", aroundZero, { calibration: 100, heldOut: 200 }),
  onPhotos("meet-graph", toOne),
  onPhotos("handlandmark-lite-graph", toOne, {
    bars: { excepted: { Identity_1: "hand presence: next to nothing on photographs without hands" } },
  }),
];

interface Layer {
  readonly class_name: string;
  readonly config: unknown;
}

/** Containers without a name, as Teachable Machine writes two of them, get one each: the importer wants them to differ. */
function withNames(artifacts: ModelArtifacts): ModelArtifacts {
  const topology = artifacts.modelTopology as Partial<Layer>;
  if (!Array.isArray(topology.config)) return artifacts;
  const config = (topology.config as Layer[]).map((layer, i) =>
    Array.isArray(layer.config) ? { ...layer, config: { name: `part_${i}`, layers: layer.config } } : layer,
  );
  return { ...artifacts, modelTopology: { ...topology, config } };
}
