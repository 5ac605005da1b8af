/** Heads that say something of the picture: linear, fitted by ridge regression to features of the net. */

import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { Matrix, solve } from "ml-matrix";
import type { NetBuilder, Value } from "./builder.js";

const classes = 10;
const cells = 4;

/** Mean colours of 4 x 4 cells: what of a picture is easy to see. */
function thumbnails(x: Tensor): number[][] {
  const [count, height, width, channels] = x.shape;
  const data = x.dataSync();
  return Array.from({ length: count }, (_, sample) => {
    const sums = new Array<number>(cells * cells * channels).fill(0);
    for (let i = 0; i < height * width * channels; i++) {
      const [row, column] = [Math.floor(i / channels / width), Math.floor(i / channels) % width];
      const cell = Math.floor((row * cells) / height) * cells + Math.floor((column * cells) / width);
      sums[cell * channels + (i % channels)] += data[sample * height * width * channels + i];
    }
    return sums;
  });
}

/** The class of a picture is the nearest of ten that were drawn: [samples][10], one of them 1. */
function nearest(b: NetBuilder, pictures: Tensor): number[][] {
  const all = thumbnails(pictures);
  const order = b.random.shuffle(Uint32Array.from(all.keys()));
  const prototypes = Array.from(order.subarray(0, classes), (i) => all[i]);
  return all.map((picture) => {
    const distances = prototypes.map((other) => other.reduce((sum, v, i) => sum + (v - picture[i]) ** 2, 0));
    const label = distances.indexOf(Math.min(...distances));
    return distances.map((_, i) => Number(i === label));
  });
}

interface Linear {
  /** [features][columns] */
  readonly kernel: Matrix;
  readonly bias: readonly number[];
}

/**
 * Least squares with a penalty on weights. Features are as they are, not standardized: those that hardly move get small
 * weights, as gradient descent would leave them.
 *
 * @param penalty in mean variances of the features
 */
function ridge(features: Matrix, targets: Matrix, penalty: number): Linear {
  const means = features.mean("column");
  const targetMeans = targets.mean("column");
  const x = features.clone().subRowVector(means);
  const y = targets.clone().subRowVector(targetMeans);
  const gram = x.transpose().mmul(x);
  const added = (penalty * gram.trace()) / gram.rows;
  for (let i = 0; i < gram.rows; i++) gram.set(i, i, gram.get(i, i) + added);
  const kernel = solve(gram, x.transpose().mmul(y));
  const bias = targetMeans.map((mean, column) => mean - dot(means, kernel.getColumn(column)));
  return { kernel, bias };
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);

/** Ten classes of whole pictures: pooling, a dense layer, a softmax. */
export function classifier(b: NetBuilder, x: Value, input: Value): Value {
  const pooled = b.globalPool(x);
  const [count, channels] = pooled.tensor.shape;
  const features = Matrix.from1DArray(count, channels, pooled.tensor.dataSync() as unknown as number[]);
  const { kernel, bias } = ridge(features, new Matrix(nearest(b, input.tensor)), 0.03);
  // Logits as cross entropy leaves them: a class that is sure is ahead by several.
  const layer = b.tf.layers.dense({
    name: "classes",
    units: classes,
    activation: "softmax",
    kernelInitializer: "zeros",
  });
  layer.apply(pooled.symbol);
  layer.setWeights([
    b.tf.tensor2d(kernel.mul(sharpness).to1DArray(), [channels, classes]),
    b.tf.tensor1d(bias.map((each) => each * sharpness)),
  ]);
  return b.apply(layer, pooled);
}

const sharpness = 8;
/** Rows of a map that a head is fitted to. */
const mostRows = 4000;

/** A map of the picture's own colours in the size of the features, by a 1 x 1 convolution: a dense regression. */
export function mapHead(b: NetBuilder, x: Value, input: Value, activation: "linear" | "sigmoid"): Value {
  const { tf } = b;
  const [count, height, width, channels] = x.tensor.shape;
  const small = tf.image.resizeBilinear(input.tensor as Tensor4D, [height, width]);
  const colors = small.shape.at(-1) as number;
  const rows = count * height * width;
  const step = Math.max(Math.floor(rows / mostRows), 1) | 1;
  const [data, wanted] = [x.tensor.dataSync(), small.dataSync()];
  const places = Array.from({ length: Math.floor(rows / step) }, (_, i) => i * step);
  const rowsOf = (all: ArrayLike<number>, size: number) =>
    new Matrix(places.map((at) => Array.from({ length: size }, (_, c) => all[at * size + c])));
  const { kernel, bias } = ridge(rowsOf(data, channels), rowsOf(wanted, colors), 0.01);
  const factor = activation === "sigmoid" ? sharpness : 1;
  const layer = tf.layers.conv2d({
    name: "map",
    filters: colors,
    kernelSize: 1,
    activation,
    kernelInitializer: "zeros",
  });
  layer.apply(x.symbol);
  layer.setWeights([
    tf.tensor(kernel.mul(factor).to1DArray(), [1, 1, channels, colors]),
    tf.tensor1d(bias.map((each) => each * factor)),
  ]);
  return b.apply(layer, x);
}
