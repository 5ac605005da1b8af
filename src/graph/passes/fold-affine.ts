/** Folds affine into the dense beside it: batch normalization costs nothing at run time. */

import { replaceNodes, soleConsumers, withNodes } from "../graph.js";
import type { F32Weight, Graph, Node, Weight } from "../types.js";

/**
 * Folds each affine into the f32 dense before it, whose activation is linear, or else into the one
 * after it, where the value between them has no other reader and is no output.
 *
 * The same numbers up to f32 rounding. Shared weights stay shared: keys of folded weights are made of
 * the keys of what went in.
 * @returns the same graph if there is nothing to fold
 */
export function foldAffine(graph: Graph): Graph {
  for (let current = graph; ; ) {
    const next = foldFirst(current);
    if (!next) return current;
    current = next;
  }
}

function foldFirst(graph: Graph): Graph | undefined {
  const sole = soleConsumers(graph);
  for (const node of graph.nodes) {
    const reader = sole.get(node.name);
    // Rounding to u7 between the two is part of what the graph computes.
    if (!reader || graph.quant.has(node.name)) continue;
    if (isLinearDense(graph, node) && reader.op === "affine") return foldInto(graph, node, reader);
    if (node.op === "affine" && isDense(graph, reader)) return foldAhead(graph, node, reader);
  }
  return undefined;
}

/** In f32: an s8 kernel has its codes and scales already. */
function isDense(graph: Graph, node: Node): boolean {
  return node.op === "dense" && graph.weights.get(node.weights.kernel)?.dtype === "f32";
}

function isLinearDense(graph: Graph, node: Node): boolean {
  return isDense(graph, node) && (node.attrs.activation ?? "linear") === "linear";
}

/** (x K + b) s + t = x (K s) + (b s + t); the result has the affine's name. */
function foldInto(graph: Graph, dense: Node, affine: Node): Graph {
  const { kernel, bias } = denseWeights(graph, dense);
  const { scale, offset } = affineWeights(graph, affine);
  const [, outputs] = kernel.shape;
  const folded = kernel.data.map((value, i) => value * scale.data[i % outputs]);
  const shifted = offset.data.map((value, o) => (bias?.data[o] ?? 0) * scale.data[o] + value);

  const kernelKey = `${dense.weights.kernel}*${affine.weights.scale}`;
  // Without a bias it is the offset itself.
  const biasKey = bias
    ? `${dense.weights.bias}*${affine.weights.scale}+${affine.weights.offset}`
    : affine.weights.offset;
  const node: Node = {
    ...dense,
    name: affine.name,
    weights: { ...dense.weights, kernel: kernelKey, bias: biasKey },
  };
  return withNodes(graph, {
    nodes: replaceNodes(
      graph,
      new Map([
        [dense, null],
        [affine, node],
      ]),
    ),
    weights: weightMap(kernelKey, kernel.shape, folded, biasKey, shifted),
  });
}

/** (x s + t) K + b = x (s K) + (b + t K); the result keeps the dense's name. */
function foldAhead(graph: Graph, affine: Node, dense: Node): Graph {
  const { kernel, bias } = denseWeights(graph, dense);
  const { scale, offset } = affineWeights(graph, affine);
  const [inputs, outputs] = kernel.shape;
  const folded = kernel.data.map((value, i) => value * scale.data[Math.floor(i / outputs)]);
  // Summed in f64: K products rounded one by one would drift.
  const shifted = new Float64Array(outputs);
  for (let o = 0; o < outputs; o++) {
    shifted[o] = bias?.data[o] ?? 0;
    for (let i = 0; i < inputs; i++) shifted[o] += offset.data[i] * kernel.data[i * outputs + o];
  }

  const kernelKey = `${affine.weights.scale}*${dense.weights.kernel}`;
  const product = `${affine.weights.offset}*${dense.weights.kernel}`;
  const biasKey = bias ? `${product}+${dense.weights.bias}` : product;
  const node: Node = {
    ...dense,
    inputs: affine.inputs,
    weights: { ...dense.weights, kernel: kernelKey, bias: biasKey },
  };
  return withNodes(graph, {
    nodes: replaceNodes(
      graph,
      new Map([
        [affine, null],
        [dense, node],
      ]),
    ),
    weights: weightMap(kernelKey, kernel.shape, folded, biasKey, Float32Array.from(shifted)),
  });
}

function denseWeights(graph: Graph, { weights }: Node): { kernel: F32Weight; bias: F32Weight | undefined } {
  const bias = weights.bias === undefined ? undefined : (graph.weights.get(weights.bias) as F32Weight);
  return { kernel: graph.weights.get(weights.kernel) as F32Weight, bias };
}

function affineWeights(graph: Graph, { weights }: Node): { scale: F32Weight; offset: F32Weight } {
  const read = (role: string) => graph.weights.get(weights[role]) as F32Weight;
  return { scale: read("scale"), offset: read("offset") };
}

function weightMap(
  kernelKey: string,
  shape: readonly number[],
  kernel: Float32Array,
  biasKey: string,
  bias: Float32Array,
): ReadonlyMap<string, Weight> {
  return new Map<string, Weight>([
    [kernelKey, { dtype: "f32", shape, data: kernel }],
    [biasKey, { dtype: "f32", shape: [bias.length], data: bias }],
  ]);
}
