// A smooth random displacement for every pixel of a picture.
//
// Simard, Steinkraus and Platt 2003, Best Practices for Convolutional Neural Networks: white noise, smoothed by
// a Gaussian. Here the Gaussian is the cubic B-spline of the same deviation, whose knots lie sqrt(3) deviations
// apart: a tenth of the random numbers and a fiftieth of the products.

import { drawNormal } from "./normals.js";
import type { Random } from "./random.js";

export interface ElasticOptions {
  /** Deviation of the displacement along either axis, in pixels, >= 0. */
  readonly strength: number;
  /** Deviation of the Gaussian that smooths it, in pixels, >= 0.5. */
  readonly smoothness: number;
}

export interface Displacement {
  /** Pixels to the right, and down: f32[height * width]. Written anew by each draw. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  draw(random: Random): void;
}

/** Mean over a knot's distance of the sum of the squares of the spline's four weights. */
const SPLINE_POWER = 151 / 315;

/** The field of pictures of one size. */
export function createDisplacement(height: number, width: number, options: ElasticOptions): Displacement {
  const { strength, smoothness } = options;
  const distance = smoothness * Math.sqrt(3);
  const rows = splineWeights(height, distance);
  const columns = splineWeights(width, distance);
  const x = new Float32Array(height * width);
  const y = new Float32Array(height * width);
  // Both displacements side by side: what is looked up for one serves the other.
  const across = 2 * columns.knots;
  const knots = new Float64Array(rows.knots * across);
  const line = new Float64Array(across);

  function fillLine(row: number): void {
    const [first, w] = [rows.first[row] * across, 4 * row];
    const { weights } = rows;
    for (let k = 0, at = first; k < across; k++, at++) {
      line[k] =
        weights[w] * knots[at] +
        weights[w + 1] * knots[at + across] +
        weights[w + 2] * knots[at + 2 * across] +
        weights[w + 3] * knots[at + 3 * across];
    }
  }

  function draw(random: Random): void {
    for (let i = 0; i < knots.length; i++) knots[i] = (strength / SPLINE_POWER) * drawNormal(random);
    const { first, weights } = columns;
    for (let row = 0, at = 0; row < height; row++) {
      fillLine(row);
      for (let column = 0; column < width; column++, at++) {
        const k = 2 * first[column];
        const w = 4 * column;
        const [w0, w1, w2, w3] = [weights[w], weights[w + 1], weights[w + 2], weights[w + 3]];
        x[at] = w0 * line[k] + w1 * line[k + 2] + w2 * line[k + 4] + w3 * line[k + 6];
        y[at] = w0 * line[k + 1] + w1 * line[k + 3] + w2 * line[k + 5] + w3 * line[k + 7];
      }
    }
  }

  return { x, y, draw };
}

interface SplineWeights {
  readonly knots: number;
  /** Of the four knots that a pixel lies among, the first. */
  readonly first: Int32Array;
  /** f64[size][4], the weights of its knots: their sum is 1. */
  readonly weights: Float64Array;
}

function splineWeights(size: number, distance: number): SplineWeights {
  const first = new Int32Array(size);
  const weights = new Float64Array(4 * size);
  for (let i = 0; i < size; i++) {
    first[i] = Math.floor(i / distance);
    const u = i / distance - first[i];
    const v = 1 - u;
    const inner = (t: number) => (4 + t * t * (3 * t - 6)) / 6;
    weights.set([(v * v * v) / 6, inner(u), inner(v), (u * u * u) / 6], 4 * i);
  }
  return { knots: first[size - 1] + 4, first, weights };
}
