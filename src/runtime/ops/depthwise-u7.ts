/** depthwiseConv2d in integers, one kernel a channel. */

import type { Node, S8Weight } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import type { Lowering } from "../lowering.js";
import { rowPairs, tilesOf } from "../planes.js";
import { biasAt, finishCodes, requantizeAt } from "./epilogue.js";
import { emitByGroups, isPlain3x3, windowOf } from "./window-u7.js";

/** @throws RangeError where the node's value has no u7 parameters */
export function lowerDepthwiseU7(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const { scale, zero } = to.codes(input);
  const out = to.codes(node.name);
  const [kh, kw, channels] = kernel.shape;
  const window = windowOf(node, [kh, kw]);
  const bias = biasAt(to, node, channels);
  const { mult, post } = requantizeAt(to, node, kernel, scale, out);
  const { u7_s8w_depthwise, u7_s8w_depthwise_3x3 } = to.kernels;
  const [, height, width] = to.shape(node.name) as readonly number[];
  const isBy3 = isPlain3x3(window) && height >= 2 && width >= 4;
  const label = `u7_s8w_depthwise${isBy3 ? "_3x3" : ""}`;
  const y = emitByGroups(to, node, window, zero, label, window.strides[1], (x, stride) => {
    const list = isBy3 ? rowPairs(x.rows, 4) : tilesOf(x.rows, 4);
    const tiles = to.constants.upload(`${node.name}/tiles`, () => list);
    const m4 = list.length / 2;
    if (isBy3) {
      const w = to.constants.upload(`${node.weights.kernel}/depthwise3x3`, () => packRows(kernel));
      const { from, to: pitch } = x.rows;
      return (yAt, xAt, group, count) => {
        const at = group * 16;
        u7_s8w_depthwise_3x3(
          yAt,
          xAt,
          w + group * 96,
          bias + at,
          mult + at,
          post,
          tiles,
          m4,
          count,
          from,
          pitch,
          x.stride,
          stride,
        );
      };
    }
    const steps = Math.ceil((kh * kw) / 4);
    const w = to.constants.upload(`${node.weights.kernel}/depthwise`, () => packChannels(kernel, steps));
    const offsets = to.constants.upload(`${node.name}/offsets`, () =>
      // Taps that are none have weights of zero and may read anything.
      Int32Array.from({ length: steps * 4 }, (_, tap) =>
        tap < kh * kw ? x.tap(Math.floor(tap / kw), tap % kw) : x.tap(0, 0),
      ),
    );
    return (yAt, xAt, group, count) => {
      const at = group * 16;
      u7_s8w_depthwise(
        yAt,
        xAt,
        w + at * steps,
        offsets,
        bias + at,
        mult + at,
        post,
        tiles,
        m4,
        count,
        steps,
        x.stride,
        stride,
      );
    };
  });
  finishCodes(to, node, y);
}

// s8[c4][2 rows of results][3 columns][4 channels][4 rows]
function packRows({ data, shape }: S8Weight): Int8Array {
  const channels = shape[2];
  const packed = new Int8Array(groupsOf4(channels) * 96);
  for (let tap = 0; tap < 9; tap++) {
    const [row, column] = [Math.floor(tap / 3), tap % 3];
    for (let channel = 0; channel < channels; channel++) {
      for (let result = 0; result < 2; result++) {
        const at = (((channel >> 2) * 2 + result) * 3 + column) * 16 + (channel & 3) * 4 + row + result;
        packed[at] = data[tap * channels + channel];
      }
    }
  }
  return packed;
}

// s8[c4][steps][4 channels][4 taps]
function packChannels({ data, shape }: S8Weight, steps: number): Int8Array {
  const [kh, kw, channels] = shape;
  const packed = new Int8Array(groupsOf4(channels) * steps * 16);
  for (let tap = 0; tap < kh * kw; tap++) {
    for (let channel = 0; channel < channels; channel++) {
      const at = (((channel >> 2) * steps + (tap >> 2)) * 4 + (channel & 3)) * 4 + (tap & 3);
      packed[at] = data[tap * channels + channel];
    }
  }
  return packed;
}
