/** A transposed convolution as convolutions, one for each place within a stride. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";

type Numbers = Readonly<Record<string, readonly number[]>>;

/** 0 to length - 1. */
export const upTo = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** The results of a transposed convolution at one place within a stride. */
export interface Phase {
  /** Results: how many, and the first. */
  readonly count: number;
  readonly first: number;
  /** The cell of the plane that the first one's window begins at. */
  readonly from: number;
  /** Kernel cells, in the order of the cells of the plane. */
  readonly cells: readonly number[];
}

/** Along height (axis 0) or width (1): the phases, and the padding they read. */
export function phasesOf(
  to: Lowering,
  node: Node,
  kernel: { readonly shape: readonly number[] },
  axis: number,
) {
  const { strides, padding } = node.attrs as Numbers;
  const [stride, cut, size] = [strides[axis], padding[2 * axis], kernel.shape[axis]];
  const [inputs, results] = [node.inputs[0], node.name].map((name) => to.shape(name)[axis + 1] as number);
  const before = Math.ceil(size / stride) - 1;
  const phases: Phase[] = [];
  for (let first = 0; first < Math.min(stride, results); first++) {
    const phase = (first + cut) % stride;
    const cells = upTo(size)
      .filter((cell) => cell % stride === phase)
      .reverse();
    // The last of the cells meets the input that the result lies on, if that has any.
    const from = (first + cut - phase) / stride - Math.max(cells.length - 1, 0) + before;
    phases.push({ count: Math.ceil((results - first) / stride), first, from, cells });
  }
  const ends = phases.map(({ count, from, cells }) => from + count - 1 + cells.length);
  return { phases, before, after: Math.max(0, Math.max(...ends) - before - inputs) };
}
