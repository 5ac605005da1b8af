/** Ops that only move numbers: lists of where each run of the result comes from, one kernel for all. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { nearestSources } from "./places.js";

/** For each place along an axis of the result, where it comes from in words; -1: nowhere. */
export type Sources = readonly number[];

/** Words from one place of each axis to the next. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

/** Axes whose sources add up, as the fewest runs of words side by side. */
export function runsOf(axes: readonly Sources[]): { readonly index: Int32Array; readonly run: number } {
  let run = 1;
  let base = 0;
  let count = axes.length;
  for (; count > 0; count--) {
    const sources = axes[count - 1];
    const [first] = sources;
    if (first < 0 || sources.some((source, i) => source !== first + i * run)) break;
    base += first;
    run *= sources.length;
  }
  let index: number[] = [base];
  for (const sources of axes.slice(0, count)) {
    index = index.flatMap((from) => sources.map((source) => (from < 0 || source < 0 ? -1 : from + source)));
  }
  return { index: Int32Array.from(index), run };
}

/**
 * @param key names the sources
 * @param x a buffer, or the address of a constant
 * @param each how often the list is gone through, and the words of x from one time to the next
 * @param value what comes from nowhere
 */
export function emitGather(
  to: Lowering,
  label: string,
  key: string,
  y: Buffer,
  x: Buffer | number,
  sources: readonly Sources[],
  each: { readonly rows: number; readonly step: number },
  value = 0,
): void {
  const runs = to.constants.cache(`${key}/runs`, () => {
    const { index, run } = runsOf(sources);
    return { n: index.length, run, address: to.constants.upload(`${key}/index`, () => index) };
  });
  const { n, run, address } = runs;
  const { rows, step } = each;
  to.emit({
    label: `${label}: f32_gather`,
    reads: typeof x === "number" ? [] : [x],
    writes: [y],
    bind: (at) => {
      const [yAt, xAt] = [at(y), typeof x === "number" ? x : at(x)];
      return () => to.kernels.f32_gather(yAt, xAt, address, rows, n, run, step, value);
    },
  });
}

type Numbers = Readonly<Record<string, readonly number[]>>;

/** The sources along an axis of the sample, of a node's input of this shape and these strides. */
type AxisSources = (axis: number, sample: readonly number[], strides: readonly number[]) => Sources;

const range = (length: number, f: (i: number) => number): Sources => Array.from({ length }, (_, i) => f(i));

/** How each op that only moves the numbers of one input finds them. */
const moves: Readonly<Record<string, (node: Node) => AxisSources | undefined>> = {
  slice({ attrs }) {
    const { begin, size, strides: steps } = attrs as Numbers;
    return (axis, _, strides) => range(size[axis], (i) => (begin[axis] + i * steps[axis]) * strides[axis]);
  },
  transpose({ attrs }) {
    const { perm } = attrs as Numbers;
    return (axis, sample, strides) => {
      const from = perm[axis + 1] - 1;
      return range(sample[from], (i) => i * strides[from]);
    };
  },
  gather({ attrs }) {
    const { axis: along, indices } = attrs as { axis: number; indices: readonly number[] };
    return (axis, sample, strides) => {
      if (axis === along - 1) return indices.map((index) => index * strides[axis]);
      return range(sample[axis], (i) => i * strides[axis]);
    };
  },
  pad({ attrs }) {
    const { pads, mode = "constant" } = attrs as { pads: readonly number[]; mode?: string };
    const edge = mode === "symmetric" ? 1 : 0;
    const mirror = (place: number, size: number) => {
      if (place >= 0 && place < size) return place;
      if (mode === "constant") return -1;
      return place < 0 ? -place - edge : 2 * (size - 1) - place + edge;
    };
    return (axis, sample, strides) =>
      range(pads[2 * axis] + sample[axis] + pads[2 * axis + 1], (i) => {
        const place = mirror(i - pads[2 * axis], sample[axis]);
        return place < 0 ? -1 : place * strides[axis];
      });
  },
  resize: nearestSources,
};

/** For each axis of the result, where its places come from in the input; undefined for an op that is no move. */
export function moveSources(to: Lowering, node: Node): readonly Sources[] | undefined {
  const sourcesOf = Object.hasOwn(moves, node.op) ? moves[node.op](node) : undefined;
  if (!sourcesOf) return undefined;
  const sample = to.shape(node.inputs[0]).slice(1) as number[];
  const strides = stridesOf(sample);
  return sample.map((_, axis) => sourcesOf(axis, sample, strides));
}

/** A node whose result is its input's numbers in other places. */
export function lowerMove(to: Lowering, node: Node): void {
  const sources = moveSources(to, node) as readonly Sources[];
  const { value = 0 } = node.attrs as { value?: number };
  const x = to.f32(node.inputs[0]);
  const each = { rows: to.options.batch, step: x.bytes / 4 / to.options.batch };
  emitGather(to, node.name, node.name, to.define(node.name, "f32"), x, sources, each, value);
}

export function lowerConcat(to: Lowering, node: Node): void {
  const axis = node.attrs.axis as number;
  const inputs = node.inputs.map((name) => ({
    x: to.f32(name),
    n: (to.shape(name).slice(axis) as number[]).reduce((size, dim) => size * dim, 1),
  }));
  const row = inputs.reduce((sum, { n }) => sum + n, 0);
  const rows = to.size(node.name) / row;
  const y = to.define(node.name, "f32");
  to.emit({
    label: `${node.name}: f32_copy_rows`,
    reads: inputs.map(({ x }) => x),
    writes: [y],
    bind: (at) => {
      let yAt = at(y);
      const calls = inputs.map(({ x, n }) => {
        const [to4, from] = [yAt, at(x)];
        yAt += n * 4;
        return () => to.kernels.f32_copy_rows(to4, from, rows, n, row, n);
      });
      return () => {
        for (let i = 0; i < calls.length; i++) calls[i]();
      };
    },
  });
}
