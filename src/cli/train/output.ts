/** What a recipe ends in: a tfjs model, a .pare file, and how good both are. */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type CompressResult, compress, type ModelArtifacts, saveFile, saveModel } from "../../index.js";
import type { Ranges } from "../../tfjs.js";
import type { Host } from "../host.js";
import { type Tfjs, tfjsPredictor } from "../peer.js";
import { type Predictor, predictAll } from "../predict.js";
import { withProgress } from "../progress.js";
import { measureQuality, type Quality } from "../quality.js";
import type { TrainingSets } from "./data.js";
import { type Labelled, spread } from "./labelled.js";
import type { TrainRecipe } from "./recipe.js";
import { heldBy } from "./stages/index.js";

const calibrationSamples = 1000;

export interface Written {
  /** Paths of what was written. */
  readonly model: string;
  readonly pare?: string;
  readonly weightBytes: number;
  readonly fileBytes?: number;
  /** On the test data, or else what was held out; absent where there is neither. */
  readonly quality?: {
    readonly data: "test" | "validation";
    readonly model: Quality;
    readonly pare?: Quality;
  };
}

/**
 * @param ranges of the last stage that trained for int8; without, they are taken from training samples
 */
export async function writeOutput(
  host: Host,
  tf: typeof Tfjs,
  { output, stages }: TrainRecipe,
  sets: TrainingSets,
  artifacts: ModelArtifacts,
  ranges: Ranges | undefined,
): Promise<Written> {
  const result = output.pare === undefined ? undefined : await pack();
  // Before anything is measured: whatever becomes of that, what was trained for is there.
  await saveModel(await folderOf(output.model), artifacts, { signal: host.signal });
  let bytes = await savePacked();
  const measured = sets.test ?? sets.validation;
  const before = measured && (await modelQuality(host, tf, artifacts, measured));
  const after = measured && result && (await packedQuality(host, result, measured));
  const accuracy = accuracies(before, after);
  if (accuracy) bytes = await savePacked(accuracy);
  return {
    model: output.model,
    ...(output.pare !== undefined && { pare: output.pare }),
    weightBytes: artifacts.weightData.length,
    ...(bytes && { fileBytes: bytes.length }),
    ...(before && {
      quality: { data: sets.test ? "test" : "validation", model: before, ...(after && { pare: after }) },
    }),
  };

  async function savePacked(accuracy?: Accuracies): Promise<Uint8Array | undefined> {
    if (output.pare === undefined || !result) return undefined;
    const packed = await result.bytes(accuracy);
    await folderOf(output.pare);
    await saveFile(output.pare, packed, { signal: host.signal });
    return packed;
  }

  function pack(): Promise<CompressResult> {
    // Layers that the stages trained in f32 are so in the file.
    const { quantize } = heldBy(stages);
    const keepF32 = typeof quantize === "object" ? quantize.keepF32 : undefined;
    const calibration = () => spread(sets.train, calibrationSamples).x;
    return withProgress(host, "compressing", (progress) =>
      compress(artifacts, {
        ...(ranges ? { ranges } : { calibration: calibration() }),
        ...(keepF32 && { keepF32 }),
        signal: host.signal,
        onProgress: ({ done, stage }) => progress.update(done, stage),
      }),
    );
  }
}

/** Makes the folder of a path. */
async function folderOf(path: string): Promise<string> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  return folder;
}

async function modelQuality(
  host: Host,
  tf: typeof Tfjs,
  artifacts: ModelArtifacts,
  data: Labelled,
): Promise<Quality> {
  const model = await tfjsPredictor(tf, artifacts);
  try {
    return await qualityOf(host, model, data, "measuring the model");
  } finally {
    model.dispose();
  }
}

async function packedQuality(host: Host, result: CompressResult, data: Labelled): Promise<Quality> {
  using packed = result.createModel();
  return await qualityOf(host, packed, data, "measuring the file");
}

async function qualityOf(
  host: Host,
  predictor: Predictor,
  { count, x, y }: Labelled,
  title: string,
): Promise<Quality> {
  const [[input], [output]] = [predictor.inputs, predictor.outputs];
  const results = await predictAll(predictor, { count, inputs: { [input.name]: x } }, host, title);
  const dtype = y instanceof Float32Array ? "float32" : y instanceof Int32Array ? "int32" : "uint8";
  return measureQuality(results[output.name], output.shape, {
    dtype,
    shape: [count, y.length / count],
    data: y,
  });
}

interface Accuracies {
  readonly before: number;
  readonly after: number;
}

/** For the provenance, which knows accuracy only. */
function accuracies(before?: Quality, after?: Quality): Accuracies | undefined {
  if (before?.task !== "classification" || after?.task !== "classification") return undefined;
  return { before: before.accuracy, after: after.accuracy };
}
