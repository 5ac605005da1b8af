/** What the demo's models are worth: accuracy on the test set, bytes, latency next to tfjs. */

import { gzipSync } from "node:zlib";
import { compress, type ModelArtifacts } from "../../index.js";
import type { Model } from "../../runtime.js";
import type { Host } from "../host.js";
import { zeroPart } from "../layers.js";
import { type Tfjs, tfjsPredictor } from "../peer.js";
import { predictAll } from "../predict.js";
import { withProgress } from "../progress.js";
import { measureQuality } from "../quality.js";
import { speedup, timeInTurns } from "../timing.js";
import { type Digits, pixels } from "./data.js";

export interface DemoRow {
  readonly name: string;
  readonly accuracy: number;
  /** Part of the kernels' weights that are zero. */
  readonly zeros: number;
  /** Weights as f32, and those gzipped; null for int8, which has none. */
  readonly f32Bytes: number | null;
  readonly gzipBytes: number | null;
  readonly pareBytes: number;
  /** At batch 1. */
  readonly latencyMs: number;
  /** Dense f32 on tfjs-wasm / this: the median over rounds taken in turns. */
  readonly ratio: number;
}

export interface Candidate {
  readonly name: string;
  readonly model: Model;
  readonly pareBytes: number;
  readonly artifacts: ModelArtifacts | null;
}

/** An f32 model on pare's runtime, and the size of its file. */
export async function f32Candidate(host: Host, name: string, artifacts: ModelArtifacts): Promise<Candidate> {
  const result = await withProgress(host, `packing ${name}`, (progress) =>
    compress(artifacts, {
      precision: "f32",
      signal: host.signal,
      onProgress: ({ done, stage }) => progress.update(done, stage),
    }),
  );
  return { name, model: result.createModel(), pareBytes: (await result.bytes()).length, artifacts };
}

/** @param dense what tfjs runs */
export async function measureAll(
  host: Host,
  tf: typeof Tfjs,
  dense: ModelArtifacts,
  candidates: readonly Candidate[],
  test: Digits,
  rounds: number,
): Promise<{ rows: DemoRow[]; tfjsMs: number }> {
  const accuracies: number[] = [];
  for (const { name, model } of candidates) {
    accuracies.push(await accuracyOn(host, model, test, `testing ${name}`));
  }
  const sample = test.x.slice(0, pixels);
  const peer = await tfjsPredictor(tf, dense);
  const sides: Record<string, () => void> = { tfjs: peer.prepare({ [peer.inputs[0].name]: sample }) };
  for (const { name, model } of candidates) sides[name] = () => void model.run(sample);
  const timings = await withProgress(host, "timing", (progress) =>
    timeInTurns(sides, { rounds, signal: host.signal, progress }),
  );
  peer.dispose();
  const rows = candidates.map(({ name, model, artifacts, pareBytes }, i) => ({
    name,
    accuracy: accuracies[i],
    zeros: kernelZeros(model),
    f32Bytes: artifacts?.weightData.length ?? null,
    gzipBytes: artifacts && gzipSync(artifacts.weightData, { level: 9 }).length,
    pareBytes,
    latencyMs: timings[name].medianMs,
    ratio: speedup(timings[name], timings.tfjs),
  }));
  return { rows, tfjsMs: timings.tfjs.medianMs };
}

export async function accuracyOn(host: Host, model: Model, { x, y, count }: Digits, title: string) {
  const samples = { count, inputs: { [model.inputs[0].name]: x } };
  const [output] = model.outputs;
  const results = await predictAll(model, samples, host, title);
  const labels = { shape: [count], data: y, dtype: "uint8" as const };
  const quality = measureQuality(results[output.name], output.shape, labels, "classification");
  return quality.task === "classification" ? quality.accuracy : Number.NaN;
}

function kernelZeros({ graph }: Model): number {
  let zeros = 0;
  let total = 0;
  for (const { weights } of graph.nodes) {
    const kernel = graph.weights.get(weights.kernel);
    if (!kernel) continue;
    zeros += zeroPart(kernel) * kernel.data.length;
    total += kernel.data.length;
  }
  return zeros / total;
}
