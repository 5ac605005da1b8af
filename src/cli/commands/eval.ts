/** pare eval MODEL --data X --labels Y: the quality of a model of tfjs or Keras or a .pare file, alike. */

import { type Command, Option } from "commander";
import { readArray } from "../../data/index.js";
import type { ValueInfo } from "../../runtime.js";
import { UsageError } from "../errors.js";
import { formatCount } from "../format.js";
import { type Host, printJson, warner } from "../host.js";
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
import { predictAll } from "../predict.js";
import { formatQuality, measureQuality, type Task } from "../quality.js";
import { readSamples } from "../samples.js";

interface EvalOptions extends Scaling {
  readonly data: readonly string[];
  readonly labels: string;
  readonly output?: string;
  readonly task?: Task;
  readonly engine: Engine;
  readonly inputShape?: InputShapes;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

export function addEval(program: Command, host: Host): void {
  const command = program
    .command("eval")
    .description("measure the quality of a tfjs model.json, a Keras file or a .pare file")
    .argument("<model>", ".pare file, model.json, .keras or .h5")
    .requiredOption("--data <DATA>", "samples; NAME=DATA for each input of a model with several", collect)
    .requiredOption("--labels <DATA>", "a class number, a one-hot row or the numbers wanted, for each sample")
    .option("--output <NAME>", "the output to measure, of several")
    .addOption(
      new Option("--task <T>", "default: what the labels look like").choices([
        "classification",
        "regression",
      ]),
    )
    .addOption(
      new Option("--engine <E>", "who computes a model that is no .pare file")
        .choices(["pare", "tfjs"])
        .default("pare"),
    );
  withJson(withRemote(withShapes(withScaling(command)))).action((model: string, options: EvalOptions) =>
    evaluate(host, model, options),
  );
}

async function evaluate(host: Host, path: string, options: EvalOptions): Promise<void> {
  const predictor = await openPredictor(path, options);
  try {
    const output = chooseOutput(predictor.outputs, options.output, "--output");
    const samples = await readSamples(options.data, predictor.inputs, options, warner(host));
    const labels = await readArray(options.labels);
    const results = await predictAll(predictor, samples, host);
    const quality = measureQuality(results[output.name], output.shape, labels, options.task);
    if (options.json) printJson(host, { model: path, output: output.name, ...quality });
    else host.stdout.write(`${formatQuality(quality)} of ${formatCount(quality.samples)} samples\n`);
  } finally {
    predictor.dispose();
  }
}

/**
 * The output to measure.
 *
 * @param option that chooses, for the message
 * @throws UsageError where a model has several outputs and none is chosen, or not the one that is
 */
export function chooseOutput(
  outputs: readonly ValueInfo[],
  name: string | undefined,
  option: string,
): ValueInfo {
  const chosen =
    name === undefined && outputs.length === 1 ? outputs[0] : outputs.find((o) => o.name === name);
  if (chosen === undefined) {
    const names = outputs.map((output) => output.name).join(", ");
    throw new UsageError(`${option}: wanted one of ${names}, got ${name ?? "none"}`);
  }
  return chosen;
}
