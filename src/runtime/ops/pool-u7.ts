/** Pools in integers. */

import type { Node } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import { boundMult, packPost } from "../../kernels/post.js";
import { type Lowering, sameParams } from "../lowering.js";
import { tilesOf } from "../planes.js";
import { emitByGroups, windowOf } from "./window-u7.js";

// More taps would not fit the 16 bits in which their codes are added up.
const MAX_TAPS = 516;

/** True for a pool whose result in integers is that of the op. */
export function isPoolU7(to: Lowering, node: Node): boolean {
  const [from, out] = [to.quant(node.inputs[0]), to.quant(node.name)];
  if (!from || !out) return false;
  const { size, padding } = node.attrs as Readonly<Record<string, readonly number[]>>;
  // A largest code is that of the largest number only where both have the same meaning.
  if (node.op === "maxPool") return sameParams(from, out);
  // The divisor must be the same everywhere.
  return padding.every((cells) => cells === 0) && size[0] * size[1] <= MAX_TAPS;
}

export function lowerPoolU7(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const [from, out] = [to.codes(input), to.codes(node.name)];
  const size = node.attrs.size as readonly number[];
  const taps = size[0] * size[1];
  const { u7_c4_max_pool, u7_c4_average_pool } = to.kernels;
  const window = windowOf(node, size);
  // The kernels pass over every other column by themselves.
  const columns = window.strides[1] === 2 ? 1 : window.strides[1];
  emitByGroups(
    to,
    node,
    window,
    0,
    node.op === "maxPool" ? "u7_c4_max_pool" : "u7_c4_average_pool",
    columns,
    (x, stride) => {
      const offsets = to.constants.upload(`${node.name}/offsets`, () =>
        Int32Array.from({ length: taps }, (_, tap) => x.tap(Math.floor(tap / size[1]), tap % size[1])),
      );
      const list = tilesOf(x.rows, 4);
      const tiles = to.constants.upload(`${node.name}/tiles`, () => list);
      const m4 = list.length / 2;
      const { step } = x.rows;
      if (node.op === "maxPool") {
        return (yAt, xAt, _group, count) => {
          u7_c4_max_pool(yAt, xAt, offsets, tiles, m4, count, taps, x.stride, stride, step);
        };
      }
      const post = to.constants.upload(`${node.name}/post`, () => packPost({ zero: out.zero, low: 0 }));
      const offset = -taps * from.zero;
      const mult = Math.fround(boundMult(from.scale / (out.scale * taps), offset));
      return (yAt, xAt, _group, count) => {
        u7_c4_average_pool(
          yAt,
          xAt,
          offsets,
          post,
          tiles,
          m4,
          count,
          taps,
          x.stride,
          stride,
          step,
          offset,
          mult,
        );
      };
    },
  );
}

/** True for a mean over all pixels, which alone of all reductions can be made in integers, of codes. */
export function isMeanU7(to: Lowering, node: Node): boolean {
  const [input] = node.inputs;
  return to.shape(input).length === 4 && to.quant(input) !== undefined;
}

export function lowerMeanU7(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const [from, out] = [to.codes(input), to.quant(node.name)];
  const x = to.c4(input);
  // Nothing reads it in u7: it need not be rounded.
  const y = to.define(node.name, out ? "u7" : "f32");
  const { pixels, groups, stride, channels } = x.planes;
  const sums = to.scratch(groups * 16);
  const post = out ? to.constants.upload(`${node.name}/post`, () => packPost({ zero: out.zero, low: 0 })) : 0;
  const offset = -pixels * from.zero;
  const mult = to.constants.upload(`${node.name}/mult`, () =>
    new Float32Array(groupsOf4(channels) * 4).fill(
      out ? boundMult(from.scale / (out.scale * pixels), offset) : from.scale / pixels,
    ),
  );
  const { u7_c4_sum, i32_u7_requantize, i32_f32_dequantize } = to.kernels;
  // A sample's last group may run over into the next, which is written after it.
  const sum = (yAt: number, xAt: number, at: number) => {
    u7_c4_sum(at, xAt, pixels, groups, stride, offset);
    if (post) i32_u7_requantize(yAt, at, mult, post, groups);
    else i32_f32_dequantize(yAt, at, mult, groups);
  };
  to.each(`${node.name}: u7_c4_sum`, y, x, sum, sums);
}
