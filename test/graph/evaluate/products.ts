/** Ops that multiply by a kernel, and matmul: loops over every output and every tap. */

import { activate, type Context, needed, product, type Rows } from "./tensor.js";

type Numbers = readonly number[];

/** Bias and activation, over sums whose last axis is channels. */
function finish(context: Context, sums: Float64Array): Float64Array {
  const bias = context.weight("bias")?.data;
  const residual = context.inputs[1]?.data;
  if (residual) for (let i = 0; i < sums.length; i++) sums[i] += residual[i];
  if (bias) for (let i = 0; i < sums.length; i++) sums[i] += bias[i % bias.length];
  return activate(context.node, context.node.attrs.activation ?? "linear", sums);
}

/** Calls `tap` for each result cell and each kernel cell over the input: offsets of their channels. */
function eachTap(
  { inputs: [x], shape, node }: Context,
  kernel: Numbers,
  tap: (y: number, x: number, k: number) => void,
): void {
  const [, height, width, channels] = x.shape;
  const [batch, rows, columns, outputs] = shape;
  const { strides, dilations, padding } = node.attrs as Readonly<Record<string, Numbers>>;
  const cell = kernel[2] * kernel[3];
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < rows * columns; i++) {
      const y = (b * rows * columns + i) * outputs;
      for (let k = 0; k < kernel[0] * kernel[1]; k++) {
        const row =
          Math.floor(i / columns) * strides[0] + Math.floor(k / kernel[1]) * dilations[0] - padding[0];
        const column = (i % columns) * strides[1] + (k % kernel[1]) * dilations[1] - padding[2];
        if (row < 0 || row >= height || column < 0 || column >= width) continue;
        tap(y, ((b * height + row) * width + column) * channels, k * cell);
      }
    }
  }
}

export const productRows: Rows = {
  dense(context) {
    const { shape, data: kernel } = needed(context, "kernel");
    const [depth, outputs] = shape;
    const { data: x } = context.inputs[0];
    const sums = new Float64Array(product(context.shape));
    for (let row = 0; row < x.length / depth; row++) {
      for (let i = 0; i < depth; i++) {
        const value = x[row * depth + i];
        for (let o = 0; o < outputs; o++) sums[row * outputs + o] += value * kernel[i * outputs + o];
      }
    }
    return finish(context, sums);
  },

  conv2d(context) {
    const kernel = needed(context, "kernel");
    const [, , inputs, outputs] = kernel.shape;
    const { data } = context.inputs[0];
    const sums = new Float64Array(product(context.shape));
    eachTap(context, kernel.shape, (y, x, k) => {
      for (let i = 0; i < inputs; i++) {
        const value = data[x + i];
        for (let o = 0; o < outputs; o++) sums[y + o] += value * kernel.data[k + i * outputs + o];
      }
    });
    return finish(context, sums);
  },

  depthwiseConv2d(context) {
    const kernel = needed(context, "kernel");
    const [, , inputs, multiplier] = kernel.shape;
    const { data } = context.inputs[0];
    const sums = new Float64Array(product(context.shape));
    eachTap(context, kernel.shape, (y, x, k) => {
      for (let o = 0; o < inputs * multiplier; o++) {
        sums[y + o] += data[x + Math.floor(o / multiplier)] * kernel.data[k + o];
      }
    });
    return finish(context, sums);
  },

  convTranspose2d(context) {
    const kernel = needed(context, "kernel");
    const [h, w, inputs, outputs] = kernel.shape;
    const [x] = context.inputs;
    const [, height, width] = x.shape;
    const [, rows, columns] = context.shape;
    const { strides, padding } = context.node.attrs as Readonly<Record<string, Numbers>>;
    const sums = new Float64Array(product(context.shape));
    for (let cell = 0; cell < product(x.shape.slice(0, 3)); cell++) {
      const b = Math.floor(cell / (height * width));
      for (let k = 0; k < h * w; k++) {
        const row = (Math.floor(cell / width) % height) * strides[0] + Math.floor(k / w) - padding[0];
        const column = (cell % width) * strides[1] + (k % w) - padding[2];
        if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
        const y = ((b * rows + row) * columns + column) * outputs;
        for (let i = 0; i < inputs; i++) {
          const value = x.data[cell * inputs + i];
          for (let o = 0; o < outputs; o++) {
            sums[y + o] += value * kernel.data[(k * inputs + i) * outputs + o];
          }
        }
      }
    }
    return finish(context, sums);
  },

  matmul({ node, inputs: [a, b], shape }) {
    const { transposeA, transposeB } = node.attrs;
    const [m, n] = shape.slice(-2);
    const [rows, columns] = a.shape.slice(-2);
    const depth = transposeA ? rows : columns;
    const y = new Float64Array(product(shape));
    for (let i = 0; i < y.length; i++) {
      const matrix = Math.floor(i / (m * n));
      const [row, column] = [Math.floor(i / n) % m, i % n];
      for (let k = 0; k < depth; k++) {
        const left = transposeA ? k * m + row : row * depth + k;
        const right = transposeB ? column * depth + k : k * n + column;
        y[i] += a.data[matrix * m * depth + left] * b.data[matrix * n * depth + right];
      }
    }
    return y;
  },
};
