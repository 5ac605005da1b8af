/** Generated nets of the zoo: published kinds of topology, weights such as training leaves, all from seeds. */

import { createRandom } from "../../../src/data/index.js";
import type { ModelArtifacts } from "../../../src/graph/index.js";
import { modelArtifacts } from "../../../src/tfjs.js";
import { openTfjs } from "../../tfjs.js";
import type { ZooModel } from "../model.js";
import { hasPhotos, type PixelScale, photoCrops, photoFolder } from "../photos.js";
import { type Character, NetBuilder, type Value } from "./builder.js";
import { classifier, mapHead } from "./heads.js";
import { kinds, type TopologyName } from "./topologies.js";

type HeadName = "classes" | "map" | "mask";

export interface Recipe {
  readonly topology: TopologyName;
  readonly depth: number;
  /** Pixels of a side. */
  readonly size: number;
  readonly heads: readonly HeadName[];
  readonly character?: Partial<Character>;
}

const even: Character = { uneven: 0.3, dead: 0.02, outliers: 0, isFolded: false };

/** Each kind twice: as it comes, and harder. */
const recipes: readonly Recipe[] = [
  { topology: "vgg", depth: 10, size: 48, heads: ["classes"], character: { isFolded: true } },
  { topology: "vgg", depth: 14, size: 64, heads: ["classes"], character: { uneven: 0.8, outliers: 0.03 } },
  { topology: "normalizedAfter", depth: 10, size: 48, heads: ["classes"] },
  { topology: "mobilenetV1", depth: 27, size: 64, heads: ["classes"] },
  { topology: "mobilenetV1", depth: 27, size: 96, heads: ["classes"], character: { uneven: 0.8, dead: 0.1 } },
  { topology: "mobilenetV2", depth: 32, size: 96, heads: ["classes"], character: { uneven: 0.5 } },
  {
    topology: "mobilenetV2",
    depth: 52,
    size: 64,
    heads: ["classes", "map"],
    character: { uneven: 0.8, dead: 0.1 },
  },
  { topology: "mobilenetV2", depth: 100, size: 32, heads: ["classes"], character: { isFolded: true } },
  { topology: "mobilenetV3", depth: 30, size: 64, heads: ["classes"], character: { uneven: 0.5 } },
  {
    topology: "mobilenetV3",
    depth: 45,
    size: 48,
    heads: ["classes"],
    character: { uneven: 0.6, outliers: 0.01 },
  },
  { topology: "efficientnet", depth: 40, size: 64, heads: ["classes"], character: { uneven: 0.5 } },
  { topology: "resnet", depth: 20, size: 32, heads: ["classes"] },
  { topology: "resnet", depth: 56, size: 32, heads: ["classes"], character: { uneven: 0.6, isFolded: true } },
  { topology: "darknet", depth: 24, size: 48, heads: ["map"], character: { uneven: 0.5 } },
  {
    topology: "darknet",
    depth: 40,
    size: 32,
    heads: ["classes"],
    character: { uneven: 0.8, outliers: 0.02 },
  },
  { topology: "preactivated", depth: 20, size: 32, heads: ["classes"], character: { uneven: 0.5 } },
  { topology: "preactivated", depth: 44, size: 32, heads: ["classes"] },
  { topology: "densenet", depth: 30, size: 48, heads: ["classes"], character: { uneven: 0.5 } },
  {
    topology: "inception",
    depth: 36,
    size: 48,
    heads: ["classes"],
    character: { uneven: 0.6, isFolded: true },
  },
  { topology: "blazeface", depth: 34, size: 64, heads: ["classes", "map"], character: { isFolded: true } },
  { topology: "blazeface", depth: 72, size: 64, heads: ["map"], character: { uneven: 0.8, isFolded: true } },
  { topology: "blazeface", depth: 150, size: 32, heads: ["classes", "map"], character: { uneven: 0.5 } },
  { topology: "unet", depth: 24, size: 64, heads: ["mask"], character: { uneven: 0.5 } },
  { topology: "unet", depth: 36, size: 96, heads: ["map"], character: { uneven: 0.8, isFolded: true } },
];

/** Samples that a net is built on, that calibrate it, and that judge it. */
const counts = { built: 64, calibration: 64, heldOut: 100 };

function generated(recipe: Recipe, seed: number): ZooModel {
  const { topology, depth, size } = recipe;
  // Half of them take pixels in [0, 1], the others in [-1, 1].
  const pixels: PixelScale =
    seed % 2 === 0 ? { scale: 1 / 255, offset: 0 } : { scale: 1 / 127.5, offset: -1 };
  const shape = [size, size, 3];
  const crops = (set: "calibration" | "heldOut", count: number, cropSeed: number) =>
    photoCrops({ set, count, seed: cropSeed, shape, pixels });
  return {
    name: `${topology}-${depth}-${size}${recipe.character?.isFolded ? "-folded" : ""}`,
    family: "generated",
    bars: {},
    ...(!hasPhotos && { missing: `${photoFolder} is absent` }),
    samples: async () => ({
      calibration: await crops("calibration", counts.calibration, seed + 1000),
      sets: [{ name: "", x: await crops("heldOut", counts.heldOut, seed + 2000) }],
    }),
    artifacts: async () => generate(recipe, seed, await crops("calibration", counts.built, seed + 3000)),
  };
}

/**
 * A net of a recipe: the same for the same seed and samples.
 *
 * @param x f32[count][size][size][3], what the net is built on
 */
export async function generate(
  { topology, depth, size, heads, character }: Recipe,
  seed: number,
  x: Float32Array,
): Promise<ModelArtifacts> {
  const tf = await openTfjs();
  const make = () => {
    const b = new NetBuilder(tf, createRandom(seed), { ...even, ...character });
    const input = b.input([size, size, 3], x);
    const features = kinds[topology](b, input, depth);
    const makers: Readonly<Record<HeadName, () => Value>> = {
      classes: () => classifier(b, features, input),
      map: () => mapHead(b, features, input, "linear"),
      mask: () => mapHead(b, features, input, "sigmoid"),
    };
    return tf.model({
      name: topology,
      inputs: input.symbol,
      outputs: heads.map((head) => makers[head]().symbol),
    });
  };
  tf.engine().startScope();
  const model = make();
  tf.engine().endScope();
  const artifacts = await modelArtifacts(model);
  model.dispose();
  return artifacts;
}

export const generatedModels: readonly ZooModel[] = recipes.map((recipe, i) => generated(recipe, 31 + i));
