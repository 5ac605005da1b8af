/** LeNet-300-100 in tfjs: trained dense, then pruned block by block while it trains on. */

import type { ModelArtifacts } from "../../index.js";
import type * as PareTfjs from "../../tfjs.js";
import type { Host } from "../host.js";
import type { Tfjs } from "../peer.js";
import { withProgress } from "../progress.js";
import { type DemoData, type Digits, pixels } from "./data.js";

export interface TrainingSettings {
  readonly denseEpochs: number;
  /** Of training on with pruning; the masks are whole after `pruneUntil` of them. */
  readonly sparseEpochs: number;
  readonly batchSize: number;
  /** At first; it falls along a cosine to `finalRate` of it, in either run. */
  readonly learningRate: number;
  readonly finalRate: number;
  readonly pruneUntil: number;
  readonly pattern: PareTfjs.Pattern;
  /** Part of each kernel to zero, by layer. */
  readonly sparsities: Readonly<Record<string, number>>;
  readonly seed: number;
}

export interface Trained {
  readonly artifacts: ModelArtifacts;
  readonly validationAccuracy: number;
  readonly seconds: number;
}

const layerSizes = [300, 100, 10] as const;
export const layerNames = ["fc1", "fc2", "fc3"] as const;

/** Trains one model twice over: what it is when dense, and what becomes of it. */
export async function trainBoth(
  host: Host,
  tf: typeof Tfjs,
  pare: typeof PareTfjs,
  data: DemoData,
  settings: TrainingSettings,
  onTrained: (name: "dense" | "sparse", trained: Trained) => void,
): Promise<{ dense: Trained; sparse: Trained }> {
  const model = createLenet(tf, settings.seed);
  const acceleration = await pare.accelerate(tf);
  try {
    const train = async (name: "dense" | "sparse", prune: boolean): Promise<Trained> => {
      const seconds = await trainOnce(host, pare, model, data.train, settings, prune);
      const trained: Trained = {
        artifacts: await pare.modelArtifacts(model),
        validationAccuracy: pare.accuracyOf(model, data.validation.x, data.validation.y),
        seconds,
      };
      onTrained(name, trained);
      return trained;
    };
    return { dense: await train("dense", false), sparse: await train("sparse", true) };
  } finally {
    acceleration.undo();
    model.dispose();
  }
}

function createLenet(tf: typeof Tfjs, seed: number): Tfjs.LayersModel {
  return tf.sequential({
    layers: layerSizes.map((units, i) =>
      tf.layers.dense({
        units,
        name: layerNames[i],
        activation: i === layerSizes.length - 1 ? "softmax" : "relu",
        // The same start for the same seed.
        kernelInitializer: tf.initializers.heNormal({ seed: seed + i }),
        ...(i === 0 && { inputShape: [pixels] }),
      }),
    ),
  });
}

function trainOnce(
  host: Host,
  pare: typeof PareTfjs,
  model: Tfjs.LayersModel,
  { x, y, count }: Digits,
  settings: TrainingSettings,
  prune: boolean,
): Promise<number> {
  const { batchSize, learningRate, finalRate, seed, pattern, sparsities, pruneUntil } = settings;
  const epochs = prune ? settings.sparseEpochs : settings.denseEpochs;
  const steps = epochs * Math.ceil(count / batchSize);
  const title = prune ? `pruning while training, ${epochs} epochs` : `training dense, ${epochs} epochs`;
  return withProgress(host, title, async (progress) => {
    const { seconds } = await pare.fineTune(
      model,
      { x, y },
      {
        epochs,
        batchSize,
        // By the step, not the clock, so that a run can be repeated.
        learningRate: pare.cosineRate({ from: learningRate, to: learningRate * finalRate }),
        loss: "sparseCategoricalCrossentropy",
        seed: seed + Number(prune),
        ...(prune && {
          prune: {
            pattern,
            targets: sparsities,
            include: Object.keys(sparsities),
            end: Math.floor(pruneUntil * (steps - 1)),
          },
        }),
        signal: host.signal,
        onProgress: ({ step, loss, sparsity }) => {
          const zeros = prune ? `, ${(100 * sparsity).toFixed(1)} % zeros` : "";
          progress.update(step / steps, `loss ${loss.toFixed(4)}${zeros}`);
        },
      },
    );
    return seconds;
  });
}
