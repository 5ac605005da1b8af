/** Shifted equations by a tridiagonal form: equal to the direct solution, however the matrix is made. */

import { Matrix, solve } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../src/data/index.js";
import { gram } from "../../../src/tfjs/zero-shot/gram.js";
import { type Grid, tridiagonalize } from "../../../src/tfjs/zero-shot/tridiagonal.js";

function noise(rows: number, columns: number, seed: number): Matrix {
  const random = createRandom(seed);
  return new Matrix(
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal())),
  );
}

const gridOf = (matrix: Matrix): Grid => ({
  data: Float64Array.from(matrix.to1DArray()),
  rows: matrix.rows,
  columns: matrix.columns,
});
const matrixOf = ({ data, rows, columns }: Grid) => Matrix.from1DArray(rows, columns, data);
const error = (a: Matrix, b: Matrix) => Matrix.sub(a, b).norm() / b.norm();

describe("gram", () => {
  // Around tiles of 4 columns and panels of 256 rows.
  test.each([
    { rows: 1, columns: 1 },
    { rows: 3, columns: 4 },
    { rows: 255, columns: 5 },
    { rows: 256, columns: 7 },
    { rows: 257, columns: 8 },
    { rows: 600, columns: 67 },
  ])("is the product of $rows rows of $columns with themselves", ({ rows, columns }) => {
    const x = noise(rows, columns, rows);
    const product = Matrix.from1DArray(columns, columns, gram(x));
    expect(error(product, x.transpose().mmul(x))).toBeLessThan(1e-14);
  });
});

describe("tridiagonalize", () => {
  const kinds: Readonly<Record<string, (size: number) => Matrix>> = {
    "a full matrix": (size) => noise(2 * size, size, size),
    "one of a low rank": (size) => noise(Math.max(1, size >> 2), size, size),
    "a diagonal one": (size) => Matrix.diag(Array.from({ length: size }, (_, i) => i % 5)),
    zeros: (size) => new Matrix(1, size),
    "columns of scales far apart": (size) =>
      noise(size, size, 3).mulRowVector(Array.from({ length: size }, (_, i) => 10 ** (i % 7))),
  };
  const cases = Object.keys(kinds).flatMap((kind) => [1, 2, 3, 4, 30].map((size) => ({ kind, size })));

  test.each(cases)("$kind of $size", ({ kind, size }) => {
    const x = kinds[kind](size);
    const product = x.transpose().mmul(x);
    const form = tridiagonalize(Float64Array.from(product.to1DArray()), size);
    const target = noise(size, 3, 9);

    const there = gridOf(target);
    form.enter(there);
    form.leave(there);
    expect(error(matrixOf(there), target)).toBeLessThan(1e-13);

    const solved = gridOf(target);
    form.enter(solved);
    const [slopes, shifts] = [Float64Array.of(1, 2, 0.5), Float64Array.of(0.1, 10, 3)];
    form.solve(solved, slopes, shifts);
    form.leave(solved);
    for (let k = 0; k < 3; k++) {
      const whole = Matrix.add(Matrix.mul(product, slopes[k]), Matrix.eye(size).mul(shifts[k]));
      const wanted = target.getColumnVector(k);
      // The residual, which does not suffer where the matrix is near to singular.
      const got = matrixOf(solved).getColumnVector(k);
      expect(error(whole.mmul(got), wanted)).toBeLessThan(
        1e-12 * (1 + (whole.norm() * got.norm()) / wanted.norm()),
      );
      if (kind === "a full matrix") expect(error(got, solve(whole, wanted))).toBeLessThan(1e-9);
    }
  });
});
