/** k-means of numbers on a line: sorted, a cluster is a stretch of them, and sums come from prefixes. */

import type { Random } from "../../data/index.js";

/**
 * "linear": spread evenly from the smallest number to the largest, so that the few large ones, which matter most,
 * have centroids of their own (Han et al., "Deep Compression", 2016, section 3.2); "kmeans++": drawn one by one,
 * those far from all others the likeliest (Arthur and Vassilvitskii, 2007).
 */
export type CentroidStart = "linear" | "kmeans++";

const mostRounds = 300;

/**
 * Centroids of the least squared distance that Lloyd's rounds find.
 *
 * @param numbers finite, any order
 * @param k >= 1
 * @param random read by "kmeans++" alone
 * @returns at most k, ascending and distinct; where there are no more distinct numbers than k, those
 */
export function clusterNumbers(
  numbers: Float32Array,
  k: number,
  start: CentroidStart,
  random: Random,
): Float32Array {
  const sorted = numbers.slice().sort();
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  if (distinct.length <= k) return distinct;
  const first = start === "linear" ? spreadEvenly(sorted, k) : drawFarApart(sorted, k, random);
  return Float32Array.from(new Set(Float32Array.from(settle(sorted, first))));
}

function spreadEvenly(sorted: Float32Array, k: number): Float64Array {
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  if (k === 1) return Float64Array.of((low + high) / 2);
  return Float64Array.from({ length: k }, (_, i) => low + ((high - low) * i) / (k - 1));
}

function drawFarApart(sorted: Float32Array, k: number, random: Random): Float64Array {
  const centroids = [sorted[random.below(sorted.length)]];
  const squares = Float64Array.from(sorted, (value) => (value - centroids[0]) ** 2);
  while (centroids.length < k) {
    const all = squares.reduce((sum, square) => sum + square, 0);
    let left = random.uniform() * all;
    let drawn = 0;
    // The last with a distance at all, where rounding leaves something over.
    for (let i = 0; i < squares.length && left >= 0; i++) {
      if (squares[i] > 0) drawn = i;
      left -= squares[i];
    }
    const centroid = sorted[drawn];
    centroids.push(centroid);
    for (let i = 0; i < squares.length; i++) {
      squares[i] = Math.min(squares[i], (sorted[i] - centroid) ** 2);
    }
  }
  return Float64Array.from(centroids).sort();
}

/** Lloyd's rounds until none moves a number. */
function settle(sorted: Float32Array, centroids: Float64Array): Float64Array {
  const sums = new Float64Array(sorted.length + 1);
  for (let i = 0; i < sorted.length; i++) sums[i + 1] = sums[i] + sorted[i];
  let bounds: Int32Array | undefined;
  for (let round = 0; round < mostRounds; round++) {
    const next = boundsOf(sorted, centroids);
    if (bounds?.every((bound, c) => bound === next[c])) break;
    bounds = next;
    centroids = centroids.map((centroid, c) => {
      const [from, to] = [next[c], next[c + 1]];
      // One without numbers stays where it is, and may get some yet.
      return to > from ? (sums[to] - sums[from]) / (to - from) : centroid;
    });
  }
  const last = bounds as Int32Array;
  return centroids.filter((_, c) => last[c + 1] > last[c]);
}

/** Where each centroid's numbers begin, and the end. */
function boundsOf(sorted: Float32Array, centroids: Float64Array): Int32Array {
  const bounds = new Int32Array(centroids.length + 1);
  for (let c = 1; c < centroids.length; c++) {
    bounds[c] = firstAbove(sorted, (centroids[c - 1] + centroids[c]) / 2);
  }
  bounds[centroids.length] = sorted.length;
  return bounds;
}

function firstAbove(sorted: ArrayLike<number>, bound: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The number of the centroid nearest to each number, the smaller one of two as near. */
export function nearestCentroids(numbers: Float32Array, centroids: Float32Array): Int32Array {
  const middles = Float64Array.from({ length: centroids.length - 1 }, (_, c) => {
    return (centroids[c] + centroids[c + 1]) / 2;
  });
  return Int32Array.from(numbers, (value) => {
    let [low, high] = [0, middles.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value > middles[middle]) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
