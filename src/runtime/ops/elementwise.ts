/** Ops that read one value and write one of the same size. */

import {
  isUnaryFunctionName,
  type Node,
  type UnaryFunctionName,
  unaryFunctionNames,
  unaryNumbers,
} from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { isPicture } from "../planes.js";
import { lowerHalves } from "./halves-u7.js";

/** The f32 activation of a buffer, in place of or from x to y. */
export function emitUnary(
  to: Lowering,
  label: string,
  fn: UnaryFunctionName,
  attrs: Node["attrs"],
  y: Buffer,
  x: Buffer,
  n: number,
): void {
  const number = Object.values(unaryNumbers(fn, attrs))[0] ?? Number.POSITIVE_INFINITY;
  const code = unaryFunctionNames.indexOf(fn);
  to.once(`${label}: f32_unary ${fn}`, y, x, (yAt, xAt) => to.kernels.f32_unary(yAt, xAt, n, code, number));
}

export function activationOf(
  node: Node,
  key: string,
  absent: UnaryFunctionName = "linear",
): UnaryFunctionName {
  const name = node.attrs[key] ?? absent;
  if (!isUnaryFunctionName(name)) throw new RangeError(`${node.name}: unknown function ${name}`);
  return name;
}

export function lowerUnary(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  if (node.weights.table && to.quant(node.name)) {
    // Planes are looked up as they lie, with what is between them.
    const form = isPicture(to.shape(input)) && to.has(input, "c4") ? "c4" : "u7";
    const x = form === "c4" ? to.c4(input) : to.u7(input);
    const y = to.define(node.name, form);
    emitTable(to, node, y, x);
    return;
  }
  const fn = activationOf(node, "fn");
  const x = to.f32(input);
  // A copy that is read in other codes: the same real numbers.
  if (fn === "linear") to.share(node.name, x);
  else emitUnary(to, node.name, fn, node.attrs, to.define(node.name, "f32"), x, to.size(input));
}

/**
 * Emits the look-up of a node's table, from codes in x to codes in y of the same form, or in place; nothing where the
 * node has none.
 */
export function emitTable(to: Lowering, node: Node, y: Buffer, x = y): void {
  const table = to.weight(node, "table");
  if (table) emitLookUp(to, node, y, x, node.weights.table, () => table.data);
}

/** Emits a look-up in a table of 128 codes, which `key` names. */
export function emitLookUp(
  to: Lowering,
  node: Node,
  y: Buffer,
  x: Buffer,
  key: string,
  make: () => ArrayBufferView,
): void {
  const tableAt = to.constants.upload(key, make);
  to.once(`${node.name}: u7_table`, y, x, (yAt, xAt) => to.kernels.u7_table(yAt, xAt, tableAt, y.bytes));
}

export function lowerAffine(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const channels = to.channels(input);
  const rows = to.size(input) / channels;
  const scale = constant(to, node, "scale");
  const offset = constant(to, node, "offset");
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  to.once(`${node.name}: f32_affine`, y, x, (yAt, xAt) =>
    to.kernels.f32_affine(yAt, xAt, scale, offset, rows, channels),
  );
  // Of the two, what nobody reads is dropped.
  lowerHalves(to, node);
}

export function lowerPrelu(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const sample = to.shape(input).slice(1) as number[];
  const n = sample.reduce((size, dim) => size * dim, 1);
  const alpha = to.weight(node, "alpha");
  if (alpha?.dtype !== "f32") throw new RangeError(`${node.name}: wanted an f32 alpha`);
  const alphaAt = to.constants.upload(`${node.weights.alpha}/${sample.join("x")}`, () =>
    expand(alpha.data, alpha.shape, sample),
  );
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  const rows = to.options.batch;
  to.once(`${node.name}: f32_prelu`, y, x, (yAt, xAt) => to.kernels.f32_prelu(yAt, xAt, alphaAt, rows, n));
}

function lowerSoftmaxAs(log: number): (to: Lowering, node: Node) => void {
  return (to, node) => {
    const [input] = node.inputs;
    const channels = to.channels(input);
    const rows = to.size(input) / channels;
    const x = to.f32(input);
    const y = to.define(node.name, "f32");
    to.once(`${node.name}: f32_softmax`, y, x, (yAt, xAt) =>
      to.kernels.f32_softmax(yAt, xAt, rows, channels, log),
    );
  };
}

export const lowerSoftmax = lowerSoftmaxAs(0);
export const lowerLogSoftmax = lowerSoftmaxAs(1);

/** The same bytes under another name, unless the value has u7 parameters of its own. */
export function lowerReshape(to: Lowering, node: Node): void {
  to.alias(node.name, node.inputs[0]);
}

function constant(to: Lowering, node: Node, role: string): number {
  const weight = to.weight(node, role);
  if (!weight) throw new RangeError(`${node.name}: wanted a weight ${role}`);
  return to.constants.upload(node.weights[role], () => weight.data);
}

/** Repeats the dimensions that are 1 in `shape` to those of `target`. */
function expand(data: Float32Array, shape: readonly number[], target: readonly number[]): Float32Array {
  const size = target.reduce((product, dim) => product * dim, 1);
  return Float32Array.from({ length: size }, (_, index) => {
    let rest = index;
    let from = 0;
    let stride = 1;
    for (let axis = target.length - 1; axis >= 0; axis--) {
      const place = rest % target[axis];
      rest = Math.floor(rest / target[axis]);
      if (shape[axis] !== 1) from += place * stride;
      stride *= shape[axis];
    }
    return data[from];
  });
}
