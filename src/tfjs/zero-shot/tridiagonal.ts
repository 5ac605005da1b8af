/** A symmetric matrix as Q T Qᵀ with T of three diagonals: any number of shifted equations for one reduction. */

/** Numbers row by row. */
export interface Grid {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** Of T: `side[i]` is between i and i + 1. */
interface Bands {
  readonly diagonal: Float64Array;
  readonly side: Float64Array;
}

export interface Tridiagonal {
  /** Qᵀ X, in place. */
  enter(x: Grid): void;
  /** Q X, in place. */
  leave(x: Grid): void;
  /**
   * Columns x[k] of (slope T + shift) x[k] = y[k], in place; a slope and a shift for each column, both >= 0.
   * A shift that is nothing beside what rounding left of T's smallest eigenvalue is raised to that.
   */
  solve(y: Grid, slopes: Float64Array, shifts: Float64Array): void;
}

/**
 * Householder's reduction (Golub and Van Loan, Matrix Computations, 8.3.1). A third of the work of eigenvectors:
 * what they are good for, a solution for each shift in no time, T is too.
 *
 * @param matrix f64[size, size], symmetric, positive semidefinite; is overwritten
 */
export function tridiagonalize(matrix: Float64Array, size: number): Tridiagonal {
  const { scales, ...bands } = reduce(matrix, size);
  const noise = size * Number.EPSILON * largest(bands);

  function reflect({ data, columns }: Grid, k: number, sums: Float64Array): void {
    const scale = scales[k];
    if (scale === 0) return;
    sums.fill(0);
    for (let i = k + 1; i < size; i++) {
      const v = matrix[k * size + i];
      for (let c = 0, at = i * columns; c < columns; c++) sums[c] += v * data[at + c];
    }
    for (let i = k + 1; i < size; i++) {
      const v = scale * matrix[k * size + i];
      for (let c = 0, at = i * columns; c < columns; c++) data[at + c] -= v * sums[c];
    }
  }

  return {
    enter(x) {
      const sums = new Float64Array(x.columns);
      for (let k = 0; k < size - 2; k++) reflect(x, k, sums);
    },
    leave(x) {
      const sums = new Float64Array(x.columns);
      for (let k = size - 3; k >= 0; k--) reflect(x, k, sums);
    },
    solve(y, slopes, shifts) {
      const raised = shifts.map((shift, c) => Math.max(shift, noise * slopes[c]));
      solveShifted(bands, y, slopes, raised);
    },
  };
}

/**
 * Row k of the matrix ends as the vector v of reflection k, I - scale v vᵀ, from its place k + 1 on. Each pass over
 * what is left applies one reflection and multiplies by the next: the matrix goes through the cache once a step.
 */
function reduce(matrix: Float64Array, size: number): Bands & { readonly scales: Float64Array } {
  const [diagonal, side] = [new Float64Array(size), new Float64Array(size)];
  const scales = new Float64Array(size);
  // Of the last reflection: A - v wᵀ - w vᵀ is still to be done.
  let [v, next] = [new Float64Array(size), new Float64Array(size)];
  const w = new Float64Array(size);
  const product = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const row = matrix.subarray(k * size, (k + 1) * size);
    update(row, k, k);
    diagonal[k] = row[k];
    if (k + 1 < size) side[k] = row[k + 1];
    if (k + 2 >= size) continue;
    const { scale, length } = reflection(row, k + 1);
    scales[k] = scale;
    side[k] = length;
    next.set(row);
    updateBelow(k + 1);
    let overlap = 0;
    for (let i = k + 1; i < size; i++) overlap += product[i] * next[i];
    [v, next] = [next, v];
    for (let i = k + 1; i < size; i++) w[i] = scale * (product[i] - (scale / 2) * overlap * v[i]);
  }
  return { diagonal, side, scales };

  /** Brings the end of row i up to date. */
  function update(row: Float64Array, i: number, from: number): void {
    const vi = v[i];
    const wi = w[i];
    for (let j = from; j < size; j++) row[j] -= vi * w[j] + wi * v[j];
  }

  /** Brings what is left up to date and multiplies it by `next`, two rows at a time for the sake of the vectors. */
  function updateBelow(from: number): void {
    const [a, b, c] = [v, w, next];
    for (let i = from; i < size; i += 2) {
      // The last row may be alone: its second is then one of zeros.
      const isPair = i + 1 < size;
      const first = matrix.subarray(i * size, (i + 1) * size);
      const second = isPair ? matrix.subarray((i + 1) * size, (i + 2) * size) : new Float64Array(size);
      const a0 = a[i];
      const b0 = b[i];
      const a1 = isPair ? a[i + 1] : 0;
      const b1 = isPair ? b[i + 1] : 0;
      let sum0 = 0;
      let sum1 = 0;
      for (let j = from; j < size; j++) {
        const aj = a[j];
        const bj = b[j];
        const cj = c[j];
        const value0 = first[j] - (a0 * bj + b0 * aj);
        const value1 = second[j] - (a1 * bj + b1 * aj);
        first[j] = value0;
        second[j] = value1;
        sum0 += value0 * cj;
        sum1 += value1 * cj;
      }
      product[i] = sum0;
      if (isPair) product[i + 1] = sum1;
    }
  }
}

/**
 * Makes of x, from a place on, the v that takes x to (length, 0, 0, ...).
 *
 * @returns a scale of 0 where x is so already
 */
function reflection(x: Float64Array, from: number): { readonly scale: number; readonly length: number } {
  let rest = 0;
  for (let i = from + 1; i < x.length; i++) rest += x[i] * x[i];
  const first = x[from];
  if (rest === 0) return { scale: 0, length: first };
  const norm = Math.sqrt(first * first + rest);
  // Away from x: a difference of near numbers would lose its digits.
  const length = first > 0 ? -norm : norm;
  x[from] = first - length;
  return { scale: 2 / (x[from] * x[from] + rest), length };
}

/** An upper bound of the eigenvalues of T. */
function largest({ diagonal, side }: Bands): number {
  let bound = 0;
  for (let i = 0; i < diagonal.length; i++) {
    bound = Math.max(bound, Math.abs(diagonal[i]) + Math.abs(side[i]) + Math.abs(side[i - 1] ?? 0));
  }
  return bound;
}

/** L D Lᵀ, which needs no pivots where all is positive. */
function solveShifted(
  { diagonal, side }: Bands,
  { data, rows, columns }: Grid,
  slopes: Float64Array,
  shifts: Float64Array,
): void {
  const pivots = new Float64Array(rows);
  for (let c = 0; c < columns; c++) {
    const [slope, shift] = [slopes[c], shifts[c]];
    // No pivot is below the least eigenvalue.
    const least = shift > 0 ? shift / 2 : Number.MIN_VALUE;
    pivots[0] = Math.max(slope * diagonal[0] + shift, least);
    for (let i = 1; i < rows; i++) {
      const off = slope * side[i - 1];
      const factor = off / pivots[i - 1];
      pivots[i] = Math.max(slope * diagonal[i] + shift - factor * off, least);
      data[i * columns + c] -= factor * data[(i - 1) * columns + c];
    }
    data[(rows - 1) * columns + c] /= pivots[rows - 1];
    for (let i = rows - 2; i >= 0; i--) {
      const at = i * columns + c;
      data[at] = (data[at] - slope * side[i] * data[at + columns]) / pivots[i];
    }
  }
}
