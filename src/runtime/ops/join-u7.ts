/** Sums and concatenations of values in integers. */

import { type Node, sameShape } from "../../graph/index.js";
import { boundMult, packPost } from "../../kernels/post.js";
import { type Lowering, sameParams } from "../lowering.js";
import { isPicture } from "../planes.js";
import { activationOf } from "./elementwise.js";
import { bounds, finishCodes } from "./epilogue.js";

/** True for a sum or difference of two values of one shape, all in u7. */
export function isAddU7(to: Lowering, node: Node): boolean {
  const [a, b] = node.inputs;
  return (
    b !== undefined &&
    node.weights.operand === undefined &&
    sameShape(to.shape(a), to.shape(b)) &&
    [a, b, node.name].every((value) => to.quant(value) !== undefined) &&
    ["linear", "relu", "relu6"].includes(activationOf(node, "activation"))
  );
}

export function lowerAddU7(to: Lowering, node: Node): void {
  const [a, b] = node.inputs;
  const [pa, pb, py] = [a, b, node.name].map((value) => to.codes(value));
  // The larger scale gets the largest i16 multiplier, the other one in proportion: an error of 2^-16.
  const unit = Math.max(pa.scale, pb.scale) / 32_767;
  const sign = node.op === "subtract" ? -1 : 1;
  const [ma, mb] = [Math.round(pa.scale / unit), sign * Math.round(pb.scale / unit)];
  const offset = -(pa.zero * ma + pb.zero * mb);
  const mult = Math.fround(boundMult(unit / py.scale, offset + 127 * Math.min(mb, 0)));
  const { low } = bounds(node, py);
  const post = to.constants.upload(`${node.name}/post`, () => packPost({ zero: py.zero, low }));
  // Planes are added as they lie, with what is between them.
  const isPlanes = isPicture(to.shape(a)) && to.has(a, "c4") && to.has(b, "c4");
  const [xa, xb] = [a, b].map((value) => (isPlanes ? to.c4(value) : to.u7(value)));
  const y = to.define(node.name, isPlanes ? "c4" : "u7");
  const n = isPlanes ? y.bytes : to.size(node.name);
  to.emit({
    label: `${node.name}: u7_add`,
    reads: [xa, xb],
    writes: [y],
    bind: (at) => {
      const [yAt, aAt, bAt] = [at(y), at(xa), at(xb)];
      return () => to.kernels.u7_add(yAt, aAt, bAt, post, n, ma, mb, offset, mult);
    },
  });
  finishCodes(to, node, y);
}

/** True for planes put one behind the other, all with one meaning of their codes. */
export function isConcatU7(to: Lowering, node: Node): boolean {
  const out = to.quant(node.name);
  return (
    out !== undefined &&
    isPicture(to.shape(node.name)) &&
    node.attrs.axis === 3 &&
    node.inputs.every((value, i) => {
      const from = to.quant(value);
      const isWhole = to.channels(value) % 4 === 0 || i === node.inputs.length - 1;
      return isWhole && sameParams(from, out);
    })
  );
}

export function lowerConcatU7(to: Lowering, node: Node): void {
  const parts = node.inputs.map((value) => to.c4(value));
  const y = to.define(node.name, "c4");
  const { bytes } = y.planes;
  const { batch } = to.options;
  let start = 0;
  for (const x of parts) {
    const [offset, size] = [start, x.planes.bytes];
    // One plane a sample, of one row, with no border.
    to.once(`${node.name}: u7_pad`, y, x, (yAt, xAt) => {
      to.kernels.u7_pad(yAt + offset, xAt, batch, 1, size, 0, 0, 0, 0, 0, size, bytes);
    });
    start += size;
  }
}
