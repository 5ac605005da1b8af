/** The nets of the pruning study and what they learn: digits as MNIST has them, and digits that are hard to read. */

import type { LayersModel } from "@tensorflow/tfjs";
import { augmenter, createRandom } from "../../src/data/index.js";
import type { GradualPruneOptions } from "../../src/tfjs.js";
import type { Digits } from "../mnist.js";
import { lenet5 } from "../nets/trained.js";
import type { Tfjs } from "../tfjs.js";
import { pixels } from "./support.js";

export type Setting = Required<Pick<GradualPruneOptions, "sparsity" | "pattern">>;

export interface PrunedNet {
  readonly name: string;
  make(tf: Tfjs, seed: number): LayersModel;
  /** True where it learns from the distorted digits, on which small nets err as they do on Fashion-MNIST. */
  readonly isHard: boolean;
  readonly settings: readonly Setting[];
}

const common: readonly Setting[] = [
  { sparsity: 0.75, pattern: "unstructured" },
  { sparsity: 0.9, pattern: "unstructured" },
  { sparsity: 0.75, pattern: "1x4" },
];

export const prunedNets: readonly PrunedNet[] = [
  {
    name: "lenet5",
    make: lenet5,
    isHard: false,
    settings: [{ sparsity: 0.95, pattern: "unstructured" }],
  },
  { name: "small", make: smallNet, isHard: true, settings: common },
  { name: "depthwise", make: depthwiseNet, isHard: true, settings: common },
];

/** Convolutions of 16 and 32 filters of 3 x 3 and 64 units: 56,656 weights, 1.8 % of them in its ends. */
function smallNet(tf: Tfjs, seed: number): LayersModel {
  const { conv2d, maxPooling2d, flatten, dense } = tf.layers;
  const start = (layer: number) => ({
    kernelInitializer: tf.initializers.heNormal({ seed: 100 * seed + layer }),
  });
  return tf.sequential({
    layers: [
      conv2d({ inputShape: [28, 28, 1], filters: 16, kernelSize: 3, activation: "relu", ...start(0) }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 32, kernelSize: 3, activation: "relu", ...start(1) }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 64, activation: "relu", ...start(2) }),
      dense({ units: 10, activation: "softmax", ...start(3) }),
    ],
  });
}

/** Depthwise and pointwise convolutions with batch normalization, two blocks of them behind residual sums. */
function depthwiseNet(tf: Tfjs, seed: number): LayersModel {
  const { layers } = tf;
  let layer = 0;
  const initializer = () => tf.initializers.heNormal({ seed: 100 * seed + layer++ });
  const normalized = (x: ReturnType<Tfjs["input"]>) =>
    layers.reLU().apply(layers.batchNormalization({ momentum: 0.9 }).apply(x)) as ReturnType<Tfjs["input"]>;
  const block = (x: ReturnType<Tfjs["input"]>, filters: number, strides: number) => {
    const depthwise = layers.depthwiseConv2d({
      kernelSize: 3,
      strides,
      padding: "same",
      useBias: false,
      depthwiseInitializer: initializer(),
    });
    const pointwise = layers.conv2d({
      filters,
      kernelSize: 1,
      useBias: false,
      kernelInitializer: initializer(),
    });
    const y = normalized(
      pointwise.apply(normalized(depthwise.apply(x) as typeof x)) as ReturnType<Tfjs["input"]>,
    );
    return x.shape[3] === filters && strides === 1 ? (layers.add().apply([x, y]) as typeof x) : y;
  };
  const input = tf.input({ shape: [28, 28, 1] });
  const first = layers.conv2d({
    filters: 16,
    kernelSize: 3,
    strides: 2,
    padding: "same",
    useBias: false,
    kernelInitializer: initializer(),
  });
  let x = normalized(first.apply(input) as typeof input);
  x = block(x, 48, 2);
  x = block(x, 96, 2);
  x = block(x, 96, 1);
  const head = layers.dense({ units: 10, activation: "softmax", kernelInitializer: initializer() });
  const outputs = head.apply(layers.globalAveragePooling2d({}).apply(x)) as typeof input;
  return tf.model({ inputs: input, outputs });
}

const distort = augmenter({ shift: 1, rotate: 15, scale: 0.15, elastic: { strength: 1, smoothness: 4 } });

/** Digits that are shifted, turned, scaled and bent, with strokes of another digit and noise over them. */
export function hardDigits({ x, y }: Digits, seed: number): Digits {
  const random = createRandom(seed);
  const hard = x.slice();
  distort(hard, y.length, [28, 28], random);
  for (let i = 0; i < y.length; i++) {
    const other = random.below(y.length) * pixels;
    // A window of 6 x 6 of another digit lies somewhere on this one.
    const [fromRow, fromColumn, row, column] = [0, 0, 0, 0].map(() => random.below(22));
    for (let r = 0; r < 6; r++) {
      for (let c = 0; c < 6; c++) {
        const at = i * pixels + (row + r) * 28 + column + c;
        hard[at] = Math.max(hard[at], x[other + (fromRow + r) * 28 + fromColumn + c]);
      }
    }
  }
  for (let i = 0; i < hard.length; i++) hard[i] += random.normal(0, 0.1);
  return { x: hard, y };
}
