/** pare export MODEL -o DIR: a Keras model as tfjs loads it. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { readArtifacts, saveModel } from "../../index.js";
import { UsageError } from "../errors.js";
import { formatBytes } from "../format.js";
import { type Host, note, printJson } from "../host.js";
import { formatOf } from "../open.js";
import { withJson, withRemote } from "../options.js";
import { refuseOverwrite } from "../overwrite.js";

interface ExportOptions {
  readonly output: string;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

/** As tfjs' converter has them: browsers cache files of this size. */
const shardBytes = 4 * 2 ** 20;

export function addExport(program: Command, host: Host): void {
  const command = program
    .command("export")
    .description("write a Keras file as a tfjs model: model.json and its weights")
    .argument("<model>", ".keras, .h5 or model.json")
    .requiredOption("-o, --output <DIR>", "the folder to write it to");
  withJson(withRemote(command)).action((model: string, options: ExportOptions) =>
    exportModel(host, model, options),
  );
}

async function exportModel(host: Host, path: string, options: ExportOptions): Promise<void> {
  const { output, allowRemote } = options;
  if ((await formatOf(path, allowRemote)) === "pare") {
    throw new UsageError(`${path}: wanted a Keras file or a model.json, got a .pare file`);
  }
  // A folder of shards may be that of the model that is read, whose model.json is elsewhere.
  const there = await readdir(output).catch(() => []);
  for (const name of ["model.json", ...there.filter((file) => /^weights.*\.bin$/.test(file))]) {
    await refuseOverwrite(join(output, name), [path]);
  }
  const artifacts = await readArtifacts(path, { allowRemote, forTfjs: true });
  const model = await saveModel(output, artifacts, { shardBytes, signal: host.signal });
  const weights = artifacts.weightSpecs.length;
  const bytes = artifacts.weightData.length;
  if (options.json) printJson(host, { file: path, model, weights, bytes });
  else note(host, `wrote ${model}: ${weights} weights, ${formatBytes(bytes)}`);
}
