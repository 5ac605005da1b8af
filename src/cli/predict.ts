/** Whatever predicts, pare or tfjs, run over many samples. */

import type { ValueInfo } from "../runtime.js";
import { breathe, type Host } from "./host.js";
import { withProgress } from "./progress.js";
import { type Samples, sizeOf, slice } from "./samples.js";

export interface Predictor {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** The arrays may be written again by the next run. */
  run(inputs: Readonly<Record<string, Float32Array>>): Readonly<Record<string, Float32Array>>;
  dispose(): void;
}

const batchSize = 64;

/** All outputs for all samples: f32[count * size of the output], by name. */
export async function predictAll(
  predictor: Predictor,
  samples: Samples,
  host: Host,
  title = "predicting",
): Promise<Record<string, Float32Array>> {
  const { count } = samples;
  const results: Record<string, Float32Array> = Object.fromEntries(
    predictor.outputs.map(({ name, shape }) => [name, new Float32Array(count * sizeOf(shape))]),
  );
  await withProgress(host, title, async (progress) => {
    for (let begin = 0; begin < count; begin += batchSize) {
      await breathe(host.signal);
      const outputs = predictor.run(slice(samples, begin, Math.min(count, begin + batchSize)));
      for (const { name, shape } of predictor.outputs)
        results[name].set(outputs[name], begin * sizeOf(shape));
      progress.update(begin / count);
    }
  });
  return results;
}
