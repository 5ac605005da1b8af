/** conv2d in integers: one product of C4 planes, a tap of the kernel being another byte offset. */

import type { Node, S8Weight } from "../../graph/index.js";
import { groupsOf4, packBlocks } from "../../kernels/layouts.js";
import { PLANES_SCRATCH, type ProductWeights, planesCall } from "../../kernels/products.js";
import type { Lowering } from "../lowering.js";
import { countedTiles, planesOf, tilesOf } from "../planes.js";
import { activationOf, emitTable, emitUnary } from "./elementwise.js";
import { biasAt, multipliersAt, requantizeAt } from "./epilogue.js";
import { choosePlanes } from "./product.js";
import { type WindowInput, wantsWords, windowInput, windowOf, wordGroups, wordInput } from "./window-u7.js";
import { lowerWinograd } from "./winograd-u7.js";

export function lowerConv2dU7(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const { scale, zero } = to.codes(input);
  const out = to.quant(node.name);
  const [kh, kw, channels, outputs] = kernel.shape;
  const window = windowOf(node, [kh, kw]);
  const isWords = wantsWords(to.shape(input), window);
  const x = isWords ? wordInput(to, node, window, zero) : windowInput(to, node, window, zero);
  const perTap = isWords ? wordGroups(kw, channels) : groupsOf4(channels);
  const weights = packTaps(to, node, kernel, isWords);
  // Columns of 4 inputs, in the order in which packTaps lays them out.
  const offsetOf = isWords
    ? (col: number) => x.tap(Math.floor(col / perTap), col % perTap)
    : (col: number) => {
        const tap = Math.floor(col / perTap);
        return x.tap(Math.floor(tap / kw), tap % kw) + (col % perTap) * x.stride;
      };
  if (!out) {
    lowerWide(to, node, x, weights, offsetOf, multipliersAt(to, node, kernel, scale, 1));
    return;
  }
  const tiles = tilesOf(x.rows, 8);
  const m8 = tiles.length / 2;
  const { layout, cost } = choosePlanes(to, weights, m8);
  if (!isWords && lowerWinograd(to, node, kernel, window, x, scale, out, cost)) {
    emitTable(to, node, to.c4(node.name));
    return;
  }
  const multiply = planesCall(
    to.options,
    to.constants,
    weights,
    layout,
    `${node.name}/${isWords ? "words" : "planes"}`,
    offsetOf,
    { bias: biasAt(to, node, outputs), ...requantizeAt(to, node, kernel, scale, out) },
    perTap * kh,
  );
  const y = to.define(node.name, "c4");
  const { stride } = planesOf(to.shape(node.name));
  const tilesAt = to.constants.upload(`${node.name}/tiles`, () => tiles);
  const label = `${node.name}: spmm ${layout}${isWords ? " words" : ""}`;
  const scratch = to.scratch(PLANES_SCRATCH);
  to.each(label, y, x.buffer, (yAt, xAt, at) => multiply(yAt, xAt, at, tilesAt, m8, stride), scratch);
  emitTable(to, node, y);
}

/** A result in f32, which no other layer reads in u7: the sums become real without passing through 7 bits. */
function lowerWide(
  to: Lowering,
  node: Node,
  x: WindowInput,
  weights: ProductWeights,
  offsetOf: (col: number) => number,
  mult: number,
): void {
  const { key, data, inputs, outputs } = weights;
  const bias = biasAt(to, node, outputs);
  const blocks = groupsOf4(inputs);
  const w = to.constants.upload(`${key}/all`, () => packBlocks(data, inputs, outputs, 4, true).values);
  const offsets = to.constants.upload(`${node.name}/offsets`, () =>
    Int32Array.from({ length: blocks }, (_, col) => offsetOf(col)),
  );
  const list = countedTiles(x.rows, outputs * 4);
  const tiles = to.constants.upload(`${node.name}/tiles`, () => list);
  const y = to.define(node.name, "f32");
  const m4 = list.length / 3;
  const { u7_s8w_f32_spmm } = to.kernels;
  to.each(`${node.name}: u7_s8w_f32_spmm`, y, x.buffer, (yAt, xAt) => {
    u7_s8w_f32_spmm(yAt, xAt, w, offsets, bias, mult, tiles, m4, blocks, outputs);
  });
  const fn = activationOf(node, "activation");
  if (fn !== "linear") emitUnary(to, node.name, fn, node.attrs, y, y, to.size(node.name));
}

/**
 * The kernel as a matrix s8[taps][inputs of a tap, padded to fours][outputs]; a tap is a pixel of the
 * window, or, where pixels are words, a row of it.
 */
function packTaps(to: Lowering, node: Node, kernel: S8Weight, isWords: boolean): ProductWeights {
  const [kh, kw, channels, outputs] = kernel.shape;
  const taps = isWords ? kh : kh * kw;
  const inner = isWords ? kw * channels : channels;
  const padded = groupsOf4(inner) * 4;
  const key = `${node.weights.kernel}/${isWords ? "words" : "taps"}`;
  const data = to.constants.cache(`${key}/matrix`, () => {
    if (padded === inner) return kernel.data;
    const matrix = new Int8Array(taps * padded * outputs);
    for (let tap = 0; tap < taps; tap++) {
      const from = kernel.data.subarray(tap * inner * outputs, (tap + 1) * inner * outputs);
      matrix.set(from, tap * padded * outputs);
    }
    return matrix;
  });
  return { key, data, inputs: taps * padded, outputs };
}
