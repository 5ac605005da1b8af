/**
 * Builds a net layer by layer with data running through it, so that its weights are such as training leaves: kernels
 * are what gradients are made of, sums of what the layer sees, and statistics of batch normalization are those of data.
 *
 * Random kernels alone would be no test: behind them each value is noise, and rounding errors grow with depth as they
 * do in no trained net.
 */

import type { layers, SymbolicTensor, Tensor, Tensor4D } from "@tensorflow/tfjs";
import type { Random } from "../../../src/data/index.js";
import type { Tfjs } from "../../tfjs.js";
import { patchKernel } from "./kernels.js";

type Layer = layers.Layer;

/** A value of the model, and what it is for the samples that the net is built on. */
export interface Value {
  readonly symbol: SymbolicTensor;
  readonly tensor: Tensor;
}

/** What tells one generated net from another of the same topology. */
export interface Character {
  /** Deviation of the logarithm of channels' scales. */
  readonly uneven: number;
  /** Part of channels that are next to constant. */
  readonly dead: number;
  /** Part of channels that are eight times as large as others. */
  readonly outliers: number;
  /** Batch normalization as layers of its own, or folded into kernels and biases. */
  readonly isFolded: boolean;
}

export interface ConvolutionOptions {
  readonly filters?: number;
  readonly size?: number;
  readonly strides?: number;
  readonly isDepthwise?: boolean;
  /** Scales of what comes out: below 1 for the last of a residual branch. */
  readonly gain?: number;
  /** Without what normalizes it: batch normalization stands in front. */
  readonly isBare?: boolean;
}

export type ActivationName = "relu" | "relu6" | "leakyRelu" | "hardSwish" | "swish" | "linear" | "sigmoid";

export class NetBuilder {
  #layers = 0;

  constructor(
    readonly tf: Tfjs,
    readonly random: Random,
    readonly character: Character,
  ) {}

  /** Names of tfjs count on from net to net. */
  named(kind: string): { readonly name: string } {
    this.#layers += 1;
    return { name: `${kind}_${this.#layers}` };
  }

  input(shape: readonly number[], x: Float32Array): Value {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const symbol = this.tf.input({ shape: [...shape], name: "picture" });
    return { symbol, tensor: this.tf.tensor(x, [x.length / size, ...shape]) };
  }

  /** Runs what makes a value, and drops all else that it made. */
  block(make: () => Value): Value {
    let symbol: SymbolicTensor | undefined;
    const tensor = this.tf.tidy(() => {
      const value = make();
      symbol = value.symbol;
      return value.tensor;
    });
    return { symbol: symbol as SymbolicTensor, tensor };
  }

  apply(layer: Layer, ...values: readonly Value[]): Value {
    const one = values.length === 1;
    const symbol = layer.apply(one ? values[0].symbol : values.map((value) => value.symbol));
    const tensor = layer.apply(one ? values[0].tensor : values.map((value) => value.tensor));
    return { symbol: symbol as SymbolicTensor, tensor: tensor as Tensor };
  }

  /** A convolution and its normalization. */
  convolution(x: Value, options: ConvolutionOptions): Value {
    const { filters = 0, size = 1, strides = 1, isDepthwise = false, gain = 1, isBare = false } = options;
    const { tf } = this;
    const isFolded = !isBare && this.character.isFolded;
    const common = {
      ...this.named("conv"),
      kernelSize: size,
      strides,
      padding: "same",
      useBias: isFolded,
    } as const;
    const layer = isDepthwise
      ? tf.layers.depthwiseConv2d({ ...common, depthwiseInitializer: "zeros" })
      : tf.layers.conv2d({ ...common, filters, kernelInitializer: "zeros" });
    layer.apply(x.symbol);
    const kernel = patchKernel(x.tensor as Tensor4D, { filters, size, isDepthwise, random: this.random });
    const shape = layer.weights[0].shape as number[];
    const channels = isDepthwise ? (shape[2] as number) : filters;
    const zeros = tf.zeros([channels]);
    layer.setWeights(isFolded ? [tf.tensor(kernel, shape), zeros] : [tf.tensor(kernel, shape)]);
    const y = this.apply(layer, x);
    if (isBare) return y;
    if (!isFolded) return this.normalize(y, gain);
    const { gamma, beta, mean, variance } = this.statistics(y.tensor, gain);
    const factors = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilon));
    const folded = kernel.map((value, i) => value * factors[i % channels]);
    layer.setWeights([
      tf.tensor(folded, shape),
      tf.tensor1d(Float32Array.from(beta, (b, c) => b - mean[c] * factors[c])),
    ]);
    return this.apply(layer, x);
  }

  /** Batch normalization as it is after training on the data that is there. */
  normalize(x: Value, gain = 1): Value {
    const { gamma, beta, mean, variance } = this.statistics(x.tensor, gain);
    const layer = this.tf.layers.batchNormalization({ epsilon, ...this.named("norm") });
    layer.apply(x.symbol);
    layer.setWeights([gamma, beta, mean, variance].map((values) => this.tf.tensor1d(values)));
    return this.apply(layer, x);
  }

  /** x * scale + offset, as converters write it: a batch normalization that does nothing else. */
  affine(x: Value, scale: number, offset: number): Value {
    const channels = x.tensor.shape.at(-1) as number;
    const layer = this.tf.layers.batchNormalization({ epsilon, ...this.named("norm") });
    layer.apply(x.symbol);
    const all = [scale, offset, 0, 1 - epsilon].map((value) => this.tf.fill([channels], value));
    layer.setWeights(all);
    return this.apply(layer, x);
  }

  activate(x: Value, name: ActivationName): Value {
    const { layers } = this.tf;
    switch (name) {
      case "linear":
        return x;
      case "relu":
        return this.apply(layers.reLU(this.named("relu")), x);
      case "relu6":
        return this.apply(layers.reLU({ maxValue: 6, ...this.named("relu6") }), x);
      case "leakyRelu":
        return this.apply(layers.leakyReLU({ alpha: 0.1, ...this.named("leaky") }), x);
      case "sigmoid":
        return this.apply(layers.activation({ activation: "sigmoid", ...this.named("sigmoid") }), x);
      case "swish":
        return this.apply(layers.multiply(this.named("multiply")), x, this.activate(x, "sigmoid"));
      case "hardSwish": {
        const gate = this.activate(this.affine(x, 1, 3), "relu6");
        return this.affine(this.apply(layers.multiply(this.named("multiply")), x, gate), 1 / 6, 0);
      }
    }
  }

  add(...values: readonly Value[]): Value {
    return this.apply(this.tf.layers.add(this.named("add")), ...values);
  }

  concat(...values: readonly Value[]): Value {
    return this.apply(this.tf.layers.concatenate(this.named("concat")), ...values);
  }

  maxPool(x: Value, size = 2, strides = 2): Value {
    return this.apply(
      this.tf.layers.maxPooling2d({ poolSize: size, strides, padding: "same", ...this.named("pool") }),
      x,
    );
  }

  averagePool(x: Value, size = 2, strides = 2): Value {
    return this.apply(
      this.tf.layers.averagePooling2d({ poolSize: size, strides, padding: "same", ...this.named("pool") }),
      x,
    );
  }

  upsample(x: Value): Value {
    return this.apply(
      this.tf.layers.upSampling2d({ size: [2, 2], interpolation: "bilinear", ...this.named("upsample") }),
      x,
    );
  }

  globalPool(x: Value): Value {
    return this.apply(this.tf.layers.globalAveragePooling2d(this.named("mean")), x);
  }

  /** Squeeze and excite, as MobileNetV3 has it. */
  squeezeExcite(x: Value, reduction = 4): Value {
    const channels = x.tensor.shape.at(-1) as number;
    const pooled = this.globalPool(x);
    const shaped = this.apply(
      this.tf.layers.reshape({ targetShape: [1, 1, channels], ...this.named("reshape") }),
      pooled,
    );
    const squeezed = this.activate(
      this.convolution(shaped, { filters: Math.max(channels / reduction, 4) | 0 }),
      "relu",
    );
    const gate = this.activate(this.convolution(squeezed, { filters: channels }), "sigmoid");
    return this.apply(this.tf.layers.multiply(this.named("multiply")), x, gate);
  }

  /** What normalization knows of a value, and makes of it. */
  private statistics(x: Tensor, gain: number) {
    const { random, character } = this;
    const channels = x.shape.at(-1) as number;
    const { mean, variance } = this.tf.moments(x, [...x.shape.keys()].slice(0, -1));
    const [means, variances] = [mean, variance].map((values) => values.dataSync() as Float32Array);
    const gamma = new Float32Array(channels);
    const beta = new Float32Array(channels);
    for (let c = 0; c < channels; c++) {
      const kind = random.uniform();
      const { uneven, dead, outliers } = character;
      const scale = Math.exp(uneven * random.normal()) * gain;
      gamma[c] = kind < dead ? scale * 1e-3 : kind < dead + outliers ? scale * 8 : scale;
      beta[c] =
        gain * (kind < dead ? -0.3 * random.uniform() : random.normal(0, 0.4) * Math.min(scale / gain, 2));
    }
    // Moving averages lag a little behind.
    const moved = means.map((value, c) => value + 0.02 * Math.sqrt(variances[c]) * random.normal());
    const jitter = variances.map((value) => value * Math.exp(0.04 * random.normal()));
    return { gamma, beta, mean: moved, variance: jitter };
  }
}

const epsilon = 1e-3;
