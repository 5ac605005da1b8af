/** A host that remembers what was written, and models small enough to build in a test. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { main } from "../../src/cli/main.js";
import { createRandom, encodeNpy, type NdArray } from "../../src/data/index.js";
import { type ModelArtifacts, saveModel } from "../../src/index.js";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface HostOptions {
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly tty?: boolean;
  /** Called with each thing written to stderr. */
  readonly onError?: (text: string) => void;
}

/** Runs a command line as the process would. */
export async function pare(argv: readonly string[], options: HostOptions = {}): Promise<Outcome> {
  let out = "";
  let err = "";
  const { signal = new AbortController().signal, env = {}, tty = false, onError } = options;
  const stdout = { isTTY: tty, write: (text: string) => (out += text) };
  const write = (text: string) => {
    err += text;
    onError?.(text);
  };
  const stderr = { isTTY: tty, write };
  const code = await main(argv, { stdout, stderr, env, signal, version: "9.8.7" });
  return { code, out, err };
}

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "pare-cli-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A Sequential of dense layers in the form that tfjs saves, its weights noise from a seed. */
export function denseArtifacts(sizes: readonly number[], activations: readonly string[]): ModelArtifacts {
  const random = createRandom(11);
  const names = activations.map((_, i) => `dense_${i + 1}`);
  const layers = activations.map((activation, i) => ({
    class_name: "Dense",
    config: {
      name: names[i],
      units: sizes[i + 1],
      activation,
      use_bias: true,
      ...(i === 0 && { batch_input_shape: [null, sizes[0]] }),
    },
  }));
  const weightSpecs = names.flatMap((name, i) => [
    { name: `${name}/kernel`, shape: [sizes[i], sizes[i + 1]], dtype: "float32" },
    { name: `${name}/bias`, shape: [sizes[i + 1]], dtype: "float32" },
  ]);
  const weights = weightSpecs.flatMap(({ shape }) => {
    const deviation = shape.length === 2 ? Math.sqrt(2 / shape[0]) : 0.1;
    return Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal(0, deviation));
  });
  return {
    modelTopology: { class_name: "Sequential", config: { name: "net", layers } },
    weightSpecs,
    weightData: new Uint8Array(Float32Array.from(weights).buffer),
    format: "layers-model",
  };
}

/** Files of a classifier with 12 inputs and 5 classes: model.json, data and labels, its own answers. */
export async function classifierFiles() {
  const folder = await temporaryFolder();
  const model = await saveModel(folder, denseArtifacts([12, 16, 5], ["relu", "softmax"]));
  const random = createRandom(5);
  const count = 200;
  // Bytes, as pixels are: --scale and --offset bring them to [-2, 2].
  const bytes = Uint8Array.from({ length: count * 12 }, () => random.below(256));
  const data = join(folder, "data.npy");
  await writeNpy(data, { shape: [count, 12], data: bytes, dtype: "uint8" });
  const scaling = ["--scale", String(4 / 255), "--offset", "-2"];
  const run = await pare(["run", model, "--input", data, ...scaling]);
  const [{ data: outputs }] = Object.values(JSON.parse(run.out).outputs) as { data: number[] }[];
  const classes = Uint8Array.from({ length: count }, (_, i) => {
    const row = outputs.slice(i * 5, i * 5 + 5);
    return row.indexOf(Math.max(...row));
  });
  const labels = join(folder, "labels.npy");
  await writeNpy(labels, { shape: [count], data: classes, dtype: "uint8" });
  return { folder, model, data, labels, scaling, count, classes };
}

export async function writeNpy(path: string, array: NdArray): Promise<void> {
  await writeFile(path, encodeNpy(array));
}
