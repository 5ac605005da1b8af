/** pare train RECIPE.json: trains, distils, prunes and more, as a file says, and survives a kill. */

import { dirname, join } from "node:path";
import type { Command } from "commander";
import { importModel, type ModelArtifacts, readArtifacts } from "../../index.js";
import { UsageError } from "../errors.js";
import {
  formatBytes,
  formatCount,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatTable,
} from "../format.js";
import { type Host, note, printJson, warner } from "../host.js";
import { oddSamples } from "../odd-samples.js";
import { withJson } from "../options.js";
import { refuseOverwrite } from "../overwrite.js";
import { loadTfjs } from "../peer.js";
import { formatQuality } from "../quality.js";
import { sizeOf } from "../samples.js";
import { readTrainingSets, type TrainingSets } from "../train/data.js";
import { lossFor } from "../train/labelled.js";
import { endsOf, openStart } from "../train/model.js";
import { type Written, writeOutput } from "../train/output.js";
import { lossNames, readTrainRecipe, type TrainRecipe } from "../train/recipe.js";
import { describeKeys } from "../train/schema.js";
import { runStage, type Workshop } from "../train/stage.js";
import { outputsOf, stageKinds } from "../train/stages/index.js";
import { fingerprintOf, openWork, type StageOutcome } from "../train/work.js";

interface TrainFlags {
  readonly restart: boolean;
  readonly json: boolean;
}

export function addTrain(program: Command, host: Host): void {
  const command = program
    .command("train")
    .description(
      "run a training recipe: train, distil, prune, quantize, cluster, transfer, one stage after the other",
    )
    .argument("<recipe>", "JSON; its paths are meant from its own folder")
    .option("--restart", "throw away what was kept of a run before, and begin afresh", false)
    .addHelpText("after", () => `${epilogue}\n${describeKeys()}`);
  withJson(command).action((recipe: string, flags: TrainFlags) => train(host, recipe, flags));
}

const epilogue = `
A run that was interrupted or killed goes on where it was when it is started again: finished stages and
checkpoints are kept in the folder .train beside the output.

A recipe, short:
  {
    "data": { "train": { "x": "train.npy", "y": "labels.npy" }, "validation": 0.1, "scale": 0.00392157 },
    "model": "model.json",
    "stages": [{ "kind": "prune", "epochs": 5, "sparsity": 0.75, "pattern": "1x4" }, { "kind": "quantize", "epochs": 2 }],
    "output": { "model": "small/model.json", "pare": "small.pare" }
  }
Five whole ones are in docs/recipes.md of the package, a JSON Schema for editors in schema/train.schema.json.

Every key, by where it is; what has no default must be given, of alternatives one:
`;

async function train(host: Host, path: string, flags: TrainFlags): Promise<void> {
  const recipe = await readTrainRecipe(path);
  await refuseInputs(recipe, path);
  const tf = await loadTfjs();
  const pare = await import("../../tfjs.js");
  const start = await openStart(recipe, tf, pare);
  // What pare cannot pack is told before the training, not after it.
  if (recipe.output.pare !== undefined) importModel(start);
  const { input, output } = await endsOf(tf, start);
  const outputs = outputsOf(recipe.stages, output);
  const sets = await readTrainingSets(recipe.data, input, outputs, recipe.seed ?? 0);
  wantLoss(recipe, path, sets, outputs);
  const warn = warnOnce(host);
  for (const words of oddTraining(recipe.data, sets, input.shape)) warn(words);
  const fingerprint = await fingerprintOfRun(recipe, start, sets);
  const work = await openWork(join(dirname(recipe.output.model), ".train"), fingerprint, flags.restart);
  if (!flags.json) note(host, describeData(sets));
  const acceleration = await pare.accelerate(tf);
  try {
    const shop: Workshop = { host, tf, pare, recipe, sets, work, warn };
    const stages = await runStages(shop, start, flags.json);
    const last = stages.length - 1;
    const written = await writeOutput(host, tf, recipe, sets, await work.model(last), stages[last].ranges);
    report(host, recipe, stages, written, sets, flags.json);
  } finally {
    acceleration.undo();
  }
}

function warnOnce(host: Host): (message: string) => void {
  const said = new Set<string>();
  const warn = warner(host);
  return (message) => {
    if (!said.has(message)) warn(message);
    said.add(message);
  };
}

/** Words of warning about what is trained on; a table has columns that mean what they mean. */
function oddTraining(
  { train: source, scale }: TrainRecipe["data"],
  { train: { x, count } }: TrainingSets,
  shape: readonly number[],
): string[] {
  if ("csv" in source) return [];
  const areBytes = x.every((value) => Number.isInteger(value) && value >= 0 && value <= 255);
  const areRaw = scale === undefined && shape.length > 1 && areBytes && x.some((value) => value > 1);
  return [
    ...(areRaw
      ? ['data.train: trained on bytes from 0 to 255 as they are; "scale": 0.00392157 makes them 0 to 1']
      : []),
    ...oddSamples(x, count, "data.train"),
  ];
}

/** @throws UsageError where neither the recipe nor the labels say what a stage is to train for */
function wantLoss(
  { loss, stages }: TrainRecipe,
  path: string,
  { train }: TrainingSets,
  outputs: readonly (readonly number[])[],
): void {
  // A stage that makes a new head knows its loss.
  const needy = stages.findIndex(
    ({ kind }, i) => !stageKinds[kind].outputs && !lossFor(train, sizeOf(outputs[i])).loss,
  );
  if (loss !== undefined || needy < 0) return;
  throw new UsageError(
    `${path}: loss: wanted one of ${lossNames.join(", ")} for stages[${needy}], as its labels could be for several, got none`,
  );
}

async function refuseInputs({ output, data, model, teacher }: TrainRecipe, path: string): Promise<void> {
  const sources = [data.train, data.test, data.validation].flatMap((source) =>
    typeof source === "object" ? Object.values(source).filter((value) => typeof value === "string") : [],
  );
  const models = [model, teacher].flat().filter((value) => typeof value === "string");
  // The names that saveModel gives to shards: another model may have taken them first.
  const shards = ["weights.bin", "weights-2.bin"].map((name) => join(dirname(output.model), name));
  for (const target of [output.model, ...shards, output.pare]) {
    if (target !== undefined) await refuseOverwrite(target, [path, ...sources, ...models]);
  }
}

/** Whatever decides the numbers, but not where it lies. */
async function fingerprintOfRun(
  { seed = 0, data, loss, model, teacher = [], stages }: TrainRecipe,
  { modelTopology, weightData }: ModelArtifacts,
  { train, validation }: TrainingSets,
): Promise<string> {
  const teachers = await Promise.all([teacher].flat().map((path) => readArtifacts(path, { forTfjs: true })));
  const settings = {
    ...{ seed, loss, stages, augment: data.augment, teachers: teachers.map(({ sourceHash }) => sourceHash) },
    // Layers that are built here: tfjs counts up the names that it makes.
    model: typeof model === "string" ? modelTopology : model,
  };
  const sets = [train, ...(validation ? [validation] : [])];
  return fingerprintOf(settings, [weightData, ...sets.flatMap(({ x, y }) => [x, y])]);
}

interface StageReport extends StageOutcome {
  readonly kind: string;
  /** Finished by a run before this one. */
  readonly before: boolean;
}

async function runStages(shop: Workshop, start: ModelArtifacts, silent: boolean): Promise<StageReport[]> {
  const { host, recipe, work } = shop;
  const reports: StageReport[] = [];
  let model = start;
  for (const [i, { kind }] of recipe.stages.entries()) {
    const known = await work.outcome(i);
    const outcome = known ?? (await runStage(shop, i, model));
    host.signal.throwIfAborted();
    // Always as it is on the disk: a run that is taken up again has no other.
    model = await work.model(i);
    reports.push({ kind, before: known !== undefined, ...outcome });
    if (!silent) for (const line of describe(reports, recipe.stages.length)) note(host, line);
  }
  return reports;
}

/** Samples of each set, those without a label among them. */
function samplesOf({ train, validation, test, unlabelled }: TrainingSets) {
  return {
    train: train.count,
    validation: (validation?.count ?? 0) + unlabelled.validation,
    test: (test?.count ?? 0) + unlabelled.test,
  };
}

function describeData(sets: TrainingSets): string {
  const { train, validation, test } = samplesOf(sets);
  const words = (count: number, use: string, unlabelled: number) =>
    `${formatCount(count)} ${use}${unlabelled > 0 ? ` (${formatCount(unlabelled)} without a label)` : ""}`;
  return `samples: ${[
    words(train, "to train on", sets.unlabelled.train),
    ...(validation > 0 ? [words(validation, "for validation", sets.unlabelled.validation)] : []),
    ...(test > 0 ? [words(test, "to test", sets.unlabelled.test)] : []),
  ].join(", ")}`;
}

/** What a stage came to, and a line for each weight that it pruned or spared. */
function describe(reports: readonly StageReport[], all: number): string[] {
  const { kind, before, epochs, sparsity, pruned = [], seconds } = reports[reports.length - 1];
  const last = epochs.at(-1);
  const time = before ? "done before" : `in ${formatSeconds(seconds)}`;
  const words = [
    `${epochs.length} ${epochs.length === 1 ? "epoch" : "epochs"} ${time}`,
    ...(last ? [`loss ${formatNumber(last.loss)}`] : []),
    ...(last?.validation?.accuracy === undefined
      ? []
      : [`${formatPercent(last.validation.accuracy)} on validation`]),
    ...(sparsity > 0 ? [`${formatPercent(sparsity, 1)} zeros`] : []),
  ];
  return [
    `stage ${reports.length} of ${all}, ${kind}: ${words.join(", ")}`,
    ...pruned.map(
      (tensor) => `  ${tensor.name}: ${formatPercent(tensor.sparsity, 1)} zeros, ${tensor.reason}`,
    ),
  ];
}

function report(
  host: Host,
  { seed = 0 }: TrainRecipe,
  stages: readonly StageReport[],
  written: Written,
  sets: TrainingSets,
  json: boolean,
): void {
  if (json) {
    const { unlabelled, classes } = sets;
    printJson(host, {
      seed,
      samples: samplesOf(sets),
      unlabelled,
      ...(classes && { classes }),
      stages,
      ...written,
    });
    return;
  }
  const { quality, weightBytes, fileBytes } = written;
  const row = (name: string, bytes: number, of = quality?.model) => [
    name,
    formatBytes(bytes),
    of ? `${formatQuality(of)} on ${quality?.data}` : "",
  ];
  const rows = [row(written.model, weightBytes)];
  if (written.pare !== undefined && fileBytes !== undefined) {
    rows.push(row(written.pare, fileBytes, quality?.pare));
  }
  host.stdout.write(formatTable(["file", "bytes", "quality"], rows));
}
