/** simpleRnn, lstm and gru, step by step, unit by unit. */

import { isUnaryFunctionName, unaryFunctions } from "../../../src/graph/index.js";
import { type Context, needed, type Rows } from "./tensor.js";

interface Cell {
  readonly units: number;
  readonly activate: (x: number) => number;
  readonly gate: (x: number) => number;
  readonly resetAfter: boolean;
  /** Of gate g and unit u: x W + bias. */
  input(g: number, u: number): number;
  /** Of gate g and unit u: h U, and the state's own bias where there is one. */
  state(g: number, u: number, h: Float64Array): number;
}

type Step = (cell: Cell, h: Float64Array, memory: Float64Array) => Float64Array;

const units = (cell: Cell, f: (u: number) => number) =>
  Float64Array.from({ length: cell.units }, (_, u) => f(u));

const steps: Readonly<Record<string, { readonly gates: number; readonly step: Step }>> = {
  simpleRnn: {
    gates: 1,
    step: (cell, h) => units(cell, (u) => cell.activate(cell.input(0, u) + cell.state(0, u, h))),
  },
  lstm: {
    gates: 4,
    step(cell, h, memory) {
      const gate = (g: number, u: number) => cell.gate(cell.input(g, u) + cell.state(g, u, h));
      const candidate = units(cell, (u) => cell.activate(cell.input(2, u) + cell.state(2, u, h)));
      memory.set(units(cell, (u) => gate(1, u) * memory[u] + gate(0, u) * candidate[u]));
      return units(cell, (u) => gate(3, u) * cell.activate(memory[u]));
    },
  },
  gru: {
    gates: 3,
    step(cell, h) {
      const gate = (g: number, u: number) => cell.gate(cell.input(g, u) + cell.state(g, u, h));
      const reset = units(cell, (u) => gate(1, u));
      const masked = h.map((value, u) => value * reset[u]);
      return units(cell, (u) => {
        const past = cell.resetAfter ? reset[u] * cell.state(2, u, h) : cell.state(2, u, masked);
        const z = gate(0, u);
        return z * h[u] + (1 - z) * cell.activate(cell.input(2, u) + past);
      });
    },
  },
};

function functionOf(name: unknown): (x: number) => number {
  if (!isUnaryFunctionName(name)) throw new Error(`${name}`);
  return (x) => unaryFunctions[name](x);
}

function run(context: Context): Float64Array {
  const { node, inputs, shape } = context;
  const [x, ...others] = inputs;
  const mask = node.attrs.masked ? others.shift() : undefined;
  const [batch, time, size] = x.shape;
  const { gates, step } = steps[node.op];
  const kernel = needed(context, "kernel").data;
  const recurrent = needed(context, "recurrent");
  const bias = context.weight("bias")?.data;
  const count = recurrent.shape[0];
  const width = gates * count;
  const attrs = node.attrs;
  const result: number[] = [];
  for (let b = 0; b < batch; b++) {
    const given = (i: number) =>
      others[i]
        ? Float64Array.from(others[i].data.slice(b * count, (b + 1) * count))
        : new Float64Array(count);
    let h: Float64Array = given(0);
    const memory = given(1);
    for (let t = 0; t < time; t++) {
      const place = b * time + (attrs.goBackwards ? time - 1 - t : t);
      const at = place * size;
      const cell: Cell = {
        units: count,
        activate: functionOf(attrs.activation ?? "tanh"),
        gate: functionOf(attrs.recurrentActivation ?? "sigmoid"),
        resetAfter: attrs.resetAfter === true,
        input(g, u) {
          const column = g * count + u;
          let sum = bias?.[column] ?? 0;
          for (let i = 0; i < size; i++) sum += x.data[at + i] * kernel[i * width + column];
          return sum;
        },
        state(g, u, previous) {
          const column = g * count + u;
          let sum = attrs.resetAfter ? (bias?.[width + column] ?? 0) : 0;
          for (let i = 0; i < count; i++) sum += previous[i] * recurrent.data[i * width + column];
          return sum;
        },
      };
      if (mask?.data[place] !== 0) h = step(cell, h, memory);
      if (attrs.returnSequences || t === time - 1) for (const value of h) result.push(value);
    }
    if (attrs.cellState) for (const value of memory) result.push(value);
  }
  if (result.length !== shape.reduce((size_, dim) => size_ * dim, 1))
    throw new Error(`${node.name}: ${shape}`);
  return Float64Array.from(result);
}

export const recurrentRows: Rows = { simpleRnn: run, lstm: run, gru: run };
