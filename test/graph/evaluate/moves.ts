/** Ops that only move numbers. */

import { build, needed, type Rows, read } from "./tensor.js";

type Numbers = readonly number[];

/** The place within an axis that a place of the frame repeats. */
function mirror(i: number, size: number, mode: unknown): number {
  const edge = mode === "reflect" ? 0 : 1;
  if (i < 0) return -i - edge;
  return i >= size ? 2 * (size - 1) - i + edge : i;
}

export const moveRows: Rows = {
  reshape: ({ inputs: [x] }) => x.data,
  concat({ inputs, shape, node }) {
    const axis = node.attrs.axis as number;
    return build(shape, (index) => {
      let place = index[axis];
      let from = 0;
      while (place >= inputs[from].shape[axis]) place -= inputs[from++].shape[axis];
      return read(inputs[from], index.with(axis, place));
    });
  },
  pad({ inputs: [x], shape, node }) {
    const { pads, mode, value } = node.attrs as { pads: Numbers; mode?: string; value?: number };
    return build(shape, ([b, ...rest]) => {
      const place = rest.map((i, axis) => i - pads[2 * axis]);
      const inside = place.every((i, axis) => i >= 0 && i < x.shape[axis + 1]);
      if (!inside && (mode ?? "constant") === "constant") return value ?? 0;
      return read(x, [b, ...place.map((i, axis) => mirror(i, x.shape[axis + 1], mode))]);
    });
  },
  slice({ inputs: [x], shape, node }) {
    const { begin, strides } = node.attrs as Readonly<Record<string, Numbers>>;
    return build(shape, ([b, ...rest]) =>
      read(x, [b, ...rest.map((i, axis) => begin[axis] + i * strides[axis])]),
    );
  },
  transpose({ inputs: [x], shape, node }) {
    const perm = node.attrs.perm as Numbers;
    return build(shape, (index) => {
      const place = index.map(() => 0);
      for (const [i, axis] of perm.entries()) place[axis] = index[i];
      return read(x, place);
    });
  },
  gather({ inputs: [x], shape, node }) {
    const { axis, indices } = node.attrs as { axis: number; indices: Numbers };
    return build(shape, (index) => read(x, index.with(axis, indices[index[axis]])));
  },
  embedding(context) {
    const table = needed(context, "embeddings");
    const [{ data }] = context.inputs;
    const [, size] = table.shape;
    return build(
      context.shape,
      (_, i) => table.data[Math.trunc(data[Math.floor(i / size)]) * size + (i % size)],
    );
  },
};
