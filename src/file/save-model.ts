import type { ModelArtifacts } from "../graph/index.js";
import { requireNode } from "./node.js";
import { type SaveOptions, saveFile } from "./save.js";

/**
 * Writes a TensorFlow.js model: `model.json` and one shard beside it. Node only.
 *
 * The shard is on the disk before the model.json that names it, and never takes the name of the shard of
 * the model that it replaces: at every moment the folder holds the old model whole or the new one whole.
 *
 * @param folder made if it is not there
 * @param artifacts the model; `weightData` holds the weights of `weightSpecs` one after the other
 * @returns path of the model.json
 */
export async function saveModel(
  folder: string,
  artifacts: ModelArtifacts,
  options: SaveOptions = {},
): Promise<string> {
  const fs = requireNode("node:fs/promises");
  const { join } = requireNode("node:path");
  const { modelTopology, weightSpecs, weightData, format, signature } = artifacts;
  await fs.mkdir(folder, { recursive: true });
  const path = join(folder, "model.json");
  const old = oldShards(await fs.readFile(path, "utf8").catch(() => ""));
  const shard = shardNames.find((name) => !old.includes(name)) ?? `weights-${crypto.randomUUID()}.bin`;
  await saveFile(join(folder, shard), weightData, options);
  const model = {
    format: format ?? "layers-model",
    generatedBy: "pare",
    convertedBy: null,
    ...(signature === undefined ? {} : { signature }),
    modelTopology,
    weightsManifest: [{ paths: [shard], weights: weightSpecs }],
  };
  try {
    await saveFile(path, JSON.stringify(model), options);
  } catch (error) {
    await fs.rm(join(folder, shard), { force: true });
    throw error;
  }
  // Of the model that was replaced, only what has a name of ours.
  for (const name of old.filter((name) => shardNames.includes(name))) {
    await fs.rm(join(folder, name), { force: true });
  }
  return path;
}

/** Two names, taken in turns. */
const shardNames: readonly string[] = ["weights.bin", "weights-2.bin"];

/** Shards that a model.json names; none if it is not one. */
function oldShards(json: string): string[] {
  try {
    const { weightsManifest } = JSON.parse(json) as { weightsManifest: { paths: string[] }[] };
    return weightsManifest.flatMap((group) => group.paths);
  } catch {
    return [];
  }
}
