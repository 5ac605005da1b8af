/** pare bench MODEL.json OUT.pare: latency, size and agreement, side by side with tfjs' wasm backend. */

import { gzipSync } from "node:zlib";
import type { Command } from "commander";
import { createRandom } from "../../data/index.js";
import { type ModelArtifacts, readArtifacts } from "../../index.js";
import type { LoadedModel, ValueInfo } from "../../runtime.js";
import { compareOutputs } from "../agreement.js";
import { UsageError } from "../errors.js";
import { formatBytes, formatMs, formatNumber, formatPercent, formatTable } from "../format.js";
import { type Host, printJson, warner, warnOfReference } from "../host.js";
import { loadPare, readPareFile } from "../open.js";
import { collect, integerIn, type Scaling, withJson, withRemote, withScaling } from "../options.js";
import { loadTfjs, type Tfjs, type TfjsPredictor, tfjsPredictor } from "../peer.js";
import { type Predictor, predictAll } from "../predict.js";
import { withProgress } from "../progress.js";
import { readSamples, type Samples, sizeOf, slice } from "../samples.js";
import { speedup, timeInTurns } from "../timing.js";

interface BenchOptions extends Scaling {
  readonly data?: readonly string[];
  readonly batch: number;
  readonly rounds: number;
  readonly profile: boolean;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

export function addBench(program: Command, host: Host): void {
  const command = program
    .command("bench")
    .description("compare a .pare file with the tfjs or Keras model it was made from, on tfjs' wasm backend")
    .argument("<model>", "model.json, .keras or .h5")
    .argument("<file>", ".pare file made from it")
    .option("--data <DATA>", "samples to compare the outputs on (default: seeded normal noise)", collect)
    .option("--batch <N>", "samples in a run", integerIn(1, 4096), 1)
    .option("--rounds <N>", "turns of each side", integerIn(3, 10_000), 60)
    .option("--profile", "show where the time of the .pare file goes, step by step", false);
  withJson(withRemote(withScaling(command))).action((model: string, file: string, options: BenchOptions) =>
    bench(host, model, file, options),
  );
}

async function bench(host: Host, path: string, file: string, options: BenchOptions): Promise<void> {
  if (/\.pare$/i.test(path)) {
    throw new UsageError(
      `${path}: wanted a model.json or a Keras file first, then the .pare file made from it`,
    );
  }
  const artifacts = await readArtifacts(path, { ...options, forTfjs: true });
  const bytes = await readPareFile(file, options.allowRemote);
  using pare = await loadPare(file, bytes);
  warnOfReference(host, pare.variant);
  const tf = await loadTfjs();
  const peer = await openPeer(tf, artifacts, pare, { path, file });
  const samples = options.data
    ? await readSamples(options.data, pare.inputs, options, warner(host))
    : noise(pare, Math.max(100, options.batch));
  if (samples.count < options.batch) {
    throw new RangeError(
      `--batch: wanted at most the ${samples.count} samples of the data, got ${options.batch}`,
    );
  }
  const [got, wanted] = [await predictAll(pare, samples, host), await predictAll(peer, samples, host)];
  const agreement = pare.outputs.map((output) => ({
    output: output.name,
    ...compareOutputs(got[output.name], wanted[output.name], output.shape),
  }));

  const inputs = slice(samples, 0, options.batch);
  const timings = await withProgress(host, "timing", (progress) =>
    timeInTurns(
      { pare: () => void pare.run(inputs), tfjs: peer.prepare(inputs) },
      { rounds: options.rounds, signal: host.signal, progress },
    ),
  );
  const profile = options.profile ? pare.profile(inputs) : undefined;
  const weightGzipBytes = gzipSync(artifacts.weightData, { level: 9 }).length;
  const data = {
    model: path,
    file,
    node: process.version,
    variant: pare.variant,
    batch: options.batch,
    rounds: options.rounds,
    latency: {
      pareMs: timings.pare.medianMs,
      pareP95Ms: timings.pare.p95Ms,
      tfjsMs: timings.tfjs.medianMs,
      tfjsP95Ms: timings.tfjs.p95Ms,
      ratio: speedup(timings.pare, timings.tfjs),
    },
    size: {
      weightBytes: artifacts.weightData.length,
      weightGzipBytes,
      fileBytes: bytes.length,
      ratio: artifacts.weightData.length / bytes.length,
    },
    samples: { count: samples.count, from: options.data ? "data" : "noise" },
    agreement,
    ...(profile && { profile }),
  };
  if (options.json) printJson(host, data);
  else host.stdout.write(describe(data));
}

/**
 * The model on tfjs, in the sizes of the file.
 *
 * @throws RangeError where the file is of another model
 */
async function openPeer(
  tf: typeof Tfjs,
  artifacts: ModelArtifacts,
  pare: LoadedModel,
  { path, file }: { readonly path: string; readonly file: string },
): Promise<TfjsPredictor> {
  const other = (wanted: string, got: string) =>
    new RangeError(`${file} is not made from ${path}: wanted ${wanted}, got ${got}`);
  const inputShapes = Object.fromEntries(pare.inputs.map(({ name, shape }) => [name, shape]));
  const peer = await tfjsPredictor(tf, artifacts, inputShapes).catch((error) => {
    throw error instanceof RangeError ? other("its inputs", sizesOf(pare.inputs)) : error;
  });
  const sizes = ({ inputs, outputs }: Predictor) => `${sizesOf(inputs)}, ${sizesOf(outputs)}`;
  if (sizes(pare) !== sizes(peer)) throw other(sizes(peer), sizes(pare));
  return peer;
}

function sizesOf(values: readonly ValueInfo[]): string {
  const sizes = values.map(({ name, shape }) => `${name}: ${sizeOf(shape)}`);
  return sizes.sort().join(", ");
}

/** The same noise each time, for models whose data are not at hand; words where a dictionary is looked up. */
function noise(model: LoadedModel, count: number): Samples {
  const random = createRandom(1);
  const { nodes, weights } = model.graph;
  const inputs = model.inputs.map(({ name, shape }) => {
    const lookup = nodes.find(({ op, inputs: [input] }) => op === "embedding" && input === name);
    const words = lookup && weights.get(lookup.weights.embeddings)?.shape[0];
    const next = () => (words === undefined ? random.normal() : random.below(words));
    return [name, Float32Array.from({ length: count * sizeOf(shape) }, next)] as const;
  });
  return { count, inputs: Object.fromEntries(inputs) };
}

interface Report {
  readonly variant: string;
  readonly batch: number;
  readonly latency: {
    readonly pareMs: number;
    readonly pareP95Ms: number;
    readonly tfjsMs: number;
    readonly tfjsP95Ms: number;
    readonly ratio: number;
  };
  readonly size: {
    readonly weightBytes: number;
    readonly weightGzipBytes: number;
    readonly fileBytes: number;
    readonly ratio: number;
  };
  readonly samples: { readonly count: number; readonly from: string };
  readonly agreement: readonly ({ readonly output: string } & ReturnType<typeof compareOutputs>)[];
  readonly profile?: ReturnType<LoadedModel["profile"]>;
}

function describe({ variant, batch, latency, size, samples, agreement, profile }: Report): string {
  const times = (ratio: number) => `${formatNumber(ratio)}x`;
  const rows = [
    [`latency, batch ${batch}`, formatMs(latency.tfjsMs), formatMs(latency.pareMs), times(latency.ratio)],
    ["  95th percentile", formatMs(latency.tfjsP95Ms), formatMs(latency.pareP95Ms), ""],
    ["bytes", formatBytes(size.weightBytes), formatBytes(size.fileBytes), times(size.ratio)],
    ["  gzip", formatBytes(size.weightGzipBytes), "", times(size.weightGzipBytes / size.fileBytes)],
  ];
  const lines = agreement.map(({ output, relativeRms, largest, sameClass }) => {
    const classes = sameClass === null ? "" : `, same class ${formatPercent(sameClass)}`;
    return `${output}: differs by ${formatPercent(relativeRms)} RMS, at most ${formatNumber(largest)}${classes}\n`;
  });
  // What noise far from the calibration samples gives says nothing of the model.
  if (samples.from === "noise") lines.length = 0;
  const source = samples.from === "noise" ? "samples: give --data" : "samples";
  return `${formatTable(["", "tfjs-wasm", `pare (${variant})`, "ratio"], rows)}\nagreement on ${samples.count} ${source}\n${lines.join("")}${describeProfile(profile ?? [])}`;
}

/** Clocks add to each step what reading them costs, so that shares say more than times. */
function describeProfile(profile: NonNullable<Report["profile"]>): string {
  if (profile.length === 0) return "";
  const total = profile.reduce((sum, { ms }) => sum + ms, 0);
  const rows = profile.map(({ step, ms }) => [step, formatMs(ms), formatPercent(ms / total)]);
  return `\n${formatTable(["step", "time", "share"], rows)}`;
}
