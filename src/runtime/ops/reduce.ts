/** reduce and layerNorm in f32. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { uploadReals } from "./constants.js";

// Numbers of f32_reduce.
const functions = ["sum", "mean", "max", "min", "product"];

/** Axes that lie side by side are reduced at once, from the last ones on. */
export function lowerReduce(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const { fn, axes } = node.attrs as { fn: string; axes: readonly number[] };
  const code = functions.indexOf(fn);
  const shape = [to.options.batch, ...(to.shape(input).slice(1) as number[])];
  const size = (from: number, end: number) => shape.slice(from, end).reduce((n, dim) => n * dim, 1);
  let x = to.f32(input);
  if (axes.length === 0) to.alias(node.name, input);
  for (let last = axes.length - 1; last >= 0; last--) {
    const end = axes[last] + 1;
    while (last > 0 && axes[last - 1] === axes[last] - 1) last -= 1;
    const [rows, k, n] = [size(0, axes[last]), size(axes[last], end), size(end, shape.length)];
    shape.fill(1, axes[last], end);
    const from = x;
    const y = last === 0 ? to.define(node.name, "f32") : to.scratch(rows * n * 4);
    to.once(`${node.name}: f32_reduce ${fn}`, y, from, (yAt, xAt) =>
      to.kernels.f32_reduce(yAt, xAt, rows, k, n, code),
    );
    x = y;
  }
}

export function lowerLayerNorm(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const n = to.channels(input);
  const rows = to.size(input) / n;
  const gamma = uploadReals(to, node, "gamma", n, 1);
  const beta = uploadReals(to, node, "beta", n, 0);
  const epsilon = node.attrs.epsilon as number;
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  to.once(`${node.name}: f32_layer_norm`, y, x, (yAt, xAt) =>
    to.kernels.f32_layer_norm(yAt, xAt, gamma, beta, rows, n, epsilon),
  );
}
