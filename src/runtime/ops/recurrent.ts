/**
 * simpleRnn, lstm and gru in f32: x W + b of all steps at once, then one call that steps through time, or with a mask one
 * for each run of steps that it leaves open.
 */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { codeOf, realsOf, uploadReals } from "./constants.js";
import { activationOf } from "./elementwise.js";

/** The kernels of a cell, from the addresses that are known before a run. */
interface Cell {
  readonly gates: number;
  /** In vectors of units. */
  readonly scratch: number;
  call(
    y: number,
    xw: number,
    from: number,
    scratch: number,
    steps: number,
    xwStep: number,
    yStep: number,
  ): void;
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
  const { goBackwards, returnSequences, cellState } = node.attrs;
  const first = goBackwards ? (time - 1) * width * 4 : 0;
  const xwStep = goBackwards ? -width : width;
  const yStep = returnSequences ? units : 0;
  const run: Run = (yAt, xwAt, from, scratchAt, begin, steps) => {
    cell.call(yAt, xwAt + first + begin * xwStep * 4, from, scratchAt, steps, xwStep, yStep);
  };
  const label = `${node.name}: f32_${node.op}`;
  if (node.inputs.length > 1 || cellState) {
    emitWithState(to, node, label, { y, xw, scratch }, run);
  } else {
    to.each(label, y, xw, (yAt, xwAt, scratchAt) => run(yAt, xwAt, 0, scratchAt, 0, time), scratch);
  }
}

/** Some steps of a sample, from `begin` on in the order in which they are read. */
type Run = (y: number, xw: number, from: number, scratch: number, begin: number, steps: number) => void;

/** With a mask, a state to begin with, or the state in the end: the state is at the beginning of scratch between runs. */
function emitWithState(
  to: Lowering,
  node: Node,
  label: string,
  { y, xw, scratch }: Readonly<Record<"y" | "xw" | "scratch", Buffer>>,
  run: Run,
): void {
  const { goBackwards, returnSequences, masked, cellState } = node.attrs;
  const time = to.shape(node.inputs[0])[1] as number;
  const units = to.channels(node.name);
  const row = units * 4;
  const { batch, heap } = to.options;
  const others = node.inputs.slice(1).map((value) => to.f32(value));
  const yStep = returnSequences ? row : 0;
  const copy = (target: number, from: number) => heap.f32(target, units).set(heap.f32(from, units));
  to.emit({
    label,
    reads: [xw, ...others],
    writes: [y, scratch],
    bind: (at) => {
      const [yAt, xwAt, state] = [y, xw, scratch].map(at);
      const given = others.map(at);
      const mask = masked ? given.shift() : undefined;
      const sample = (b: number) => {
        let out = yAt + (b * y.bytes) / batch;
        heap.f32(state, 2 * units).fill(0);
        given.forEach((from, i) => {
          copy(state + i * row, from + b * row);
        });
        const counts = mask === undefined ? undefined : heap.f32(mask + b * time * 4, time);
        const isOpen = (t: number) => counts?.[goBackwards ? time - 1 - t : t] !== 0;
        // Steps of one kind at a time: those that count, and those that repeat what was.
        for (let t = 0; t < time; ) {
          const begin = t;
          const open = isOpen(t);
          while (t < time && isOpen(t) === open) t++;
          if (open) {
            run(out, xwAt + (b * xw.bytes) / batch, state, state, begin, t - begin);
            copy(state, out + (t - begin - 1) * yStep);
          } else {
            for (let i = begin; i < t; i++) copy(out + (i - begin) * yStep, state);
          }
          out += (t - begin) * yStep;
        }
        if (cellState) copy(out + (yStep ? 0 : row), state + row);
      };
      return () => {
        for (let b = 0; b < batch; b++) sample(b);
      };
    },
  });
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
      call: (y, xw, from, scratch, steps, xwStep, yStep) =>
        f32_simple_rnn(y, xw, at, from, scratch, steps, units, xwStep, yStep, fn),
    };
  }
  if (node.op === "lstm") {
    const at = u();
    return {
      gates: 4,
      scratch: 6,
      call: (y, xw, from, scratch, steps, xwStep, yStep) =>
        f32_lstm(y, xw, at, from, scratch, steps, units, xwStep, yStep, fn, gate),
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
    call: (y, xw, from, scratch, steps, xwStep, yStep) =>
      f32_gru(y, xw, at, after, from, scratch, steps, units, xwStep, yStep, fn, gate),
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
