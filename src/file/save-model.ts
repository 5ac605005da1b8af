import type { ModelArtifacts } from "../graph/index.js";
import { requireNode } from "./node.js";
import { type SaveOptions, saveFile } from "./save.js";

export interface SaveModelOptions extends SaveOptions {
  /** Bytes of a shard at most, as tfjs' converter writes 4 MiB, which browsers cache. Default: one shard. */
  readonly shardBytes?: number;
}

/**
 * Writes a TensorFlow.js model: `model.json` and its weights beside it. Node only.
 *
 * The shards are on the disk before the model.json that names them, and never take the names of those of the
 * model that it replaces: at every moment the folder holds the old model whole or the new one whole.
 *
 * @param folder made if it is not there
 * @param artifacts the model; `weightData` holds the weights of `weightSpecs` one after the other
 * @returns path of the model.json
 * @throws what node:fs throws, and the reason of `signal`: what was written by then is taken away
 */
export async function saveModel(
  folder: string,
  artifacts: ModelArtifacts,
  options: SaveModelOptions = {},
): Promise<string> {
  const fs = requireNode("node:fs/promises");
  const { join } = requireNode("node:path");
  const { modelTopology, weightSpecs, weightData, format, signature } = artifacts;
  const { shardBytes, ...saving } = options;
  await fs.mkdir(folder, { recursive: true });
  const path = join(folder, "model.json");
  const old = oldShards(await fs.readFile(path, "utf8").catch(() => ""));
  const shards = splitShards(weightData, shardBytes, freePrefix(old));
  const model = {
    format: format ?? "layers-model",
    generatedBy: "pare",
    convertedBy: null,
    ...(signature === undefined ? {} : { signature }),
    modelTopology,
    weightsManifest: [{ paths: shards.map(({ name }) => name), weights: weightSpecs }],
  };
  try {
    for (const { name, data } of shards) await saveFile(join(folder, name), data, saving);
    await saveFile(path, JSON.stringify(model), saving);
  } catch (error) {
    for (const { name } of shards) await fs.rm(join(folder, name), { force: true });
    throw error;
  }
  // Of the model that was replaced, only what has a name of ours.
  for (const name of old.filter(isOurs)) await fs.rm(join(folder, name), { force: true });
  return path;
}

interface Shard {
  readonly name: string;
  readonly data: Uint8Array;
}

function splitShards(data: Uint8Array, shardBytes: number | undefined, prefix: string): readonly Shard[] {
  const count = shardBytes === undefined ? 1 : Math.max(1, Math.ceil(data.length / shardBytes));
  if (shardBytes === undefined || count === 1) return [{ name: `${prefix}.bin`, data }];
  return Array.from({ length: count }, (_, i) => ({
    name: `${prefix}-${i + 1}of${count}.bin`,
    data: data.subarray(i * shardBytes, (i + 1) * shardBytes),
  }));
}

/** Two beginnings of names, taken in turns. */
const prefixes: readonly string[] = ["weights", "weights-2"];

const shardName = /^(weights(?:-2)?)(?:-\d+of\d+)?\.bin$/;

/** What no shard of the old model begins with. */
function freePrefix(old: readonly string[]): string {
  const taken = old.map((name) => shardName.exec(name)?.[1]);
  return prefixes.find((prefix) => !taken.includes(prefix)) ?? `weights-${crypto.randomUUID()}`;
}

const isOurs = (name: string) => shardName.test(name);

/** Shards that a model.json names; none if it is not one. */
function oldShards(json: string): string[] {
  try {
    const { weightsManifest } = JSON.parse(json) as { weightsManifest: { paths: string[] }[] };
    return weightsManifest.flatMap((group) => group.paths);
  } catch {
    return [];
  }
}
