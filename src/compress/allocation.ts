/**
 * How much of each layer goes when a whole net is pruned to one sparsity.
 *
 * The same share of each ruins small nets: a first convolution of 144 weights keeps 14 of them at 90 %. So by default
 * one threshold decides over all layers, of scores that say how much of its layer a block is (LAMP), and what costs
 * little to keep stays dense. Figures: `npm run study -- pruning`.
 */

/** A kernel that is to be pruned: what decides how much of it goes. */
export interface PrunableLayer {
  /** Sum of squares of each block, f64[blocks], in any order; a weight that goes alone is a block. */
  readonly squares: Float64Array;
  /** Weights of all blocks together. */
  readonly weights: number;
  /** One input channel for each output. */
  readonly isDepthwise: boolean;
  /** Why the pattern does not fit; absent where it does. */
  readonly noRoom?: string | undefined;
}

/**
 * auto: a threshold over LAMP scores, with what is spared left dense. local: the same share of every layer.
 * global: a threshold over the squares themselves.
 */
export type PruneScope = "auto" | "local" | "global";

export const pruneScopes: readonly PruneScope[] = ["auto", "local", "global"];

/** A layer with less of all weights than this is tiny. */
const TINY = 0.02;
/** Spared layers together take no more than this of the weights that are left. */
const SPARED = 0.5;
/** The least that a layer keeps, as a part of the mean over all: 90 % is the most it loses where 75 % are asked for. */
const LEAST = 0.4;

/**
 * Which layers scope "auto" leaves dense: those without room for the pattern; then depthwise and tiny ones, the
 * smallest first, while all these take at most half of the weights that are to be left.
 *
 * @param sparsity share of all weights that is to be zero in the end, in [0, 1)
 * @returns for each layer why it is left dense, undefined for those that are pruned
 */
export function spareLayers(
  layers: readonly PrunableLayer[],
  sparsity: number,
): readonly (string | undefined)[] {
  const all = sum(layers.map(({ weights }) => weights));
  const spared = layers.map(({ noRoom }) => noRoom);
  const withoutRoom = sum(layers.map(({ noRoom, weights }) => (noRoom === undefined ? 0 : weights)));
  let left = SPARED * (1 - sparsity) * all - withoutRoom;
  const bySize = [...layers.keys()].sort((a, b) => layers[a].weights - layers[b].weights);
  for (const i of bySize) {
    const { weights, isDepthwise } = layers[i];
    if (spared[i] !== undefined || !(isDepthwise || weights < TINY * all)) continue;
    if (weights > left) break;
    left -= weights;
    spared[i] = isDepthwise
      ? "depthwise: one input channel for each output"
      : `tiny: ${weights} of ${all} weights`;
  }
  return spared;
}

/**
 * The share of its blocks that each layer loses.
 *
 * Scope "auto" scores a block by its square over the sum of this and all larger squares of its layer: what pruning
 * it would do to the layer, measured in what is left of it. (Lee, Park, Mo, Ahn and Shin 2020, Layer-adaptive Sparsity
 * for the Magnitude-based Pruning: LAMP.) Every layer keeps at least two fifths of the mean density, and its zeros.
 * Of equal scores those of the first layers go.
 *
 * @param layers whose weights the sparsity is counted over, the spared ones among them
 * @param sparsity share of all weights to be zero, in [0, 1], rounded up; for scope "global" of all blocks
 * @param spared for scope "auto", as `spareLayers` has them
 * @returns shares in [0, 1], each a whole number of blocks unless the scope is "local"; where the spared layers
 *   and what each must keep leave no room, they come to less than was asked
 */
export function allocateSparsity(
  layers: readonly PrunableLayer[],
  sparsity: number,
  scope: PruneScope,
  spared: readonly (string | undefined)[] = [],
): number[] {
  if (scope === "local") return layers.map(() => sparsity);
  const isAuto = scope === "auto";
  const ranked = layers.map(({ squares, weights }, i): Ranked => {
    const sorted = squares.slice().sort();
    const blocks = sorted.length;
    const zeros = below(sorted, Number.MIN_VALUE);
    const least = spared[i] === undefined ? Math.max(1, Math.ceil(LEAST * (1 - sparsity) * blocks)) : blocks;
    return {
      scores: isAuto ? lampScores(sorted) : sorted,
      cost: isAuto ? weights / Math.max(1, blocks) : 1,
      // Zeros that are there count, whoever made them.
      most: isAuto ? Math.max(zeros, blocks - least) : blocks,
    };
  });
  const all = sum(ranked.map(({ scores, cost }) => scores.length * cost));
  const taken = takeLowest(ranked, sparsity * all);
  return taken.map((count, i) => (count === 0 ? 0 : count / ranked[i].scores.length));
}

interface Ranked {
  /** Ascending. */
  readonly scores: Float64Array;
  /** Weights that go with a block. */
  readonly cost: number;
  /** Blocks that may go. */
  readonly most: number;
}

function lampScores(sorted: Float64Array): Float64Array {
  const scores = new Float64Array(sorted.length);
  let tail = 0;
  for (let i = sorted.length - 1; i >= 0; i--) {
    tail += sorted[i];
    scores[i] = sorted[i] === 0 ? 0 : sorted[i] / tail;
  }
  return scores;
}

/** How many blocks of each go, so that they cost at least the target, or all that may. */
function takeLowest(ranked: readonly Ranked[], target: number): number[] {
  const takenBelow = (threshold: number) =>
    ranked.map(({ scores, most }) => Math.min(most, below(scores, threshold)));
  const isEnough = (taken: readonly number[]) =>
    // The slack is for shares such as 0.55, of which 100 are more than 55.
    sum(taken.map((count, i) => count * ranked[i].cost)) >= target - 1e-6;
  let low = 0;
  let high = 2 * Math.max(Number.MIN_VALUE, ...ranked.map(({ scores }) => scores[scores.length - 1] ?? 0));
  if (isEnough(takenBelow(0))) return takenBelow(0);
  if (!isEnough(takenBelow(high))) return takenBelow(high);
  // Until no number lies between: then `low` is the score of those that go in part.
  for (let middle = high / 2; middle > low && middle < high; middle = low + (high - low) / 2) {
    if (isEnough(takenBelow(middle))) high = middle;
    else low = middle;
  }
  const taken = takenBelow(low);
  const ties = takenBelow(high);
  for (const [i, { cost }] of ranked.entries()) {
    const missing = target - 1e-6 - sum(taken.map((count, k) => count * ranked[k].cost));
    if (missing > 0) taken[i] = Math.min(ties[i], taken[i] + Math.ceil(missing / cost));
  }
  return taken;
}

/** How many of ascending numbers are below another. */
function below(sorted: Float64Array, threshold: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (sorted[middle] < threshold) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * Why a layer has the zeros that it has, in words.
 *
 * @param spared why it is left dense, as `spareLayers` has it
 * @param total zeros over all layers together, a share in [0, 1]
 * @param asked share that they were to have
 */
export function describeShare(spared: string | undefined, total: number, asked: number): string {
  if (spared !== undefined) return `left dense: ${spared}`;
  // Blocks at an edge are smaller than they count.
  if (total > asked - 0.005) return "by its LAMP scores among all layers";
  const [wanted, got] = [asked, total].map((share) => `${(100 * share).toFixed(1)} %`);
  return `all that a layer may lose: ${wanted} of the whole is out of reach beside what is left dense, got ${got}`;
}

/** Of a matrix, or of the blocks it is cut into. */
export interface BlockShape {
  readonly inputs: number;
  readonly outputs: number;
}

/**
 * The sum of squares of each block of a matrix; those at the edge may be smaller.
 *
 * @param matrix f32[inputs][outputs]
 * @param size of the matrix
 * @param block inputs x outputs of a block, each >= 1
 * @returns f64[blocks], rows of blocks one after the other
 */
export function blockSquares(matrix: Float32Array, size: BlockShape, block: BlockShape): Float64Array {
  const across = Math.ceil(size.outputs / block.outputs);
  const squares = new Float64Array(Math.ceil(size.inputs / block.inputs) * across);
  for (let i = 0; i < size.inputs; i++) {
    const row = Math.floor(i / block.inputs) * across;
    for (let o = 0; o < size.outputs; o++) {
      squares[row + Math.floor(o / block.outputs)] += matrix[i * size.outputs + o] ** 2;
    }
  }
  return squares;
}

/** Why blocks do not fit into a kernel: a block's inputs lie within one tap. */
export function noRoomFor(
  block: BlockShape,
  { inputs, outputs }: BlockShape,
  pattern: string,
): string | undefined {
  if (inputs < block.inputs) return `${pattern} wants at least ${block.inputs} inputs, got ${inputs}`;
  if (outputs < block.outputs) return `${pattern} wants at least ${block.outputs} outputs, got ${outputs}`;
  return undefined;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
