/** simpleRnn, lstm and gru in f32: x W + b of all steps at once, then one call that steps through time. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { codeOf, realsOf, uploadReals } from "./constants.js";
import { activationOf } from "./elementwise.js";

/** The kernels of a cell, from the addresses that are known before a run. */
interface Cell {
  readonly gates: number;
  /** In vectors of units. */
  readonly scratch: number;
  call(y: number, xw: number, scratch: number, steps: number, xwStep: number, yStep: number): void;
}

export function lowerRecurrent(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const [, time, depth] = to.shape(input) as number[];
  const units = to.channels(node.name);
  const cell = cellOf(to, node, units);
  const width = cell.gates * units;
  const w = uploadReals(to, node, "kernel", 0, 0);
  // With resetAfter the first half is the one of x.
  const bias = uploadReals(to, node, "bias", 2 * width, 0);
  const { batch } = to.options;
  const rows = batch * time;
  const x = to.f32(input);
  const xw = to.scratch(rows * width * 4);
  const y = to.define(node.name, "f32");
  to.once(`${node.name}: f32_matmul`, xw, x, (xwAt, xAt) =>
    to.kernels.f32_matmul(xwAt, xAt, w, bias, rows, depth, width),
  );
  const scratch = to.scratch(cell.scratch * units * 4);
  const { goBackwards, returnSequences } = node.attrs;
  const first = goBackwards ? (time - 1) * width * 4 : 0;
  const xwStep = goBackwards ? -width : width;
  const yStep = returnSequences ? units : 0;
  const call = (yAt: number, xwAt: number, scratchAt: number) => {
    cell.call(yAt, xwAt + first, scratchAt, time, xwStep, yStep);
  };
  to.each(`${node.name}: f32_${node.op}`, y, xw, call, scratch);
}

function cellOf(to: Lowering, node: Node, units: number): Cell {
  const { f32_gru, f32_lstm, f32_simple_rnn } = to.kernels;
  const fn = codeOf(activationOf(node, "activation", "tanh"));
  const gate = codeOf(activationOf(node, "recurrentActivation", "sigmoid"));
  const u = () => uploadReals(to, node, "recurrent", 0, 0);
  if (node.op === "simpleRnn") {
    const at = u();
    return {
      gates: 1,
      scratch: 2,
      call: (y, xw, scratch, steps, xwStep, yStep) =>
        f32_simple_rnn(y, xw, at, scratch, steps, units, xwStep, yStep, fn),
    };
  }
  if (node.op === "lstm") {
    const at = u();
    return {
      gates: 4,
      scratch: 6,
      call: (y, xw, scratch, steps, xwStep, yStep) =>
        f32_lstm(y, xw, at, scratch, steps, units, xwStep, yStep, fn, gate),
    };
  }
  const isAfter = node.attrs.resetAfter === true;
  const at = isAfter
    ? u()
    : to.constants.upload(`${node.weights.recurrent}/gru`, () => splitGates(to, node, units));
  const after = isAfter ? uploadReals(to, node, "bias", 6 * units, 0) + 3 * units * 4 : 0;
  return {
    gates: 3,
    scratch: 4,
    call: (y, xw, scratch, steps, xwStep, yStep) =>
      f32_gru(y, xw, at, after, scratch, steps, units, xwStep, yStep, fn, gate),
  };
}

/** f32[units][3 * units] as [units][2 * units] of z and r, then [units][units] of h. */
function splitGates(to: Lowering, node: Node, units: number): Float32Array {
  const data = realsOf(to, node, "recurrent") as Float32Array;
  const split = new Float32Array(data.length);
  for (let row = 0; row < units; row++) {
    const from = row * 3 * units;
    split.set(data.subarray(from, from + 2 * units), row * 2 * units);
    split.set(data.subarray(from + 2 * units, from + 3 * units), (2 * units + row) * units);
  }
  return split;
}
