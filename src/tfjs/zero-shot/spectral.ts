/** Equations in a matrix W between two symmetric ones, taken apart once for any number of regularizations. */

import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { gram } from "./gram.js";
import { type Training, takeRows } from "./rows.js";
import { tridiagonalize } from "./tridiagonal.js";

/** Of an eigenvalue on the right: what is between W and the target there is `slope * left + shift`. */
export interface Divisor {
  /** > 0 */
  readonly slope: number;
  /** > 0 */
  readonly shift: number;
}

/**
 * Given right = R diag(r) Rᵀ, an equation like A W + W B = C or A W B = C is one for each column of W R, with the
 * left matrix times a number plus a number. Eigenvectors of the left one, which is large, are not needed for that.
 */
export interface Spectral {
  /** R: the eigenvectors whose eigenvalue is not 0, [m, rank]. */
  readonly basis: Matrix;
  /** r of each column. */
  readonly values: readonly number[];
  /** W R, [n, rank]; what W is beside the basis is 0. */
  solve(divisor: (right: number) => Divisor): Matrix;
  /** W, [n, m], of W R. */
  weightsOf(solved: Matrix): Matrix;
}

/**
 * The equations of a training, left of which are its features, XᵀX.
 *
 * @param training gives X
 * @param right [m, m], symmetric, positive semidefinite
 * @param targets [seen, m]: C is Xᵀ T, with the row of T for each sample that of its class; T is 0 wherever the right
 *   matrix is
 */
export function decompose({ features, places }: Training, right: Matrix, targets: Matrix): Spectral {
  const { values, basis } = eigen(right);
  const size = features.columns;
  const left = tridiagonalize(gram(features), size);
  // Samples of a class have one target, so their sum is enough.
  const rotated = sumsOfClasses(features, places, targets.rows).transpose().mmul(targets.mmul(basis));
  const entered = { data: Float64Array.from(rotated.to1DArray()), rows: size, columns: values.length };
  left.enter(entered);

  return {
    basis,
    values,
    solve(divisor) {
      const divisors = values.map(divisor);
      const solved = { ...entered, data: entered.data.slice() };
      left.solve(
        solved,
        Float64Array.from(divisors, ({ slope }) => slope),
        Float64Array.from(divisors, ({ shift }) => shift),
      );
      left.leave(solved);
      return Matrix.from1DArray(size, values.length, solved.data);
    },
    weightsOf: (solved) => solved.mmul(basis.transpose()),
  };
}

/** [classes, features] */
function sumsOfClasses(features: Matrix, places: Int32Array, classes: number): Matrix {
  const sums = Array.from({ length: classes }, () => new Float64Array(features.columns));
  for (let i = 0; i < features.rows; i++) {
    const row = features.getRow(i);
    const sum = sums[places[i]];
    for (let k = 0; k < row.length; k++) sum[k] += row[k];
  }
  return new Matrix(sums);
}

/** Without eigenvalues that are 0 but for rounding; the largest stays, whatever it is. */
function eigen(matrix: Matrix): { values: number[]; basis: Matrix } {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  const most = Math.max(...realEigenvalues);
  const noise = most * matrix.rows * Number.EPSILON;
  const kept = [...realEigenvalues.keys()].filter(
    (i) => realEigenvalues[i] > noise || realEigenvalues[i] === most,
  );
  return {
    values: kept.map((i) => Math.max(0, realEigenvalues[i])),
    basis: takeRows(eigenvectorMatrix.transpose(), kept).transpose(),
  };
}
