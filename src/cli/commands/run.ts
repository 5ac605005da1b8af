/** pare run FILE --input X: predictions as .npy files or JSON. */

import { basename, dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { encodeNpy } from "../../data/index.js";
import { saveFile } from "../../index.js";
import type { ValueInfo } from "../../runtime.js";
import { type Host, note, printJson } from "../host.js";
import { type Engine, openPredictor } from "../open.js";
import {
  collect,
  type InputShapes,
  type Scaling,
  withJson,
  withRemote,
  withScaling,
  withShapes,
} from "../options.js";
import { refuseOverwrite, wantFolderOf } from "../overwrite.js";
import { predictAll } from "../predict.js";
import { readSamples } from "../samples.js";

interface RunOptions extends Scaling {
  readonly inputShape?: InputShapes;
  readonly input: readonly string[];
  readonly output?: string;
  readonly engine: Engine;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

export function addRun(program: Command, host: Host): void {
  const command = program
    .command("run")
    .description("run a .pare file, a tfjs model.json or a Keras file on data")
    .argument("<file>", ".pare file, model.json, .keras or .h5")
    .requiredOption("--input <DATA>", "samples; NAME=DATA for each input of a model with several", collect)
    .option("-o, --output <FILE>", "write .npy instead of JSON; with several outputs FILE-NAME.npy for each")
    .addOption(
      new Option("--engine <E>", "who computes a model that is no .pare file")
        .choices(["pare", "tfjs"])
        .default("pare"),
    );
  withJson(withRemote(withShapes(withScaling(command)))).action((file: string, options: RunOptions) =>
    run(host, file, options),
  );
}

async function run(host: Host, file: string, options: RunOptions): Promise<void> {
  if (options.output !== undefined) await wantFolderOf(options.output);
  const predictor = await openPredictor(file, options);
  try {
    for (const { path } of targetsOf(options.output, predictor.outputs))
      await refuseOverwrite(path, [file, ...options.input]);
    const samples = await readSamples(options.input, predictor.inputs, options);
    const results = await predictAll(predictor, samples, host);
    const shapeOf = (output: ValueInfo) => [samples.count, ...output.shape];
    if (options.output === undefined) {
      const outputs = predictor.outputs.map(
        (output) =>
          [output.name, { shape: shapeOf(output), data: Array.from(results[output.name]) }] as const,
      );
      printJson(host, { file, samples: samples.count, outputs: Object.fromEntries(outputs) });
      return;
    }
    const written: { name: string; path: string; shape: number[] }[] = [];
    for (const { output, path } of targetsOf(options.output, predictor.outputs)) {
      const shape = shapeOf(output);
      const bytes = encodeNpy({ shape, data: results[output.name], dtype: "float32" });
      await saveFile(path, bytes, { signal: host.signal });
      written.push({ name: output.name, path, shape });
    }
    if (options.json) printJson(host, { file, samples: samples.count, written });
    else for (const { path, shape } of written) note(host, `wrote ${path}: float32[${shape.join(", ")}]`);
  } finally {
    predictor.dispose();
  }
}

/** Where each output goes: out.npy, or out-NAME.npy for each of several; nowhere without -o. */
function targetsOf(path: string | undefined, outputs: readonly ValueInfo[]) {
  if (path === undefined) return [];
  if (outputs.length === 1) return [{ output: outputs[0], path }];
  const stem = join(dirname(path), basename(path, ".npy"));
  // Names of tfjs layers hold slashes.
  return outputs.map((output) => ({
    output,
    path: `${stem}-${output.name.replace(/[^\w.-]+/g, "_")}.npy`,
  }));
}
