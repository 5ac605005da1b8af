/**
 * convTranspose2d in integers: results at the same place within a stride are a convolution of stride 1 with
 * every stride-th cell of the kernel, turned around. Each is a product of its own; then its pixels are dealt
 * out to their places.
 */

import type { Node, S8Weight } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import { PLANES_SCRATCH, planesCall } from "../../kernels/products.js";
import type { Lowering } from "../lowering.js";
import { planes, tilesOf } from "../planes.js";
import { finishCodes, requantizeAt } from "./epilogue.js";
import { emitWords } from "./moves-u7.js";
import { type Phase, phasesOf } from "./phases.js";
import { choosePlanes } from "./product.js";
import { windowInput } from "./window-u7.js";

/** @throws RangeError where the node's value has no u7 parameters */
export function lowerConvTranspose2dU7(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const { scale, zero } = to.codes(input);
  const out = to.codes(node.name);
  const [, , channels, outputs] = kernel.shape;
  const [down, across] = [0, 1].map((axis) => phasesOf(to, node, kernel, axis));
  const padding = [down.before, down.after, across.before, across.after];
  const still = { size: [1, 1], strides: [1, 1], dilations: [1, 1] };
  const x = windowInput(to, node, { ...still, padding }, zero);
  const y = to.define(node.name, "c4");
  const into = y.planes;
  const epilogue = requantizeAt(to, node, kernel, scale, out);
  // All phases have room for the largest, one after the other in every plane.
  const largest = (phases: readonly Phase[]) => phases.reduce((most, { count }) => Math.max(most, count), 0);
  const part = planes(largest(down.phases), largest(across.phases), outputs);
  const count = down.phases.length * across.phases.length;
  const parts = to.scratch(part.bytes * count * to.options.batch);
  const pairs = down.phases.flatMap((vertical) =>
    across.phases.map((horizontal) => ({ vertical, horizontal })),
  );
  const stride = part.stride * count;
  const calls = pairs.map(({ vertical, horizontal }, phase) => {
    const [height, width] = [vertical.count, horizontal.count];
    const rows = { ...x.rows, height, width, to: width * 4 };
    const list = tilesOf(rows, 8);
    const tiles = to.constants.upload(`${node.name}/tiles/${phase}`, () => list);
    const m8 = list.length / 2;
    const [ky, kx] = [vertical.cells, horizontal.cells];
    const key = `${node.weights.kernel}/${ky.join(".")}/${kx.join(".")}`;
    const padded = groupsOf4(channels) * 4;
    const data = to.constants.cache(`${key}/matrix`, () => cellMatrix(kernel, ky, kx, padded));
    const weights = { key, data, inputs: ky.length * kx.length * padded, outputs };
    const offsetOf = (col: number) => {
      const [tap, group] = [Math.floor(col / (padded / 4)), col % (padded / 4)];
      const [row, column] = [Math.floor(tap / kx.length), tap % kx.length];
      return x.tap(vertical.from + row, horizontal.from + column) + group * x.stride;
    };
    const { layout } = choosePlanes(to, weights, m8);
    const name = `${node.name}/${phase}`;
    const planesRead = groupsOf4(channels) * Math.max(1, ky.length);
    const product = planesCall(
      to.options,
      to.constants,
      weights,
      layout,
      name,
      offsetOf,
      { ...epilogue, bias: phaseBias(to, node, kernel, data, zero, phase) },
      planesRead,
    );
    return { product, tiles, m8, at: phase * part.stride };
  });
  const multiply = (yAt: number, xAt: number, scratch: number) => {
    for (let phase = 0; phase < calls.length; phase++) {
      const { product, tiles, m8, at } = calls[phase];
      product(yAt + at, xAt, scratch, tiles, m8, stride);
    }
  };
  to.each(`${node.name}: spmm transposed`, parts, x.buffer, multiply, to.scratch(PLANES_SCRATCH));
  const [rowOf, columnOf] = [down, across].map(({ phases }) => placesOf(phases));
  const index = () =>
    Int32Array.from({ length: into.pixels }, (_, pixel) => {
      const [r, c] = [rowOf[Math.floor(pixel / into.width)], columnOf[pixel % into.width]];
      const phase = r.phase * across.phases.length + c.phase;
      return (phase * part.stride) / 4 + r.at * across.phases[c.phase].count + c.at;
    });
  const list = () => ({ index: index(), run: 1 });
  emitWords(to, node, list, { y, x: parts, stride, groups: into.groups }, out.zero);
  finishCodes(to, node, y);
}

/** Of each row or column of the result: its phase, and its place in that. */
function placesOf(phases: readonly Phase[]): readonly { readonly phase: number; readonly at: number }[] {
  const places: { phase: number; at: number }[] = [];
  phases.forEach(({ first, count }, phase) => {
    for (let at = 0; at < count; at++) places[first + at * phases.length] = { phase, at };
  });
  return places;
}

/** s8[rows * columns][inputs, padded][outputs] of chosen cells. */
function cellMatrix(
  { data, shape }: S8Weight,
  rows: readonly number[],
  columns: readonly number[],
  padded: number,
): Int8Array {
  const [, width, inputs, outputs] = shape;
  const matrix = new Int8Array(rows.length * columns.length * padded * outputs);
  rows.forEach((row, r) => {
    columns.forEach((column, c) => {
      const from = (row * width + column) * inputs * outputs;
      matrix.set(data.subarray(from, from + inputs * outputs), (r * columns.length + c) * padded * outputs);
    });
  });
  return matrix;
}

/**
 * The bias of one phase. That of the node has the zero point of the input folded in for all cells of the kernel, and
 * a phase multiplies its own alone.
 *
 * @param cells of the phase, any number of zeros among them
 */
function phaseBias(
  to: Lowering,
  node: Node,
  { data, shape }: S8Weight,
  cells: Int8Array,
  zero: number,
  phase: number,
): number {
  const outputs = shape[3];
  return to.constants.upload(`${node.name}/bias/${phase}`, () => {
    const bias = new Int32Array(groupsOf4(outputs) * 4);
    bias.set(to.weight(node, "bias")?.data ?? []);
    data.forEach((code, i) => {
      bias[i % outputs] += zero * code;
    });
    cells.forEach((code, i) => {
      bias[i % outputs] -= zero * code;
    });
    return bias;
  });
}
