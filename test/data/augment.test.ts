import { describe, expect, test } from "vitest";
import { type AugmentOptions, augmenter, createRandom, type Random } from "../../src/data/index.js";

/** Takes the chance that is asked for: `share` of the way from low to high. */
function always(share: number): Random {
  return { ...createRandom(1), uniform: (low = 0, high = 1) => low + (high - low) * share };
}

/** Pictures of numbers that all differ. */
function counting(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => i + 1);
}

function augmented(options: AugmentOptions, x: Float32Array, shape: readonly number[], random: Random) {
  const copy = x.slice();
  const size = shape.reduce((product, dim) => product * dim, 1);
  augmenter(options)(copy, x.length / size, shape, random);
  return copy;
}

function mean(values: ArrayLike<number>, f = (value: number) => value): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += f(values[i]);
  return sum / values.length;
}

const everything: AugmentOptions = {
  shift: 2,
  rotate: 15,
  scale: 0.2,
  elastic: { strength: 1.5, smoothness: 3 },
  flip: "both",
  noise: 0.1,
};

describe("moves", () => {
  const picture = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12); // 3 x 4

  test("a shift by a whole pixel is exact, what comes in is the fill value", () => {
    const right = augmented({ shift: 1, fill: -1 }, picture, [3, 4], always(1));
    expect([...right]).toEqual([-1, -1, -1, -1, -1, 1, 2, 3, -1, 5, 6, 7]);
    const left = augmented({ shift: 1, fill: 0.5 }, picture, [3, 4], always(0));
    expect([...left]).toEqual([6, 7, 8, 0.5, 10, 11, 12, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });

  test("a shift by more than the picture leaves the fill value", () => {
    const gone = augmented({ shift: 1000, fill: 7 }, picture, [3, 4], always(1));
    expect([...gone]).toEqual(Array(12).fill(7));
  });

  test("a shift by half a pixel is the mean of four, the fill value among them", () => {
    const half = augmented({ shift: 0.5 }, picture, [3, 4], always(1));
    // Left and above of the first pixel there is 0 three times.
    expect([half[0], half[1], half[5]]).toEqual([1 / 4, (1 + 2) / 4, (1 + 2 + 5 + 6) / 4]);
  });

  test("flips are exact, each by its own chance", () => {
    const flip = (direction: "horizontal" | "vertical" | "both", share: number) => [
      ...augmented({ flip: direction }, picture, [3, 4], always(share)),
    ];
    expect(flip("horizontal", 0)).toEqual([4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9]);
    expect(flip("vertical", 0)).toEqual([9, 10, 11, 12, 5, 6, 7, 8, 1, 2, 3, 4]);
    expect(flip("both", 0)).toEqual([...picture].reverse());
    for (const direction of ["horizontal", "vertical", "both"] as const) {
      expect(flip(direction, 0.5)).toEqual([...picture]);
    }
    // 400 pictures of two pixels: how often they change places.
    const pairs = augmented(
      { flip: "both" },
      Float32Array.from({ length: 800 }, (_, i) => i & 1),
      [1, 2],
      createRandom(3),
    );
    const flipped = pairs.filter((value, i) => i % 2 === 0 && value === 1).length;
    expect(Math.abs(flipped - 200)).toBeLessThan(40); // four deviations
  });

  test.each([3, 4, 28])("a quarter turn of %i x %i is exact up to rounding", (size) => {
    const x = counting(size * size);
    const turned = augmented({ rotate: 90 }, x, [size, size], always(1));
    const back = augmented({ rotate: 90 }, x, [size, size], always(0));
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const at = row * size + column;
        // Clockwise: the left column, from below, becomes the top row.
        expect(Math.abs(turned[at] - x[(size - 1 - column) * size + row])).toBeLessThan(1e-9 * size ** 3);
        expect(Math.abs(back[at] - x[column * size + size - 1 - row])).toBeLessThan(1e-9 * size ** 3);
      }
    }
  });

  test("any turn moves a pixel by the cosine and sine of its angle", () => {
    // Planes are what bilinear look-up leaves exact, wherever it looks.
    const size = 41;
    for (const degrees of [0.5, 7, 33, 45, 120, 180]) {
      const angle = (degrees * Math.PI) / 180;
      const x = Float32Array.from({ length: size * size }, (_, i) => (i % size) + 100 * Math.floor(i / size));
      const turned = augmented({ rotate: degrees }, x, [size, size], always(1));
      for (const [row, column] of [
        [20, 27],
        [14, 19],
        [20, 20],
        [25, 26],
      ]) {
        const [right, down] = [column - 20, row - 20];
        const fromX = 20 + Math.cos(angle) * right + Math.sin(angle) * down;
        const fromY = 20 - Math.sin(angle) * right + Math.cos(angle) * down;
        expect(turned[row * size + column]).toBeCloseTo(fromX + 100 * fromY, 3);
      }
    }
  });

  test("scaling spreads a picture around its centre", () => {
    const x = Float32Array.from({ length: 25 }, (_, i) => (i % 5) + 10 * Math.floor(i / 5));
    const larger = augmented({ scale: 0.5 }, x, [5, 5], always(1));
    expect(larger[12]).toBe(x[12]);
    expect(larger[0]).toBeCloseTo(2 - 2 / 1.5 + 10 * (2 - 2 / 1.5), 5);
    const smaller = augmented({ scale: 0.5, fill: 9 }, x, [5, 5], always(0));
    expect([smaller[0], smaller[12], smaller[11]]).toEqual([9, x[12], x[10]]);
  });

  test("moves come in the order flip, turn, shift", () => {
    const x = counting(9);
    const all = augmented({ shift: 1, rotate: 90, flip: "horizontal" }, x, [3, 3], {
      ...always(1),
      uniform: (low?: number, high = 1) => (low === undefined ? 0 : high),
    });
    // 3 2 1 / 6 5 4 / 9 8 7 turned is 9 6 3 / 8 5 2 / 7 4 1.
    expect([...all].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 0, 0, 0, 9, 6, 0, 8, 5]);
  });
});

describe("elastic", () => {
  const size = 64;
  // A plane tells along each axis where every pixel came from.
  const planes = () =>
    Float32Array.from({ length: size * size * 2 }, (_, i) => {
      const pixel = i >> 1;
      return i % 2 === 0 ? pixel % size : Math.floor(pixel / size);
    });

  /** How far each pixel of the middle, away from the fill value, came from, along an axis. */
  function displacements(bent: Float32Array, axis: number): number[][] {
    const rows: number[][] = [];
    for (let row = 16; row < 48; row++) {
      rows.push([]);
      for (let column = 16; column < 48; column++) {
        const own = axis === 0 ? column : row;
        (rows.at(-1) as number[]).push(bent[(row * size + column) * 2 + axis] - own);
      }
    }
    return rows;
  }

  test("displacements have the strength asked for, and their mean is 0", () => {
    const bend = augmenter({ elastic: { strength: 1.5, smoothness: 2 } });
    const random = createRandom(2);
    const found: number[][] = [[], []];
    for (let picture = 0; picture < 40; picture++) {
      const x = planes();
      bend(x, 1, [size, size, 2], random);
      for (const axis of [0, 1]) found[axis].push(...displacements(x, axis).flat());
    }
    for (const values of found) {
      // About 5,000 patches that know nothing of each other: five deviations are a tenth.
      expect(Math.abs(mean(values))).toBeLessThan(0.1);
      expect(Math.abs(Math.sqrt(mean(values, (v) => v * v)) - 1.5)).toBeLessThan(0.08);
    }
    const both = mean(found[0].map((v, i) => v * found[1][i]));
    expect(Math.abs(both)).toBeLessThan(0.15); // the axes know nothing of each other
  });

  test("neighbours go nearly the same way, pixels far apart do not", () => {
    const x = planes();
    augmenter({ elastic: { strength: 2, smoothness: 6 } })(x, 1, [size, size, 2], createRandom(5));
    const rows = displacements(x, 0);
    const difference = (apart: number) =>
      Math.sqrt(mean(rows.flatMap((row) => row.slice(apart).map((v, i) => (v - row[i]) ** 2))));
    // Smoothed by a Gaussian of s: strength * sqrt(2 - 2 exp(-d^2 / 4 s^2)), about 0.24 for d = 1.
    expect(difference(1)).toBeLessThan(0.35);
    expect(difference(24)).toBeGreaterThan(1);
  });

  test("the mean of a picture stays within bounds", () => {
    const x = Float32Array.from({ length: 28 * 28 * 50 }, (_, i) => {
      const [row, column] = [Math.floor((i % 784) / 28), i % 28];
      return row > 8 && row < 20 && column > 8 && column < 20 ? 1 : 0;
    });
    const bent = augmented({ elastic: { strength: 1, smoothness: 4 } }, x, [28, 28, 1], createRandom(1));
    expect(Math.abs(mean(bent) / mean(x) - 1)).toBeLessThan(0.05);
    expect(Math.min(...bent)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...bent)).toBeLessThanOrEqual(1);
    expect(bent).not.toEqual(x);
  });
});

describe("noise", () => {
  test("has mean 0 and the deviation asked for, in the numbers of a bell", () => {
    const x = new Float32Array(100 * 50 * 40).fill(3);
    const noisy = augmented({ noise: 0.25 }, x, [50, 40], createRandom(8));
    const z = Float64Array.from(noisy, (value) => (value - 3) / 0.25);
    expect(Math.abs(mean(z))).toBeLessThan(0.01); // 200,000 numbers: four deviations
    expect(Math.abs(mean(z, (v) => v * v) - 1)).toBeLessThan(0.013);
    expect(Math.abs(mean(z, (v) => v ** 3))).toBeLessThan(0.04);
    expect(Math.abs(mean(z, (v) => v ** 4) - 3)).toBeLessThan(0.1);
  });

  test("is added after the moves, also to what the fill value covers", () => {
    const x = augmented({ shift: 50, fill: 2, noise: 0.01 }, counting(100), [10, 10], always(1));
    expect(new Set(x).size).toBeGreaterThan(95);
    expect(Math.abs(mean(x) - 2)).toBeLessThan(0.01);
  });
});

describe("augmenter", () => {
  test("without options, or with all of them 0, no bit changes and nothing is drawn", () => {
    const random = createRandom(4);
    const before = random.state();
    const x = Float32Array.of(-0, Number.NaN, Number.POSITIVE_INFINITY, 1e-42, 5, 6);
    const none = {
      shift: 0,
      rotate: 0,
      scale: 0,
      elastic: { strength: 0, smoothness: 4 },
      noise: 0,
      fill: 3,
    };
    for (const options of [{}, none]) {
      const bits = augmented(options, x, [2, 3], random);
      expect(new Uint32Array(bits.buffer)).toEqual(new Uint32Array(x.buffer));
    }
    expect(random.state()).toEqual(before);
  });

  test("the random numbers alone decide: the same state, the same pictures", () => {
    const x = counting(8 * 9 * 3 * 5);
    const augment = augmenter(everything);
    const once = x.slice();
    const random = createRandom(6);
    augment(once, 5, [8, 9, 3], random);
    expect(augmented(everything, x, [8, 9, 3], createRandom(6))).toEqual(once);
    expect(augmented(everything, x, [8, 9, 3], createRandom(7))).not.toEqual(once);
    // Another size in between leaves nothing behind; the generator goes on where it was.
    const state = random.state();
    augment(new Float32Array(12), 1, [3, 4], createRandom(1));
    const [again, fresh] = [x.slice(), x.slice()];
    augment(again, 5, [8, 9, 3], createRandom(state));
    augmenter(everything)(fresh, 5, [8, 9, 3], random);
    expect(again).toEqual(fresh);
  });

  test("every picture of a batch goes its own way", () => {
    const x = Float32Array.from({ length: 3 * 49 }, (_, i) => i % 49);
    const pictures = augmented({ shift: 2 }, x, [7, 7], createRandom(1));
    const [a, b, c] = [0, 1, 2].map((i) => String(pictures.subarray(i * 49, (i + 1) * 49)));
    expect(new Set([a, b, c]).size).toBe(3);
  });

  test("channels move together", () => {
    const grey = counting(2 * 6 * 5);
    const moves = { ...everything, noise: 0 };
    const alone = augmented(moves, grey, [6, 5], createRandom(9));
    expect(augmented(moves, grey, [6, 5, 1], createRandom(9))).toEqual(alone);
    const colours = Float32Array.from(
      { length: grey.length * 3 },
      (_, i) => grey[Math.floor(i / 3)] * 2 ** (i % 3),
    );
    const moved = augmented(moves, colours, [6, 5, 3], createRandom(9));
    // Powers of two round alike.
    expect(moved).toEqual(colours.map((_, i) => alone[Math.floor(i / 3)] * 2 ** (i % 3)));
  });

  test("numbers behind the batch stay", () => {
    const x = counting(20);
    augmenter(everything)(x, 1, [3, 3], createRandom(1));
    expect(x.subarray(9)).toEqual(counting(20).subarray(9));
    augmenter(everything)(x, 0, [3, 3], createRandom(1));
  });

  test.each([
    [{ shift: -1 }, "shift: wanted a finite number >= 0, got -1"],
    [{ rotate: 181 }, "rotate: wanted a number in [0, 180], got 181"],
    [{ scale: 1 }, "scale: wanted a number in [0, 1), got 1"],
    [{ noise: Number.NaN }, "noise: wanted a finite number >= 0, got NaN"],
    [{ fill: Number.POSITIVE_INFINITY }, "fill: wanted a finite number, got Infinity"],
    [{ flip: "left" as never }, "flip: wanted horizontal, vertical or both, got left"],
    [{ elastic: { strength: 1, smoothness: 0 } }, "elastic.smoothness: wanted a finite number >= 0.5, got 0"],
  ])("%o is refused", (options, message) => {
    expect(() => augmenter(options)).toThrow(new RangeError(message));
  });

  test("what is no number is a TypeError", () => {
    expect(() => augmenter({ shift: "2" as never })).toThrow(TypeError);
    expect(() => augmenter({ shft: 2 } as never)).toThrow("augmenter: wanted one of the options shift, ");
    expect(() => augmenter({ elastic: { strength: 1 } as never })).toThrow(TypeError);
  });

  test.each([[[784]], [[28, 28, 1, 1]], [[28, 0]], [[28, 2.5]]])("shape %o is refused", (shape) => {
    expect(() => augmenter({})(new Float32Array(784), 1, shape, createRandom(1))).toThrow(
      /augment: wanted pictures of \[height, width\] or \[height, width, channels\], got/,
    );
  });

  test("a count beyond the numbers is refused", () => {
    expect(() => augmenter({})(new Float32Array(20), 3, [3, 3], createRandom(1))).toThrow(
      new RangeError("augment: wanted a count in [0, 2], the pictures of x, got 3"),
    );
  });
});
