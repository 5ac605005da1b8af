/** One stage: a model that there is becomes another. */

import { augmenter } from "../../data/index.js";
import type { ModelArtifacts } from "../../index.js";
import type * as PareTfjs from "../../tfjs.js";
import { formatPercent } from "../format.js";
import type { Host } from "../host.js";
import type { Tfjs } from "../peer.js";
import { withProgress } from "../progress.js";
import { sizeOf, wantFinite } from "../samples.js";
import type { TrainingSets } from "./data.js";
import { lossFor } from "./labelled.js";
import { loadTeachers, openLayers, outputShape } from "./model.js";
import type { TrainRecipe } from "./recipe.js";
import { optimizerOf, rateOf, stoppingOf } from "./settings.js";
import { heldBy, type StageResult, type StepCount, stageKinds } from "./stages/index.js";
import type { StageOutcome, Work } from "./work.js";

/** What all stages share. */
export interface Workshop {
  readonly host: Host;
  readonly tf: typeof Tfjs;
  readonly pare: typeof PareTfjs;
  readonly recipe: TrainRecipe;
  readonly sets: TrainingSets;
  readonly work: Work;
  /** Says to the user, once, what is likely to be a mistake. */
  warn(message: string): void;
}

/**
 * Runs a stage from where it was broken off, and keeps what it came to.
 *
 * @param i which, counted from 0
 * @param start what the stage before left
 * @throws the signal's reason when it fires; the stage then goes on from there another time
 * @throws RangeError where it diverged
 */
export async function runStage(shop: Workshop, i: number, start: ModelArtifacts): Promise<StageOutcome> {
  const { tf, pare, recipe, work } = shop;
  const stage = recipe.stages[i];
  const model = await openLayers(tf, start);
  const optimizer = optimizerOf(stage, tf);
  const teachers: Tfjs.LayersModel[] = [];
  try {
    if (stageKinds[stage.kind].needsTeacher) teachers.push(...(await loadTeachers(recipe.teacher, tf)));
    const name = `stage ${i + 1}, ${stage.kind}`;
    const result = await train(shop, i, { model, optimizer, teachers }).catch((error) => {
      if (error instanceof RangeError) error.message = `${name}: ${error.message}`;
      throw error;
    });
    const { model: made = model, steps, epochs, sparsity, pruned, seconds, ranges } = result;
    try {
      const artifacts = await pare.modelArtifacts(made);
      checkWeights(name, artifacts);
      const outcome = {
        steps,
        epochs,
        sparsity,
        seconds,
        ...(pruned && { pruned }),
        ...(ranges && { ranges }),
      };
      await work.finish(i, artifacts, outcome);
      return outcome;
    } finally {
      if (made !== model) made.dispose();
    }
  } finally {
    for (const teacher of teachers) teacher.dispose();
    optimizer.dispose();
    model.dispose();
  }
}

/** What goes to the next stage and to a file, whatever training has seen of it. */
function checkWeights(stage: string, { weightSpecs, weightData }: ModelArtifacts): void {
  let at = 0;
  for (const { name, shape, dtype } of weightSpecs) {
    const bytes = (dtype === "bool" ? 1 : 4) * sizeOf(shape);
    if (dtype === "float32") {
      wantFinite(new Float32Array(weightData.slice(at, at + bytes).buffer), `${stage}: diverged: ${name}`);
    }
    at += bytes;
  }
}

interface Tools {
  readonly model: Tfjs.LayersModel;
  readonly optimizer: Tfjs.Optimizer;
  readonly teachers: readonly Tfjs.LayersModel[];
}

function train(shop: Workshop, i: number, { model, optimizer, teachers }: Tools): Promise<StageResult> {
  const { host, tf, pare, recipe, sets, work } = shop;
  const { data, loss, seed = 0, stages } = recipe;
  const stage = stages[i];
  const kind = stageKinds[stage.kind];
  const { batchSize = 64, epochs = 1, augment = true } = stage;
  const outputs = sizeOf(outputShape(model));
  const checkpointOf = (run: string) => ({ store: pare.fileCheckpoint(work.checkpointPath(i, run)) });
  const title = `stage ${i + 1} of ${stages.length}, ${stage.kind}`;
  const own = kind.options?.(stage, pare, stepsOf(epochs, sets.train.count, batchSize));
  return withProgress<StageResult>(host, title, async (progress) => {
    const options: PareTfjs.FineTuneOptions = {
      epochs,
      batchSize,
      optimizer,
      ...rateOf(stage, pare),
      ...stoppingOf(stage),
      ...(loss ? { loss } : lossFor(sets.train, outputs)),
      ...(augment && data.augment && { augment: augmenter(data.augment) }),
      ...(sets.validation && { validation: sets.validation }),
      ...heldBy(stages.slice(0, i)),
      ...own,
      // Each stage has chances of its own.
      seed: seed + i,
      checkpoint: checkpointOf("run"),
      signal: host.signal,
      onWarning: shop.warn,
      onProgress: (now) => progress.update(now.step / now.steps, describe(now), now.secondsLeft),
    };
    const run = { tf, pare, model, data: sets.train, options, teachers, checkpointOf };
    const trained = kind.train ? kind.train(run, stage) : pare.fineTune(model, sets.train, options);
    const { pruned, ...result }: StageResult = await trained;
    // A stage that only holds the zeros of another has nothing to say of them.
    return { ...result, ...(own?.prune && pruned && { pruned }) };
  });
}

function stepsOf(epochs: number, samples: number, batchSize: number): StepCount {
  const all = epochs * Math.ceil(samples / batchSize);
  return { all, at: (share) => Math.round(share * (all - 1)) };
}

function describe({ epoch, loss, sparsity, validation }: PareTfjs.Progress): string {
  const words = [`epoch ${epoch}`, `loss ${loss.toFixed(4)}`];
  if (validation?.accuracy !== undefined) words.push(`${formatPercent(validation.accuracy)} on validation`);
  if (sparsity > 0) words.push(`${formatPercent(sparsity, 1)} zeros`);
  return words.join(", ");
}
