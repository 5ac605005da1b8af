/** The article's "zero-distance learning", which it describes in the words of fine-tuning. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { fineTune } from "./fine-tune.js";
import type { FineTuneOptions, FineTuneResult } from "./options.js";
import type { TrainingData } from "./samples.js";
import type { SeedOptions } from "./seed.js";

/**
 * `fineTune` on the new task, under the article's name for it, and a warning that says so.
 *
 * What the name sounds like is another thing: zero-shot learning recognises classes without a sample, by
 * their attributes. Use `eszsl`, `sae` or `devise`.
 *
 * @param model as for `fineTune`
 * @param data of the new task, labels included
 * @param options of `fineTune`, and who is told the warning
 * @returns what `fineTune` returns
 * @throws what `fineTune` throws
 */
export async function zeroDistance(
  model: LayersModel,
  data: TrainingData,
  { onWarning = console.warn, ...options }: FineTuneOptions & SeedOptions,
): Promise<FineTuneResult> {
  onWarning(
    "seed.zeroDistance: what the article calls zero-distance learning is fine-tuning, and so is this: the model " +
      "learns from labelled samples of the new task, and no class that has none. " +
      "eszsl, sae and devise recognise classes without samples, by their attributes",
  );
  return fineTune(model, data, options);
}
