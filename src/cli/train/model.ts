/** The model that a recipe begins with: one that there is, or layers with first weights. */

import { createRandom } from "../../data/index.js";
import { type ModelArtifacts, readArtifacts } from "../../index.js";
import type { ValueInfo } from "../../runtime.js";
import type * as PareTfjs from "../../tfjs.js";
import { UsageError } from "../errors.js";
import { loadTfjsModel, type Tfjs } from "../peer.js";
import type { TrainRecipe } from "./recipe.js";

/**
 * @returns the model as a file would have it; with the same seed always the same
 * @throws UsageError for layers that tfjs cannot build; what reading a model throws
 */
export async function openStart(
  { model, seed = 0, teacher }: TrainRecipe,
  tf: typeof Tfjs,
  pare: typeof PareTfjs,
): Promise<ModelArtifacts> {
  if (typeof model === "string") return readArtifacts(model, { forTfjs: true });
  if ("thinner" in model) {
    const [first] = await loadTeachers(teacher, tf);
    try {
      return await artifactsOf(pare.thinnerCopy(first, { width: model.thinner, seed }), pare);
    } finally {
      first.dispose();
    }
  }
  const topology = "layers" in model ? { class_name: "Sequential", config: { layers: model.layers } } : model;
  // Twice: the first one says all that layers have by default, the seeds of their first weights among it.
  const plain = await build(tf, topology);
  const config = seedInitializers(plain.toJSON(undefined, false), seed) as object;
  plain.dispose();
  return artifactsOf(await build(tf, config), pare);
}

async function build(tf: typeof Tfjs, modelTopology: object): Promise<Tfjs.LayersModel> {
  try {
    type Topology = Parameters<typeof tf.models.modelFromJSON>[0];
    const model = await tf.models.modelFromJSON({ modelTopology } as Topology);
    // Without an input shape a Sequential is built when it is called, and that is too late.
    if (model.weights.length > 0) return model;
  } catch (error) {
    throw new UsageError(`model: tfjs cannot build it: ${(error as Error).message}`, { cause: error });
  }
  throw new UsageError("model: wanted layers with weights, the first with a batch_input_shape");
}

async function artifactsOf(model: Tfjs.LayersModel, pare: typeof PareTfjs): Promise<ModelArtifacts> {
  try {
    return await pare.modelArtifacts(model);
  } finally {
    model.dispose();
  }
}

/** A copy of a topology whose initializers all have a seed, each its own unless it says one. */
function seedInitializers(topology: unknown, seed: number): unknown {
  const random = createRandom(seed);
  return JSON.parse(JSON.stringify(topology), (key, value) => {
    if (!/initializer$/.test(key) || !Object.hasOwn(Object(value?.config), "seed")) return value;
    const own = typeof value.config.seed === "number" ? value.config.seed : random.uint32();
    return { ...value, config: { ...value.config, seed: own || instead } };
  });
}

// For 0, which tfjs' normal distributions take for no seed at all. Never drawn.
const instead = 2 ** 32;

/** @throws UsageError where one is a graph model, which cannot be trained */
export async function openLayers(tf: typeof Tfjs, artifacts: ModelArtifacts): Promise<Tfjs.LayersModel> {
  const model = await loadTfjsModel(tf, artifacts);
  if ("layers" in model) return model;
  model.dispose();
  throw new UsageError("model: wanted a layers model, got a graph model, which tfjs cannot train");
}

export interface Ends {
  readonly input: ValueInfo;
  /** See `outputShape`. */
  readonly output: readonly number[];
}

/** @throws UsageError where it has several inputs, or sizes that are open */
export async function endsOf(tf: typeof Tfjs, artifacts: ModelArtifacts): Promise<Ends> {
  const model = await openLayers(tf, artifacts);
  const { inputs } = model;
  const output = outputShape(model);
  model.dispose();
  const [name, shape] = [inputs[0].name, inputs[0].shape.slice(1)];
  if (inputs.length === 1 && shape.every((size) => size !== null)) {
    return { input: { name, shape: shape as number[] }, output };
  }
  throw new UsageError(
    `model: wanted one input of known sizes, got ${inputs.map((one) => `[${one.shape}]`).join(", ")}`,
  );
}

/** Of the first output, for a sample; sizes that are open count as 1. */
export function outputShape({ outputs }: Tfjs.LayersModel): number[] {
  return (outputs[0].shape as (number | null)[]).slice(1).map((size) => size ?? 1);
}

export async function loadTeachers(
  teacher: TrainRecipe["teacher"],
  tf: typeof Tfjs,
): Promise<Tfjs.LayersModel[]> {
  const paths = teacher === undefined ? [] : typeof teacher === "string" ? [teacher] : teacher;
  const models: Tfjs.LayersModel[] = [];
  for (const path of paths) models.push(await openLayers(tf, await readArtifacts(path, { forTfjs: true })));
  return models;
}
