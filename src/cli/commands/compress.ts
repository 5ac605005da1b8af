/** pare compress MODEL.json -o OUT.pare: a tfjs model becomes a sparse int8 file. */

import { type Command, Option } from "commander";
import { checkPruneSettings } from "../../compress-options.js";
import { type NdArray, readArray } from "../../data/index.js";
import {
  type CompressOptions,
  type CompressResult,
  compress,
  findModel,
  type ModelArtifacts,
  readArtifacts,
  type Sensitivity,
  saveFile,
  sensitivity,
} from "../../index.js";
import { GateError, UsageError } from "../errors.js";
import { formatFidelity, gateFidelity, warnOfPruning } from "../fidelity.js";
import { formatBytes, formatNumber, formatTable } from "../format.js";
import { type Host, note, printJson, warner } from "../host.js";
import { layerRow, layerTitles } from "../layers.js";
import { modelOf } from "../open.js";
import {
  collect,
  fidelityOf,
  type InputShapes,
  numberIn,
  type Pattern,
  patternOf,
  type Scaling,
  sparsityOf,
  withJson,
  withRemote,
  withScaling,
  withShapes,
} from "../options.js";
import { refuseOverwrite, wantFolderOf } from "../overwrite.js";
import { type Predictor, predictAll } from "../predict.js";
import { withProgress } from "../progress.js";
import { dropOf, formatQuality, measureQuality, type Quality } from "../quality.js";
import { type Recipe, readRecipe } from "../recipe.js";
import { readSamples, type Samples } from "../samples.js";
import { chooseOutput } from "./eval.js";

interface CompressFlags extends Scaling {
  readonly output: string;
  readonly calibrate?: readonly string[];
  readonly precision?: "int8" | "f32";
  readonly sparsity?: number;
  readonly pattern?: Pattern;
  readonly scope?: Recipe["scope"];
  readonly recipe?: string;
  readonly data?: readonly string[];
  readonly labels?: string;
  readonly measure?: string;
  readonly maxDrop?: number;
  readonly fidelity?: number | "off";
  readonly check?: readonly string[];
  readonly inputShape?: InputShapes;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

export function addCompress(program: Command, host: Host): void {
  const command = program
    .command("compress")
    .description("prune and quantize a tfjs model.json or a Keras file into a .pare file")
    .argument("<model>", "model.json, .keras or .h5, or the folder of one")
    .requiredOption("-o, --output <FILE>", "the .pare file to write")
    .option("--calibrate <DATA>", "samples that show the ranges of the activations; int8 needs them", collect)
    .option(
      "--sparsity <P>",
      "part of all kernels together to zero; a model that is sparse already stays so",
      sparsityOf,
    )
    .option("--pattern <P>", "unstructured, 1x4, 4x4 or N:M (default: unstructured)", patternOf)
    .addOption(
      new Option(
        "--scope <S>",
        "what each kernel has of the sparsity: decided over all, with depthwise and tiny ones left dense (auto, the default), the same (local), or the smallest weights of all (global)",
      ).choices(["auto", "local", "global"]),
    )
    .addOption(new Option("--precision <P>", "default: int8").choices(["int8", "f32"]))
    .option("--recipe <FILE>", "JSON with these settings; flags overrule it")
    .option("--data <DATA>", "samples to measure the quality on, before and after", collect)
    .option("--labels <DATA>", "their labels")
    .option("--measure <NAME>", "the output that the labels are for, of several")
    .option(
      "--max-drop <D>",
      "keep the most sensitive layers in f32 until accuracy drops by at most D points (or RMS error grows by at most D percent); exit with 4 and write nothing where that does not help",
      numberIn(0),
    );
  command
    .option(
      "--fidelity <C>",
      "least cosine between each output of int8 and of f32; layers that hurt it become f32; exit with 4 and write nothing where that does not help; off measures nothing (default: 0.99)",
      fidelityOf,
    )
    .option(
      "--check <DATA>",
      "samples to measure that on (default: a fourth of those of --calibrate)",
      collect,
    );
  withJson(withRemote(withShapes(withScaling(command)))).action((model: string, flags: CompressFlags) =>
    run(host, model, flags),
  );
}

async function run(host: Host, model: string, flags: CompressFlags): Promise<void> {
  checkFlags(flags);
  const path = await findModel(model);
  const { calibrate = [], data = [], labels, recipe: file } = flags;
  if (/\.pare$/i.test(path))
    throw new UsageError(`${path}: wanted a model.json or a Keras file, got a .pare file`);
  await wantFolderOf(flags.output);
  await refuseOverwrite(flags.output, [path, ...calibrate, ...data, ...(flags.check ?? []), labels, file]);
  const recipe = settingsOf(flags, flags.recipe === undefined ? {} : await readRecipe(flags.recipe));
  checkPruning(recipe);
  const precision = recipe.precision ?? "int8";
  if (precision === "int8" && flags.calibrate === undefined) {
    throw new UsageError(
      "int8 needs --calibrate DATA: some samples as the model gets them (or --precision f32)",
    );
  }
  const artifacts = await readArtifacts(path, { allowRemote: flags.allowRemote });
  using original = modelOf(artifacts, flags.inputShape);
  const read = (specs: readonly string[]) => readSamples(specs, original.inputs, recipe, warner(host));
  const calibration = flags.calibrate && (await read(flags.calibrate));
  const check = flags.check && (await read(flags.check));
  const evaluation = flags.data && {
    samples: await read(flags.data),
    labels: await readArray(flags.labels as string),
  };
  const shapes = flags.inputShape ? { inputShapes: flags.inputShape } : {};
  const build = (settings: Settings) => compressArtifacts(host, artifacts, settings, { calibration, check });
  const settings: Settings = { ...recipe, ...shapes };
  let result = await build(settings);
  let gate = evaluation && (await measureBoth(host, original, result, evaluation, flags));
  if (gate?.passed === false && precision === "int8") {
    const sensitive = await rank(host, artifacts, settings, calibration as Samples);
    // Twice as many each time: one too many costs little, another round a whole compression.
    for (let count = 1; !gate.passed && count < 2 * sensitive.length; count *= 2) {
      const keepF32 = sensitive.slice(0, count).map(({ name }) => name);
      result = await build({ ...settings, keepF32: [...(recipe.keepF32 ?? []), ...keepF32] });
      gate = await measureBoth(host, original, result, evaluation as Evaluation, flags, gate.before);
    }
  }

  const bytes = await result.bytes(gate && accuracyOf(gate));
  const pruning = warnOfPruning(result);
  if (pruning !== undefined) warner(host)(pruning);
  const written = gate?.passed !== false && !result.fidelity?.missed.length;
  if (written) await saveFile(flags.output, bytes, { signal: host.signal });
  report(host, { path, artifacts, result, bytes, gate, flags, written });
  if (gate?.passed === false) {
    const unit = gate.before.task === "classification" ? "points of accuracy" : "% of RMS error";
    throw new GateError(
      `gate missed: lost ${formatNumber(gate.drop)} ${unit}, at most ${gate.maxDrop} allowed; nothing was written`,
    );
  }
  gateFidelity(result);
}

/** A recipe, and what only flags say. */
type Settings = Recipe & Pick<CompressOptions, "inputShapes">;

function checkFlags({ calibrate, check, data, labels, maxDrop, measure }: CompressFlags): void {
  if ((data === undefined) !== (labels === undefined))
    throw new UsageError("--data and --labels go together");
  if (check !== undefined && calibrate === undefined) throw new UsageError("--check goes with --calibrate");
  if (maxDrop !== undefined && data === undefined) {
    throw new UsageError("--max-drop needs --data and --labels to measure on");
  }
  if (measure !== undefined && data === undefined) {
    throw new UsageError("--measure needs --data and --labels: it says which output they are for");
  }
}

/** @throws UsageError for fewer zeros than the pattern makes by itself */
function checkPruning({ sparsity, pattern = "unstructured", scope = "auto", targets = {} }: Recipe): void {
  try {
    checkPruneSettings({ sparsity, pattern, scope, targets });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** The recipe, overruled by flags. */
function settingsOf(flags: CompressFlags, recipe: Recipe): Recipe {
  const { precision, sparsity, pattern, scope, fidelity, scale, offset } = flags;
  const given = Object.entries({ precision, sparsity, pattern, scope, fidelity, scale, offset });
  return { ...recipe, ...Object.fromEntries(given.filter(([, value]) => value !== undefined)) };
}

function compressArtifacts(
  host: Host,
  artifacts: ModelArtifacts,
  { scale: _, offset: __, ...settings }: Settings,
  { calibration, check }: { readonly calibration: Samples | undefined; readonly check: Samples | undefined },
): Promise<CompressResult> {
  return withProgress(host, "compressing", (progress) =>
    compress(artifacts, {
      ...settings,
      ...(calibration && { calibration: calibration.inputs }),
      ...(check && { check: check.inputs }),
      signal: host.signal,
      onProgress: ({ done, stage }) => progress.update(done, stage),
    }),
  );
}

/** The layers that are not kept in f32 already, the most sensitive to int8 first. */
async function rank(
  host: Host,
  artifacts: ModelArtifacts,
  { scale: _, offset: __, ...settings }: Settings,
  calibration: Samples,
): Promise<readonly Sensitivity[]> {
  const ranked = await withProgress(host, "measuring sensitivity", (progress) =>
    sensitivity(artifacts, {
      ...settings,
      calibration: calibration.inputs,
      signal: host.signal,
      onProgress: ({ done }) => progress.update(done),
    }),
  );
  return ranked.filter(({ name }) => !settings.keepF32?.includes(name));
}

interface Evaluation {
  readonly samples: Samples;
  readonly labels: NdArray;
}

interface Gate {
  readonly before: Quality;
  readonly after: Quality;
  readonly drop: number;
  readonly maxDrop?: number;
  readonly passed: boolean;
}

async function measureBoth(
  host: Host,
  original: Predictor,
  result: CompressResult,
  { samples, labels }: Evaluation,
  { maxDrop, measure: name }: CompressFlags,
  known?: Quality,
): Promise<Gate> {
  const output = chooseOutput(original.outputs, name, "--measure");
  const measure = async (predictor: Predictor, title: string) => {
    const results = await predictAll(predictor, samples, host, title);
    return measureQuality(results[output.name], output.shape, labels);
  };
  using compressed = result.createModel();
  const before = known ?? (await measure(original, "measuring before"));
  const after = await measure(compressed, "measuring after");
  const drop = dropOf(before, after);
  // NaN, which a broken model gives, is no pass.
  const passed = maxDrop === undefined || drop <= maxDrop;
  return { before, after, drop, passed, ...(maxDrop === undefined ? {} : { maxDrop }) };
}

/** For the provenance, which knows accuracy only. */
function accuracyOf({ before, after }: Gate): { before: number; after: number } | undefined {
  if (before.task !== "classification" || after.task !== "classification") return undefined;
  return { before: before.accuracy, after: after.accuracy };
}

interface Outcome {
  readonly path: string;
  readonly artifacts: ModelArtifacts;
  readonly result: CompressResult;
  readonly bytes: Uint8Array;
  readonly gate: Gate | undefined;
  readonly flags: CompressFlags;
  readonly written: boolean;
}

function report(host: Host, { path, artifacts, result, bytes, gate, flags, written }: Outcome): void {
  const weightBytes = artifacts.weightData.length;
  if (flags.json) {
    printJson(host, {
      model: path,
      output: written ? flags.output : null,
      weightBytes,
      fileBytes: bytes.length,
      ratio: weightBytes / bytes.length,
      layers: result.layers,
      ...(result.fidelity && { fidelity: result.fidelity }),
      ...(result.pruning && { pruning: result.pruning }),
      ...(gate && { gate }),
    });
    return;
  }
  host.stdout.write(formatTable(layerTitles, result.layers.map(layerRow)));
  for (const { name, note: text } of result.layers) {
    if (text !== undefined) host.stdout.write(`${name}: ${text}\n`);
  }
  if (result.fidelity) host.stdout.write(formatFidelity(result.fidelity));
  if (gate) {
    host.stdout.write(`\nbefore: ${formatQuality(gate.before)}\nafter:  ${formatQuality(gate.after)}\n`);
  }
  const ratio = weightBytes / bytes.length;
  const change = ratio >= 1 ? `${formatNumber(ratio)}x smaller` : `${formatNumber(1 / ratio)}x larger`;
  const sizes = `${formatBytes(weightBytes)} of weights -> ${formatBytes(bytes.length)}, ${change}`;
  note(host, written ? `wrote ${flags.output}: ${sizes}` : sizes);
}
