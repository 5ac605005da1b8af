/** What a page does that trains with pare: tfjs on wasm with our kernels, then a `.pare` of the result. */

import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { compress } from "../../src/compress.js";
import { createRandom } from "../../src/data/index.js";
import { load } from "../../src/runtime.js";
import { accelerate, fineTune, modelArtifacts } from "../../src/tfjs.js";

const side = 12;
const count = 96;

export interface Trained {
  /** Of each epoch, on tfjs' cpu backend and on wasm with our kernels. */
  readonly losses: { readonly cpu: readonly number[]; readonly wasm: readonly number[] };
  readonly added: readonly string[];
  /** Samples for which the `.pare` of the wasm model says the class that the model says. */
  readonly agreeing: number;
  readonly count: number;
}

/** @param path folder of tfjs' wasm binaries */
export async function train(path: string): Promise<Trained> {
  setWasmPaths(path);
  const { model: plain, losses: cpu } = await trainOn("cpu");
  plain.dispose();
  await tf.setBackend("wasm");
  const { added } = await accelerate(tf);
  const { model, losses: wasm } = await trainOn("wasm");
  const { x } = samples();
  const result = await compress(await modelArtifacts(model), { calibration: x });
  const pare = await load(await result.bytes());
  const [got] = Object.values(pare.run(x));
  const wanted = tf.tidy(() => (model.predict(tf.tensor(x, [count, side, side, 1])) as tf.Tensor).dataSync());
  const agreeing = Array.from({ length: count }, (_, i) => i).filter(
    (i) => got[2 * i] > got[2 * i + 1] === wanted[2 * i] > wanted[2 * i + 1],
  ).length;
  return { losses: { cpu, wasm }, added, agreeing, count };
}

async function trainOn(backend: string): Promise<{ model: tf.LayersModel; losses: number[] }> {
  await tf.setBackend(backend);
  const { conv2d, batchNormalization, maxPooling2d, flatten, dense } = tf.layers;
  const start = (seed: number) => ({ kernelInitializer: tf.initializers.heNormal({ seed }) });
  const model = tf.sequential({
    layers: [
      conv2d({ inputShape: [side, side, 1], filters: 6, kernelSize: 3, activation: "relu", ...start(1) }),
      batchNormalization({}),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 2, activation: "softmax", ...start(2) }),
    ],
  });
  const { epochs } = await fineTune(model, samples(), {
    epochs: 3,
    batchSize: 16,
    learningRate: 0.01,
    loss: "sparseCategoricalCrossentropy",
    prune: { sparsity: 0.5 },
  });
  return { model, losses: epochs.map(({ loss }) => loss) };
}

/** Noise with a bright bar in it: class 0 across, class 1 down. */
function samples(): { x: Float32Array; y: Uint8Array } {
  const random = createRandom(7);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const x = Float32Array.from({ length: count * side * side }, () => random.normal(0, 0.3));
  y.forEach((label, i) => {
    const line = random.below(side);
    for (let at = 0; at < side; at++) x[i * side * side + (label ? at * side + line : line * side + at)] += 1;
  });
  return { x, y };
}
