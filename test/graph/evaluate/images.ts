/** Pools, reductions and resizing. */

import { build, type Context, type Row, type Rows, read } from "./tensor.js";

type Numbers = readonly number[];

function pool(reduceCells: (cells: readonly number[]) => number): Row {
  return ({ inputs: [x], shape, node }) => {
    const { size, strides, padding } = node.attrs as Readonly<Record<string, Numbers>>;
    const [, height, width] = x.shape;
    return build(shape, ([b, row, column, c]) => {
      const cells: number[] = [];
      for (let i = 0; i < size[0]; i++) {
        for (let j = 0; j < size[1]; j++) {
          const [y, z] = [row * strides[0] + i - padding[0], column * strides[1] + j - padding[2]];
          if (y >= 0 && y < height && z >= 0 && z < width) cells.push(read(x, [b, y, z, c]));
        }
      }
      return reduceCells(cells);
    });
  };
}

const sum = (cells: readonly number[]) => cells.reduce((a, b) => a + b, 0);
const max = (cells: readonly number[]) => cells.reduce((a, b) => Math.max(a, b), -Infinity);
const mean = (cells: readonly number[]) => sum(cells) / cells.length;

const reductions: Readonly<Record<string, (cells: readonly number[]) => number>> = {
  sum,
  mean,
  max,
  min: (cells) => cells.reduce((a, b) => Math.min(a, b), Infinity),
  product: (cells) => cells.reduce((a, b) => a * b, 1),
};

function reduce({ inputs: [x], shape, node }: Context): Float64Array {
  const { axes, keepDims, fn } = node.attrs as { axes: Numbers; keepDims?: boolean; fn: string };
  const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const sizes = axes.map((axis) => x.shape[axis]);
  return build(shape, (index) => {
    const cells: number[] = [];
    build(sizes, (place) => {
      const full = x.shape.map(() => 0);
      for (const [i, axis] of kept.entries()) full[axis] = index[keepDims ? axis : i];
      for (const [i, axis] of axes.entries()) full[axis] = place[i];
      cells.push(read(x, full));
      return 0;
    });
    return reductions[fn](cells);
  });
}

/** As tfjs-backend-cpu 4.22, kernels/ResizeBilinear.ts and ResizeNearestNeighbor.ts. */
function resize({ inputs: [x], shape, node }: Context): Float64Array {
  const { method, alignCorners, halfPixelCenters } = node.attrs;
  const place = (i: number, axis: number) => {
    const [from, to] = [x.shape[axis], shape[axis]];
    const corners = alignCorners && to > 1 ? 1 : 0;
    const ratio = (from - corners) / (to - corners);
    if (!halfPixelCenters) return i * ratio;
    return (i + 0.5) * ratio - (method === "bilinear" ? 0.5 : 0);
  };
  const within = (i: number, axis: number) => Math.min(Math.max(i, 0), x.shape[axis] - 1);
  return build(shape, ([b, row, column, c]) => {
    const [y, z] = [place(row, 1), place(column, 2)];
    const at = (i: number, j: number) => read(x, [b, within(i, 1), within(j, 2), c]);
    if (method === "nearest") {
      const round = alignCorners ? Math.round : Math.floor;
      return at(round(y), round(z));
    }
    const [top, left] = [Math.floor(y), Math.floor(z)];
    const [down, right] = [y - top, z - left];
    const upper = at(top, left) * (1 - right) + at(top, left + 1) * right;
    const lower = at(top + 1, left) * (1 - right) + at(top + 1, left + 1) * right;
    return upper * (1 - down) + lower * down;
  });
}

export const imageRows: Rows = { maxPool: pool(max), averagePool: pool(mean), reduce, resize };
