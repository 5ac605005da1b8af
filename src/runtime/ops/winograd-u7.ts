/** A convolution of 3 x 3 in integers by Winograd's algorithm, where that is the cheaper way to the same sums. */

import type { Node, QuantParams, S8Weight } from "../../graph/index.js";
import { groupsOf4 } from "../../kernels/layouts.js";
import { packWinograd, WINOGRAD_CHUNK, WINOGRAD_GAIN, winogradScratch } from "../../kernels/winograd.js";
import type { Lowering } from "../lowering.js";
import { rowPairs } from "../planes.js";
import { biasAt, requantizeAt } from "./epilogue.js";
import { costsOf } from "./product.js";
import { isPlain3x3, type Window, type WindowInput } from "./window-u7.js";

// Of what fits i32 when it is multiplied by the gain: for the products, and as much for the bias.
const HALF = 2 ** 31 / WINOGRAD_GAIN / 2 - 1;

/**
 * Emits the convolution, unless it is another one or the sums could leave i32.
 *
 * @param most ns that the other way takes
 * @returns whether it did
 */
export function lowerWinograd(
  to: Lowering,
  node: Node,
  kernel: S8Weight,
  window: Window,
  x: WindowInput,
  scale: number,
  out: QuantParams,
  most: number,
): boolean {
  const [, , inputs, outputs] = kernel.shape;
  const { height, width, from, to: pitch } = x.rows;
  if (!isPlain3x3(window) || height < 2) return false;
  const [k4, n4] = [groupsOf4(inputs), groupsOf4(outputs)];
  const { block, output } = costsOf(to).winograd;
  if (Math.ceil(height / 2) * Math.ceil(width / 8) * (k4 * n4 * block + outputs * output) > most)
    return false;
  if (inputs * 9 * 127 * 127 > HALF || to.weight(node, "bias")?.data.some((b) => Math.abs(b) > HALF))
    return false;
  const { constants, kernels } = to;
  const w = constants.upload(`${node.weights.kernel}/winograd`, () =>
    packWinograd(kernel.data, inputs, outputs),
  );
  const bias = biasAt(to, node, outputs, WINOGRAD_GAIN);
  const { mult, post } = requantizeAt(to, node, kernel, scale, out, WINOGRAD_GAIN);
  const list = rowPairs(x.rows, 8);
  const tiles = constants.upload(`${node.name}/tiles`, () => list);
  const m = list.length / 2;
  const y = to.define(node.name, "c4");
  const { stride } = y.planes;
  const { u7_s16w_winograd_3x3 } = kernels;
  to.each(
    `${node.name}: winograd`,
    y,
    x.buffer,
    (yAt, xAt, scratch) => {
      u7_s16w_winograd_3x3(
        yAt,
        xAt,
        w,
        bias,
        mult,
        post,
        scratch,
        tiles,
        m,
        k4,
        n4,
        from,
        pitch,
        x.stride,
        stride,
        WINOGRAD_CHUNK,
      );
    },
    to.scratch(winogradScratch(inputs)),
  );
  return true;
}
