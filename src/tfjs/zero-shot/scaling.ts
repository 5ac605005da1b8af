/** Brings features and attributes to a common measure, by what the seen classes say alone. */

import type { Matrix } from "ml-matrix";

/**
 * - "center": subtracts each column's mean
 * - "standardize": the same, then divides by the column's deviation; a constant column is only centred
 * - "l2": divides each row by its length; a row of zeros stays
 */
export type Scaling = "center" | "standardize" | "l2";

/** Scales rows into a new matrix. */
export type Scaler = (rows: Matrix) => Matrix;

const fits: Readonly<Record<Scaling, (rows: Matrix) => Scaler>> = {
  center: (rows) => shiftAndDivide(rows.mean("column")),
  standardize: (rows) => {
    const means = rows.mean("column");
    // Of a constant column the sum rounds, and what is left of it would be blown up to deviation 1.
    const deviations = rows
      .standardDeviation("column", { unbiased: false, mean: means })
      .map((deviation, k) => (deviation > 1e-7 * Math.abs(means[k]) ? deviation : 1));
    return shiftAndDivide(means, deviations);
  },
  l2: () => (matrix) => {
    const scaled = matrix.clone();
    for (let i = 0; i < matrix.rows; i++) scaled.mulRow(i, 1 / (rowLength(matrix, i) || 1));
    return scaled;
  },
};

/**
 * Measures rows for scalings that follow one another, each measured on what the ones before it made.
 *
 * @throws RangeError for a scaling that is none
 */
export function fitScaling(
  name: string,
  scaling: Scaling | readonly Scaling[] | undefined,
  rows: Matrix,
): Scaler {
  const scalers: Scaler[] = [];
  const scale: Scaler = (matrix) => scalers.reduce((scaled, next) => next(scaled), matrix);
  for (const one of scaling === undefined ? [] : [scaling].flat()) {
    if (!Object.hasOwn(fits, one)) {
      throw new RangeError(`${name}: wanted ${Object.keys(fits).join(", ")}, got ${one}`);
    }
    scalers.push(fits[one](scale(rows)));
  }
  return scale;
}

function shiftAndDivide(means: number[], deviations?: number[]): Scaler {
  return (matrix) => {
    const scaled = matrix.clone().subRowVector(means);
    return deviations ? scaled.divRowVector(deviations) : scaled;
  };
}

export function rowLength(matrix: Matrix, row: number): number {
  let sum = 0;
  for (let k = 0; k < matrix.columns; k++) sum += matrix.get(row, k) ** 2;
  return Math.sqrt(sum);
}
