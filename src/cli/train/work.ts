/** Where a recipe keeps what is done: a folder beside its output, from which a run that was killed goes on. */

import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ModelArtifacts, readArtifacts, saveFile, saveModel } from "../../index.js";
import type { FineTuneResult } from "../../tfjs.js";
import { UsageError } from "../errors.js";

/** What a stage came to. */
export type StageOutcome = Pick<
  FineTuneResult,
  "steps" | "epochs" | "sparsity" | "pruned" | "seconds" | "ranges"
>;

export interface Work {
  /** What stage i came to, counted from 0; undefined where it is not finished. */
  outcome(i: number): Promise<StageOutcome | undefined>;
  /** The model that stage i left. */
  model(i: number): Promise<ModelArtifacts>;
  /** A file for the checkpoint of a run within stage i. */
  checkpointPath(i: number, run: string): string;
  /** Stage i is finished once this is through, and not before. */
  finish(i: number, model: ModelArtifacts, outcome: StageOutcome): Promise<void>;
}

const marker = "run.json";

/**
 * @param folder made if it is not there
 * @param fingerprint of recipe, model and data
 * @param restart begins afresh, whatever is there
 * @throws UsageError where what is there belongs to another recipe, unless that came to nothing
 */
export async function openWork(folder: string, fingerprint: string, restart: boolean): Promise<Work> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  const known = await readJson(join(folder, marker));
  if (known === undefined && names.some((name) => !name.startsWith("."))) {
    throw new UsageError(`${folder}: wanted a folder of pare train, got one of something else`);
  }
  const isOther = known?.fingerprint !== fingerprint;
  const isBegun = names.some((name) => name.startsWith("stage-"));
  if (isOther && isBegun && !restart) {
    throw new UsageError(
      `${folder}: holds a run of another recipe, model or data; --restart throws it away and begins afresh`,
    );
  }
  if (isOther || restart) {
    // The marker last: as long as it is the old one, what is left belongs to it.
    for (const name of names.filter(isOurs)) await rm(join(folder, name), { recursive: true });
    await saveFile(join(folder, marker), JSON.stringify({ fingerprint }));
  }
  return workIn(folder);
}

const isOurs = (name: string) => /^\.?stage-\d/.test(name);

function workIn(folder: string): Work {
  const stage = (i: number) => join(folder, `stage-${i + 1}`);
  return {
    outcome: async (i) => (await readJson(join(stage(i), "outcome.json"))) as StageOutcome | undefined,
    model: (i) => readArtifacts(join(stage(i), "model.json")),
    checkpointPath: (i, run) => join(folder, `stage-${i + 1}-${run}.checkpoint`),
    async finish(i, model, outcome) {
      await saveModel(stage(i), model);
      await saveFile(join(stage(i), "outcome.json"), JSON.stringify(outcome));
      // With what a kill left of one that was being written: ".stage-1-run.checkpoint.<uuid>.tmp".
      const own = new RegExp(`^\\.?stage-${i + 1}-`);
      const names = (await readdir(folder)).filter((name) => own.test(name));
      for (const name of names) await rm(join(folder, name), { force: true });
    },
  };
}

/** What a file of ours says; undefined where it is not there. */
async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(path, "utf8").catch((error) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? undefined : JSON.parse(text);
}

/**
 * What decides the numbers of a run, as one line.
 *
 * @param settings of the recipe, apart from where its output goes
 * @param arrays weights and data
 */
export async function fingerprintOf(settings: unknown, arrays: readonly ArrayBufferView[]): Promise<string> {
  const texts = [new TextEncoder().encode(canonical(settings)), ...arrays];
  const hashes: string[] = [];
  for (const { buffer, byteOffset, byteLength } of texts) {
    const bytes = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    hashes.push(Buffer.from(hash).toString("hex"));
  }
  return hashes.join(" ");
}

/** JSON with the keys of every object in order: a recipe that is only written otherwise is the same. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
