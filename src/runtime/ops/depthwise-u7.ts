/** depthwiseConv2d in integers, one kernel a channel. */

import type { Node, QuantParams, S8Weight } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import type { Lowering } from "../lowering.js";
import { planesOf, tilesOf } from "../planes.js";
import { biasAt, requantizeAt } from "./epilogue.js";
import { windowInput, windowOf } from "./window-u7.js";

/** @throws RangeError where the node's value has no u7 parameters or channels are multiplied */
export function lowerDepthwiseU7(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const { scale, zero } = to.quant(input) as QuantParams;
  const out = to.quant(node.name);
  if (!out) throw new RangeError(`${node.name}: an s8 depthwiseConv2d wants u7 parameters of its result`);
  const [kh, kw, channels] = kernel.shape;
  const x = windowInput(to, node, windowOf(node, [kh, kw]), zero);
  const steps = Math.ceil((kh * kw) / 4);
  const w = to.constants.upload(`${node.weights.kernel}/depthwise`, () => packChannels(kernel, steps));
  const offsets = to.constants.upload(`${node.name}/offsets`, () =>
    // Taps that are none have weights of zero and may read anything.
    Int32Array.from({ length: steps * 4 }, (_, tap) =>
      tap < kh * kw ? x.tap(Math.floor(tap / kw), tap % kw) : x.tap(0, 0),
    ),
  );
  const tileList = tilesOf(x.rows, 4);
  const tiles = to.constants.upload(`${node.name}/tiles`, () => tileList);
  const bias = biasAt(to, node, channels);
  const { mult, post } = requantizeAt(to, node, kernel, scale, out);
  const y = to.define(node.name, "c4");
  const { stride, bytes, groups } = planesOf(to.shape(node.name));
  const { batch } = to.options;
  const m4 = tileList.length / 2;
  to.emit({
    label: `${node.name}: u7_s8w_depthwise`,
    reads: [x.buffer],
    writes: [y],
    bind: (at) => {
      const [yAt, xAt] = [at(y), at(x.buffer)];
      return () => {
        for (let i = 0; i < batch; i++) {
          to.kernels.u7_s8w_depthwise(
            yAt + i * bytes,
            xAt + i * x.bytes,
            w,
            offsets,
            bias,
            mult,
            post,
            tiles,
            m4,
            groups,
            steps,
            x.stride,
            stride,
          );
        }
      };
    },
  });
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
