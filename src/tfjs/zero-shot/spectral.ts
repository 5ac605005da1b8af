/** Equations in a matrix W between two symmetric ones, solved in the bases where both are diagonal. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";

/**
 * Given left = L diag(l) Lᵀ and right = R diag(r) Rᵀ, an equation like A W + W B = C or A W B = C becomes
 * `divisor(l, r) * (Lᵀ W R) = Lᵀ C R`, number by number: no inverse, and any number of divisors for the
 * price of one decomposition.
 */
export interface Spectral {
  /** W of the equation with this divisor, [left, right]. */
  solve(divisor: (left: number, right: number) => number): Matrix;
}

/**
 * @param left symmetric, positive semidefinite, [n, n]
 * @param right symmetric, positive semidefinite, [m, m]
 * @param target [n, m]
 */
export function decompose(left: Matrix, right: Matrix, target: Matrix): Spectral {
  const l = eigen(left);
  const r = eigen(right);
  const rotated = l.vectors.transpose().mmul(target).mmul(r.vectors);

  function solve(divisor: (left: number, right: number) => number): Matrix {
    const solved = new Matrix(rotated.rows, rotated.columns);
    for (let i = 0; i < solved.rows; i++) {
      for (let k = 0; k < solved.columns; k++) {
        const by = divisor(l.values[i], r.values[k]);
        // 0 where both are singular and the equation says nothing: the shortest W.
        solved.set(i, k, by === 0 ? 0 : rotated.get(i, k) / by);
      }
    }
    return l.vectors.mmul(solved).mmul(r.vectors.transpose());
  }

  return { solve };
}

/** XᵀX. Measured on [6400, 256], 2.5 times as fast as ml-matrix' product of the two, same sums. */
export function gram(x: Matrix): Matrix {
  const size = x.columns;
  const sums = new Float64Array(size * size);
  for (let i = 0; i < x.rows; i++) {
    const row = x.getRow(i);
    for (let a = 0; a < size; a++) {
      const value = row[a];
      for (let b = a; b < size; b++) sums[a * size + b] += value * row[b];
    }
  }
  const product = new Matrix(size, size);
  for (let a = 0; a < size; a++) {
    for (let b = a; b < size; b++) {
      product.set(a, b, sums[a * size + b]);
      product.set(b, a, sums[a * size + b]);
    }
  }
  return product;
}

/** Eigenvalues that are 0 but for rounding, or below, become 0. */
function eigen(matrix: Matrix): { values: number[]; vectors: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const noise = Math.max(...realEigenvalues) * matrix.rows * Number.EPSILON;
  return {
    values: realEigenvalues.map((value) => (value > noise ? value : 0)),
    vectors: eigenvectorMatrix,
  };
}
