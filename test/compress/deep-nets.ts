/** Deep nets of depthwise blocks with residuals, in which errors add up: where int8 goes wrong first. */

import type { Graph, Weight } from "../../src/graph/index.js";
import { f32, graphOf, node, noise } from "../graph/helpers.js";

export const cells = 6;
export const inputChannels = 3;
const channels = 8;

export interface DeepNet {
  readonly blocks: number;
  /** How far apart the channels of depthwise kernels are, as training leaves them. */
  readonly uneven?: number;
  readonly seed?: number;
}

/** A stem, blocks of depthwise and pointwise convolutions added to what they read, a mean and a head of ten. */
export function deepNet({ blocks, uneven = 1, seed = 1 }: DeepNet): Graph {
  const weights: Record<string, Weight> = {};
  let next = seed * 1000;
  const window = (cells: number) => {
    const pad = (cells - 1) / 2;
    return { strides: [1, 1], dilations: [1, 1], padding: [pad, pad, pad, pad] };
  };
  const layer = (name: string, op: string, input: string, shape: readonly number[], attrs = {}) => {
    const outputs = op === "depthwiseConv2d" ? shape[2] : (shape.at(-1) as number);
    const fan = shape.reduce((size, dim) => size * dim, 1) / outputs;
    const spread = noise(outputs, next++).map((value) =>
      Math.exp(op === "depthwiseConv2d" ? uneven * value : 0),
    );
    const kernel = noise(fan * outputs, next++).map(
      (value, i) => value * Math.sqrt(2 / fan) * spread[i % outputs],
    );
    weights[`${name}/kernel`] = f32(shape, kernel);
    weights[`${name}/bias`] = f32(
      [outputs],
      noise(outputs, next++).map((value) => value / 10),
    );
    return node(name, op, input, { weights: { kernel: `${name}/kernel`, bias: `${name}/bias` }, attrs });
  };
  const relu = { activation: "relu" };
  const nodes = [layer("stem", "conv2d", "x", [3, 3, inputChannels, channels], { ...window(3), ...relu })];
  let value = "stem";
  for (let block = 0; block < blocks; block++) {
    nodes.push(layer(`d${block}`, "depthwiseConv2d", value, [3, 3, channels, 1], window(3)));
    nodes.push(layer(`p${block}`, "conv2d", `d${block}`, [1, 1, channels, channels], window(1)));
    nodes.push(node(`s${block}`, "add", [value, `p${block}`], { attrs: relu }));
    value = `s${block}`;
  }
  nodes.push(node("mean", "reduce", value, { attrs: { fn: "mean", axes: [1, 2] } }));
  nodes.push(layer("head", "dense", "mean", [channels, 10], { activation: "linear" }));
  return graphOf({ inputs: [{ name: "x", shape: [null, cells, cells, inputChannels] }], nodes, weights });
}

/** Smooth pictures with noise on them. */
export function pictures(count: number, seed: number): Float32Array {
  const size = cells * cells * inputChannels;
  const numbers = noise(count * (size + 4), seed);
  return Float32Array.from({ length: count * size }, (_, i) => {
    const [sample, at] = [Math.floor(i / size), i % size];
    const [a, b, c, d] = numbers.subarray(sample * 4, sample * 4 + 4);
    const [row, column] = [Math.floor(at / inputChannels / cells), Math.floor(at / inputChannels) % cells];
    return (
      0.5 + 0.3 * Math.sin(a * row + b * column + 3 * c + (at % 3)) + 0.1 * d + 0.05 * numbers[count * 4 + i]
    );
  });
}
