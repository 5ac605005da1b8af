/** pare demo: the whole story on digits, from training in tfjs to a sparse int8 file that runs. */

import { access, constants, mkdtemp, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { compress, type ModelArtifacts, saveFile } from "../../index.js";
import { load } from "../../runtime.js";
import { type Digits, drawnData, firstOf, folderData } from "../demo/data.js";
import { accuracyOn, f32Candidate, measureAll } from "../demo/measure.js";
import { type DemoSummary, describeDemo } from "../demo/summary.js";
import { layerNames, type TrainingSettings, trainBoth } from "../demo/train.js";
import { formatCount, formatPercent, formatSeconds } from "../format.js";
import { colorsFor, type Host, note, printJson, warnOfReference } from "../host.js";
import { integerIn, withJson } from "../options.js";
import { wantFolderOf } from "../overwrite.js";
import { loadTfjs } from "../peer.js";
import { withProgress } from "../progress.js";

interface DemoOptions {
  readonly data?: string;
  readonly output?: string;
  readonly samples: number;
  readonly epochs?: number;
  readonly sparseEpochs?: number;
  readonly seed: number;
  readonly json: boolean;
}

export function addDemo(program: Command, host: Host): void {
  const command = program
    .command("demo")
    .description("train LeNet-300-100 on digits, prune it, make it int8, and show what that gives")
    .option("--data <FOLDER>", "MNIST's four files, gzipped or not (default: digits drawn here)")
    .option("-o, --output <FILE>", "the .pare file (default: in a new folder for temporary files)")
    .option("--samples <N>", "digits to draw for training", integerIn(600, 200_000), 12_000)
    .option("--epochs <N>", "of training dense", integerIn(1, 1000))
    .option("--sparse-epochs <N>", "of training on while pruning", integerIn(1, 1000))
    .option("--seed <N>", "of digits, first weights and order", integerIn(0), 7);
  withJson(command).action((options: DemoOptions) => demo(host, options));
}

const calibrationSamples = 1000;
const timingRounds = 100;

/** Settings were chosen on held-out parts of the training sets, never on a test set. */
function settingsFor({ data, epochs, sparseEpochs, seed }: DemoOptions): TrainingSettings {
  const [first, second] = layerNames;
  const defaults =
    data === undefined
      ? { denseEpochs: 20, sparseEpochs: 20, batchSize: 128 }
      : { denseEpochs: 8, sparseEpochs: 14, batchSize: 256 };
  return {
    denseEpochs: epochs ?? defaults.denseEpochs,
    sparseEpochs: sparseEpochs ?? defaults.sparseEpochs,
    batchSize: defaults.batchSize,
    learningRate: 0.002,
    finalRate: 0.02,
    pruneUntil: 0.5,
    pattern: "1x4",
    // The last layer has 1,000 of 266,200 weights: nothing to win there.
    sparsities: { [first]: 0.935, [second]: 0.89 },
    seed,
  };
}

async function demo(host: Host, options: DemoOptions): Promise<void> {
  const begin = performance.now();
  const say = (text: string) => {
    if (!options.json) note(host, text);
  };
  // Now, not after a minute of training.
  if (options.output !== undefined) {
    await wantFolderOf(options.output);
    await access(dirname(options.output), constants.W_OK);
  }
  const tf = await loadTfjs();
  const pareTfjs = await import("../../tfjs.js");
  const data = await withProgress(host, "reading digits", () =>
    options.data === undefined
      ? Promise.resolve(drawnData(options.samples, options.seed))
      : folderData(options.data, options.seed),
  );
  const { train, validation, test } = data;
  const counts = [train, validation, test].map(({ count }) => formatCount(count));
  say(`data     ${data.name}: ${counts[0]} to train, ${counts[1]} to decide by, ${counts[2]} to test once`);

  const settings = settingsFor(options);
  const { dense, sparse } = await trainBoth(host, tf, pareTfjs, data, settings, (name, trained) => {
    const epochs = name === "dense" ? settings.denseEpochs : settings.sparseEpochs;
    const accuracy = formatPercent(trained.validationAccuracy);
    say(`${name.padEnd(8)} ${epochs} epochs in ${formatSeconds(trained.seconds)}: ${accuracy} on validation`);
  });

  const file = await makeFile(host, sparse.artifacts, train, options.output);
  warnOfReference(host, file.model.variant);
  const accuracy = await accuracyOn(host, file.model, validation, "checking the file");
  say(`int8     ${formatPercent(accuracy)} on validation, from ${file.path}`);

  const candidates = [
    await f32Candidate(host, "dense f32", dense.artifacts),
    await f32Candidate(host, "sparse f32", sparse.artifacts),
    { name: "sparse int8", model: file.model, pareBytes: file.bytes, artifacts: null },
  ];
  const { rows, tfjsMs } = await measureAll(host, tf, dense.artifacts, candidates, test, timingRounds);
  const { variant } = file.model;
  for (const { model } of candidates) model.dispose();
  const summary: DemoSummary = {
    data: data.name,
    samples: { train: train.count, validation: validation.count, test: test.count },
    settings,
    validation: { dense: dense.validationAccuracy, sparse: sparse.validationAccuracy, int8: accuracy },
    host: { node: process.version, variant },
    rows,
    tfjsMs,
    file: file.path,
    seconds: (performance.now() - begin) / 1000,
  };
  if (options.json) printJson(host, summary);
  else host.stdout.write(describeDemo(summary, colorsFor(host.stdout, host.env)));
}

/** Quantizes the sparse net, writes it and reads it back: what is measured is what is on the disk. */
async function makeFile(host: Host, artifacts: ModelArtifacts, train: Digits, output: string | undefined) {
  const result = await withProgress(host, "quantizing", (progress) =>
    compress(artifacts, {
      precision: "int8",
      calibration: firstOf(train, calibrationSamples).x,
      signal: host.signal,
      onProgress: ({ done, stage }) => progress.update(done, stage),
    }),
  );
  host.signal.throwIfAborted();
  const path = output ?? join(await mkdtemp(join(tmpdir(), "pare-demo-")), "digits.pare");
  await saveFile(path, await result.bytes(), { signal: host.signal });
  const model = await load(path);
  return { path, model, bytes: (await stat(path)).size };
}
