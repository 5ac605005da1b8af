/** conv2d in integers: one product of C4 planes, a tap of the kernel being another byte offset. */

import type { Node, S8Weight } from "../../graph/index.js";
import { groupsOf4, packBlocks } from "../../kernels/layouts.js";
import { PLANES_SCRATCH, type ProductWeights, planesCall } from "../../kernels/products.js";
import type { Lowering } from "../lowering.js";
import { countedTiles, planePixels, type Rows, tilesOf } from "../planes.js";
import { activationOf, emitUnary } from "./elementwise.js";
import { biasAt, finishCodes, multipliersAt, requantizeAt } from "./epilogue.js";
import { choosePlanes } from "./product.js";
import { type Window, type WindowInput, windowInput, windowOf, wordGroups, wordInput } from "./window-u7.js";
import { lowerWinograd } from "./winograd-u7.js";

export function lowerConv2dU7(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const { scale, zero } = to.codes(input);
  const out = to.quant(node.name);
  const [kh, kw, channels, outputs] = kernel.shape;
  const window = windowOf(node, [kh, kw]);
  const packing = packingOf(to, node, channels, window);
  const { whole, rest } = packing;
  const isWords = whole === 0;
  const x = (isWords ? wordInput : windowInput)(to, node, window, zero);
  const weights = packTaps(to, node, kernel, packing);
  const offsetOf = offsetsOf(packing, kernel.shape, x);
  if (!out) {
    fold(to, node, packing, window, x);
    lowerWide(to, node, x, weights, offsetOf, multipliersAt(to, node, kernel, scale, 1));
    return;
  }
  const run = spacedRun(to, node, x.rows);
  const tiles = tilesOf(run ?? x.rows, 8);
  const m8 = tiles.length / 2;
  const { layout, cost } = choosePlanes(to, weights, m8);
  if (!isWords && lowerWinograd(to, node, kernel, window, x, scale, out, cost)) {
    finishCodes(to, node, to.c4(node.name));
    return;
  }
  fold(to, node, packing, window, x);
  const multiply = planesCall(
    to.options,
    to.constants,
    weights,
    layout,
    `${node.name}/${whole}+${rest}`,
    offsetOf,
    { bias: biasAt(to, node, outputs), ...requantizeAt(to, node, kernel, scale, out) },
    (isWords ? wordGroups(kw, channels) : groupsOf4(channels)) * kh,
  );
  const y = to.define(node.name, "c4", run && x.rows.from / 4);
  const { stride } = y.planes;
  const tilesAt = to.constants.upload(`${node.name}/tiles`, () => tiles);
  const label = `${node.name}: spmm ${layout}${isWords ? " words" : ""}`;
  const scratch = to.scratch(PLANES_SCRATCH);
  to.each(label, y, x.buffer, (yAt, xAt, at) => multiply(yAt, xAt, at, tilesAt, m8, stride), scratch);
  finishCodes(to, node, y);
}

/**
 * The rows of a result as one run with what lies between them in the input, where that takes fewer tiles and whatever
 * reads it passes over what lies between.
 */
function spacedRun(to: Lowering, { name }: Node, rows: Rows): Rows | undefined {
  const { height, width, from } = rows;
  const count = ((height - 1) * from) / 4 + width;
  const readers = to.options.graph.nodes.filter(({ inputs }) => inputs.includes(name));
  const isSpaced =
    Math.ceil(count / 8) < height * Math.ceil(width / 8) &&
    readers.length > 0 &&
    readers.every(({ attrs }) => `${attrs.padding}` === "0,0,0,0");
  return isSpaced ? { ...rows, height: 1, width: count } : undefined;
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
 * How the inputs of one row of a window lie in fours: first those groups of channels that have a column at each tap,
 * tap by tap; then the channels that are left over of all taps, one behind the other.
 */
interface Packing {
  /** Groups of 4 channels with columns of their own; 0 where the input is words. */
  readonly whole: number;
  /** Channels that are left over. */
  readonly rest: number;
  /** Of words: how many rows share a word for what is left over of each; 0 where every row has its own. */
  readonly shared: number;
}

function packingOf(to: Lowering, node: Node, channels: number, window: Window): Packing {
  const rest = channels % 4;
  const { size, strides, dilations } = window;
  const [columns, stride] = [size[1], strides[1]];
  if (dilations[1] === 1) {
    // Words of neighbouring bytes, where they take no more products than channels in fours: of so few channels that
    // none are whole, or of rows that need not be taken apart and whose next pixels a stride passes over.
    const isWords = channels < 4 || (stride > 1 && !to.has(node.inputs[0], "c4"));
    if (isWords && wordGroups(columns, channels) <= columns * groupsOf4(channels)) {
      const left = (columns * channels) % 4;
      const isShared = (left === 1 || left === 2) && size[0] > 1 && dilations[0] === 1;
      return { whole: 0, rest: channels, shared: isShared ? 4 / left : 0 };
    }
    if (columns > 1 && stride === 1 && (rest === 1 || rest === 2)) {
      return { whole: channels >> 2, rest, shared: 0 };
    }
  }
  return { whole: groupsOf4(channels), rest: 0, shared: 0 };
}

/**
 * Emits what puts channels that are left over beside those of the next pixels, as words have them, and bytes that are
 * left over of words beside those of the next rows; three leave no room for a fourth. Other readers of the planes have
 * weights of 0, or nothing, for what lies past the channels.
 */
function fold(
  to: Lowering,
  node: Node,
  { whole, rest, shared }: Packing,
  window: Window,
  x: WindowInput,
): void {
  if (rest === 0 || (whole === 0 && shared === 0)) return;
  const { u7_c4_fold } = to.kernels;
  const [rows, columns] = window.size;
  const { height, width } = x.rows;
  const isRows = whole === 0;
  const plane = (isRows ? (columns * rest) >> 2 : whole) * x.stride;
  // Of the rows that a window begins at or goes on to, all but the last have a next one.
  const pixels = isRows ? ((height - 1) * window.strides[0] + rows - 1) * width : planePixels(x.stride);
  const bytes = isRows ? 4 / shared : rest;
  const next = isRows ? width * 4 : 4;
  const lanes = Math.min(4, bytes * (isRows ? rows : columns));
  to.each(`${node.name}: u7_c4_fold`, x.buffer, x.buffer, (at) => {
    // Each call brings what is left over of one pixel or row more.
    for (let lane = bytes; lane < lanes; lane += bytes) u7_c4_fold(at + plane, pixels, bytes * 8, next);
  });
}

/** Columns of a row that are its own. */
const ownColumns = ({ whole, rest, shared }: Packing, columns: number): number =>
  columns * whole + (shared > 0 ? (columns * rest) >> 2 : wordGroups(columns, rest));

/** Where the columns of packTaps find their inputs. */
function offsetsOf(packing: Packing, [rows, columns]: readonly number[], x: WindowInput) {
  const { whole, rest, shared } = packing;
  const own = columns * whole;
  const all = ownColumns(packing, columns);
  return (col: number): number => {
    const [row, at] = [Math.floor(col / all), col % all];
    if (col >= rows * all) return x.tap((col - rows * all) * shared, all);
    if (whole === 0) return x.tap(row, at);
    if (at < own) return x.tap(row, Math.floor(at / whole)) + (at % whole) * x.stride;
    return x.tap(row, ((at - own) * 4) / rest) + whole * x.stride;
  };
}

/** The kernel as a matrix s8[columns of each row, then those that rows share][4 inputs][outputs], zeros where there is none. */
function packTaps(to: Lowering, node: Node, kernel: S8Weight, packing: Packing): ProductWeights {
  const { whole, rest, shared } = packing;
  const [kh, kw, channels, outputs] = kernel.shape;
  const all = ownColumns(packing, kw) * 4;
  const inputs = kh * all + (shared > 0 ? Math.ceil(kh / shared) * 4 : 0);
  const key = `${node.weights.kernel}/${whole}+${rest}/${shared}`;
  const inputOf = (row: number, column: number, channel: number): number => {
    const left = channel - whole * 4;
    if (left < 0) return row * all + column * whole * 4 + channel;
    const byte = column * rest + left;
    const over = kw * whole * 4 + byte - all;
    if (over < 0) return row * all + kw * whole * 4 + byte;
    return kh * all + Math.floor(row / shared) * 4 + (row % shared) * (4 / shared) + over;
  };
  const data = to.constants.cache(`${key}/matrix`, () => {
    if (whole * 4 === channels) return kernel.data;
    const matrix = new Int8Array(inputs * outputs);
    for (let i = 0; i < kh * kw * channels; i++) {
      const tap = Math.floor(i / channels);
      const input = inputOf(Math.floor(tap / kw), tap % kw, i % channels);
      matrix.set(kernel.data.subarray(i * outputs, (i + 1) * outputs), input * outputs);
    }
    return matrix;
  });
  return { key, data, inputs, outputs };
}
