import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allocateSparsity,
  blockSquares,
  describeShare,
  noRoomFor,
  type PrunableLayer,
  spareLayers,
} from "../../src/compress/allocation.js";
import { noise } from "../graph/helpers.js";

interface LayerOptions extends Partial<Pick<PrunableLayer, "isDepthwise" | "noRoom">> {
  readonly block?: number;
  readonly scale?: number;
}

/** Blocks of `block` weights each, all of about one size. */
function layer(blocks: number, seed: number, options: LayerOptions = {}): PrunableLayer {
  const { block = 1, scale = 1, isDepthwise = false, noRoom } = options;
  const squares = Float64Array.from(noise(blocks, seed), (value) => (scale * value) ** 2);
  return { squares, weights: blocks * block, isDepthwise, noRoom };
}

const zerosOf = (layers: readonly PrunableLayer[], shares: readonly number[]) =>
  layers.reduce((sum, { weights }, i) => sum + shares[i] * weights, 0);
const sizeOf = (layers: readonly PrunableLayer[]) => layers.reduce((sum, { weights }) => sum + weights, 0);

describe("allocateSparsity", () => {
  test("scope auto takes the lowest LAMP scores of all, as many as asked", () => {
    const layers = [layer(40, 1), layer(300, 2, { scale: 50 }), layer(90, 3, { scale: 0.01 })];
    // The plain way: for each block its square over the sum of those that are not smaller.
    const scores = layers.flatMap(({ squares }, which) =>
      [...squares].map((square) => {
        const tail = squares.filter((other) => other >= square).reduce((sum, other) => sum + other, 0);
        return { which, score: square / tail };
      }),
    );
    scores.sort((a, b) => a.score - b.score);
    const gone = scores.slice(0, Math.ceil(0.6 * 430));
    const wanted = layers.map(({ weights }, i) => gone.filter(({ which }) => which === i).length / weights);
    expect(allocateSparsity(layers, 0.6, "auto")).toEqual(wanted);
    expect(new Set(wanted).size).toBe(3);
  });

  test("a layer's scale changes nothing in scope auto, all in scope global", () => {
    const layers = [layer(200, 1), layer(200, 2)];
    const small = [layers[0], layer(200, 2, { scale: 2 ** -10 })];
    expect(allocateSparsity(small, 0.5, "auto")).toEqual(allocateSparsity(layers, 0.5, "auto"));
    const [kept, lost] = allocateSparsity(small, 0.5, "global");
    expect(lost).toBeGreaterThan(0.95);
    expect(kept).toBeLessThan(0.05);
    expect(allocateSparsity(small, 0.5, "local")).toEqual([0.5, 0.5]);
  });

  test("any net: the whole is reached, grows with the sparsity, and every layer keeps its least", () => {
    const sizes = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom(1, 4, 16)), {
      minLength: 1,
      maxLength: 6,
    });
    const share = fc.double({ min: 0, max: 0.99, noNaN: true });
    fc.assert(
      fc.property(sizes, share, share, (nets, one, other) => {
        const layers = nets.map(([blocks, block], i) => layer(blocks, i + 1, { block, scale: 3 ** i }));
        const [low, high] = [one, other].sort((a, b) => a - b);
        const spared = spareLayers(layers, high);
        const [less, more] = [low, high].map((all) => allocateSparsity(layers, all, "auto", spared));
        const room = layers.map(({ squares, weights }, i) => {
          const blocks = squares.length;
          const least = Math.max(1, Math.ceil(0.4 * (1 - high) * blocks));
          return spared[i] ? 0 : ((blocks - least) / blocks) * weights;
        });
        const most = room.reduce((sum, each) => sum + each, 0);
        const asked = high * sizeOf(layers);
        const zeros = zerosOf(layers, more);
        expect(zeros).toBeGreaterThanOrEqual(Math.min(asked, most) - 1e-3);
        // One block more at most, of the largest.
        expect(zeros).toBeLessThan(asked + 16 + 1e-3);
        more.forEach((each, i) => {
          expect(each).toBeGreaterThanOrEqual(less[i]);
          expect(each * layers[i].weights).toBeLessThanOrEqual(room[i] + 1e-6);
        });
      }),
    );
  });

  test("zeros that are there count, in spared layers too", () => {
    const squares = Float64Array.from({ length: 100 }, (_, i) => (i < 70 ? 0 : i));
    const sparse = { squares, weights: 100, isDepthwise: false };
    for (const asked of [0.1, 0.65, 0.7]) {
      const shares = allocateSparsity([sparse, sparse], asked, "auto");
      expect(Math.max(...shares)).toBeLessThanOrEqual(0.7);
      expect(zerosOf([sparse, sparse], shares)).toBe(200 * asked);
    }
    expect(allocateSparsity([sparse, layer(100, 1)], 0.75, "auto", ["spared"])).toEqual([0.7, 0.8]);
  });

  test("where what is left dense leaves no room it comes to less, and that is said", () => {
    const layers = [layer(100, 1, { noRoom: "1x4 wants at least 4 inputs, got 1" }), layer(100, 2)];
    const spared = spareLayers(layers, 0.9);
    const shares = allocateSparsity(layers, 0.9, "auto", spared);
    expect(shares).toEqual([0, 0.96]);
    expect(describeShare(undefined, 0.49, 0.9)).toMatch(/90.0 % of the whole is out of reach.*got 49.0 %/);
    expect(describeShare(spared[0], 0.49, 0.9)).toBe("left dense: 1x4 wants at least 4 inputs, got 1");
    expect(describeShare(undefined, 0.9, 0.9)).toBe("by its LAMP scores among all layers");
  });
});

describe("spareLayers", () => {
  const depthwise = { isDepthwise: true };
  const large = layer(10_000, 1);

  test("depthwise and tiny layers, by what they are", () => {
    expect(spareLayers([layer(144, 1), layer(300, 2, depthwise), large, layer(1000, 3)], 0.5)).toEqual([
      "tiny: 144 of 11444 weights",
      "depthwise: one input channel for each output",
      undefined,
      undefined,
    ]);
  });

  test("no more than half of what is left, the smallest first", () => {
    const layers = [layer(400, 1, depthwise), layer(300, 2, depthwise), layer(200, 3), large];
    const isSpared = (sparsity: number) => spareLayers(layers, sparsity).map((why) => why !== undefined);
    expect(isSpared(0.5)).toEqual([true, true, true, false]);
    expect(isSpared(0.9)).toEqual([false, true, true, false]);
    expect(isSpared(0.95)).toEqual([false, false, true, false]);
    expect(isSpared(0.99)).toEqual([false, false, false, false]);
    // What has no room for the pattern takes of that first.
    const cramped = spareLayers([layer(800, 4, { noRoom: "no" }), ...layers], 0.8);
    expect(cramped.map((why) => why !== undefined)).toEqual([true, false, false, true, false]);
  });
});

test("blocks of a matrix: sums of squares, smaller at the edge", () => {
  const matrix = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  const size = { inputs: 5, outputs: 2 };
  expect([...blockSquares(matrix, size, { inputs: 1, outputs: 1 })]).toEqual([...matrix].map((x) => x * x));
  expect([...blockSquares(matrix, size, { inputs: 4, outputs: 1 })]).toEqual([84, 120, 81, 100]);
  expect([...blockSquares(matrix, size, { inputs: 4, outputs: 4 })]).toEqual([204, 181]);
  expect(noRoomFor({ inputs: 4, outputs: 4 }, { inputs: 4, outputs: 3 }, "4x4")).toMatch(/4 outputs, got 3/);
});
