import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRandom, type Random } from "../../../src/data/index.js";
import { type Acceleration, accelerate } from "../../../src/tfjs/index.js";
import { useBackend } from "../support.js";

let acceleration: Acceleration;
beforeAll(async () => {
  await useBackend("wasm");
  acceleration = await accelerate(tf);
});
afterAll(() => acceleration.undo());

type Compute = (make: (shape: number[], values?: Float32Array) => tf.Tensor) => tf.Tensor[];

/** Runs the same on both backends, and says how far the results are apart next to their largest number. */
async function worstError(compute: Compute, seed: number): Promise<number> {
  const results: Float32Array[][] = [];
  for (const name of ["cpu", "wasm"] as const) {
    await useBackend(name);
    const random = createRandom(seed);
    const before = tf.memory().numTensors;
    const tensors = tf.tidy(() =>
      compute((shape, values) => tf.tensor(values ?? normal(random, tf.util.sizeFromShape(shape)), shape)),
    );
    results.push(tensors.map((tensor) => Float32Array.from(tensor.dataSync())));
    tf.dispose(tensors);
    expect(tf.memory().numTensors).toBe(before);
  }
  const [wanted, got] = results;
  expect(got.map((values) => values.length)).toEqual(wanted.map((values) => values.length));
  let worst = 0;
  wanted.forEach((values, i) => {
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-30);
    values.forEach((value, k) => {
      // A slope that is missing, or NaN, must not pass for small.
      const error = Math.abs(value - got[i][k]) / largest;
      worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
    });
  });
  return worst;
}

function normal(random: Random, size: number): Float32Array {
  return Float32Array.from({ length: size }, () => random.normal());
}

/** A filter with zeros between its taps. */
function spread(w: tf.Tensor, dilations: readonly [number, number]): tf.Tensor {
  return dilations.reduce((filter, rate, axis) => {
    const taps = Array.from({ length: filter.shape[axis] }, (_, i) => {
      const begin = filter.shape.map((_size, other) => (other === axis ? i : 0));
      return tf.slice(
        filter,
        begin,
        filter.shape.map((size, other) => (other === axis ? 1 : size)),
      );
    });
    const gap = Array.from({ length: rate - 1 }, () => tf.zerosLike(taps[0]));
    return tf.concat(
      taps.flatMap((tap, i) => (i === 0 ? [tap] : [...gap, tap])),
      axis,
    );
  }, w);
}

const pick = <T>(random: Random, of: readonly T[]): T => of[random.below(of.length)];

describe("gradients of convolutions equal those of backend cpu", () => {
  test.each(Array.from({ length: 60 }, (_, i) => i))("conv2d, shapes %i", async (seed) => {
    const random = createRandom(seed);
    const kernel = [1 + random.below(5), 1 + random.below(5)];
    const size = [kernel[0] + random.below(9), kernel[1] + random.below(9)];
    const [batch, channels, filters] = [1 + random.below(4), 1 + random.below(9), 1 + random.below(18)];
    const strides: [number, number] = [1 + random.below(3), 1 + random.below(3)];
    // Not a number of pixels: tfjs 4.22's own forward pass writes beside its memory then.
    const pad = pick(random, ["same", "valid"] as const);
    const error = await worstError((make) => {
      const conv = (x: tf.Tensor, w: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
      const [x, w] = [make([batch, ...size, channels]), make([...kernel, channels, filters])];
      const dy = make(conv(x, w).shape);
      return tf.grads(conv)([x, w], dy);
    }, seed);
    expect(error).toBeLessThan(1e-4);
  });

  test("conv2d over many outputs, pointwise and with a window, in several parts", async () => {
    for (const kernel of [1, 3]) {
      const error = await worstError((make) => {
        const conv = (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, "same");
        const [x, w] = [make([3, 33, 31, 20]), make([kernel, kernel, 20, 12])];
        return tf.grads(conv)([x, w], make([3, 33, 31, 12]));
      }, 7);
      expect(error).toBeLessThan(1e-4);
    }
  });

  test.each(Array.from({ length: 40 }, (_, i) => i))("depthwiseConv2d, shapes %i", async (seed) => {
    const random = createRandom(seed);
    const kernel = [1 + random.below(4), 1 + random.below(4)];
    const strides: [number, number] = [1 + random.below(3), 1 + random.below(3)];
    const size = kernel.map((length) => length + random.below(9));
    const [batch, channels, multiplier] = [1 + random.below(3), 1 + random.below(21), 1 + random.below(2)];
    const pad = pick(random, ["same", "valid"] as const);
    const error = await worstError((make) => {
      const conv = (x: tf.Tensor, w: tf.Tensor) =>
        tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
      const [x, w] = [make([batch, ...size, channels]), make([...kernel, channels, multiplier])];
      return tf.grads(conv)([x, w], make(conv(x, w).shape));
    }, seed);
    expect(error).toBeLessThan(1e-4);
  });

  // tfjs refuses these gradients on backend cpu: there the filter gets zeros between its taps instead.
  test.each(Array.from({ length: 30 }, (_, i) => i))("dilated, shapes %i", async (seed) => {
    const random = createRandom(seed);
    const kernel = [1 + random.below(4), 1 + random.below(4)];
    const dilations: [number, number] = [1 + random.below(3), 1 + random.below(3)];
    const size = kernel.map((length, axis) => (length - 1) * dilations[axis] + 1 + random.below(9));
    const [channels, filters] = [1 + random.below(9), 1 + random.below(5)];
    const pad = pick(random, ["same", "valid"] as const);
    const convolve = seed % 2 ? tf.conv2d : tf.depthwiseConv2d;
    const error = await worstError((make) => {
      const conv = (x: tf.Tensor, w: tf.Tensor) =>
        tf.getBackend() === "cpu"
          ? convolve(x as tf.Tensor4D, spread(w, dilations) as tf.Tensor4D, 1, pad)
          : convolve(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad, "NHWC", dilations);
      const [x, w] = [make([2, ...size, channels]), make([...kernel, channels, filters])];
      return tf.grads(conv)([x, w], make(conv(x, w).shape));
    }, seed);
    expect(error).toBeLessThan(1e-4);
  });

  test.each(Array.from({ length: 30 }, (_, i) => i))("maxPool, shapes %i", async (seed) => {
    const random = createRandom(seed);
    const window: [number, number] = [1 + random.below(3), 1 + random.below(3)];
    const strides: [number, number] = [1 + random.below(3), 1 + random.below(3)];
    const size = window.map((length) => length + random.below(8));
    const channels = 1 + random.below(9);
    const pad = pick(random, ["same", "valid"] as const);
    const ties = random.below(2) === 1;
    const error = await worstError((make) => {
      const shape = [2, ...size, channels];
      const values = normal(createRandom(seed + 1), tf.util.sizeFromShape(shape));
      const x = make(shape, ties ? values.map(Math.round) : values);
      const pool = (t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, window, strides, pad);
      return [tf.grad(pool)(x, make(pool(x).shape))];
    }, seed);
    expect(error).toBeLessThan(1e-6);
  });
});

describe("products equal those of backend cpu", () => {
  test.each(Array.from({ length: 60 }, (_, i) => i))("matMul, shapes %i", async (seed) => {
    const random = createRandom(seed);
    const [m, n, k] = [1 + random.below(40), 1 + random.below(40), 1 + random.below(300)];
    const [outerA, outerB] = pick(random, [
      [[], []],
      [[3], [3]],
      [[1], [3]],
      [[3], [1]],
      [
        [2, 2],
        [1, 2],
      ],
      [[2, 3], [3]],
    ]);
    const [transposeA, transposeB] = [random.below(2) === 1, random.below(2) === 1];
    const error = await worstError((make) => {
      const a = make([...outerA, ...(transposeA ? [k, m] : [m, k])]);
      const b = make([...outerB, ...(transposeB ? [n, k] : [k, n])]);
      return [tf.matMul(a, b, transposeA, transposeB)];
    }, seed);
    expect(error).toBeLessThan(1e-4);
  });

  // Backend cpu of tfjs takes every matrix of b in turn here, which is no broadcasting.
  test("matMul broadcasts both sides", async () => {
    const error = await worstError((make) => {
      const [a, b] = [make([2, 1, 9, 4]), make([2, 3, 5, 4])];
      const wide = tf.getBackend() === "cpu" ? tf.tile(a, [1, 3, 1, 1]) : a;
      return [tf.matMul(wide, b, false, true)];
    }, 9);
    expect(error).toBeLessThan(1e-5);
  });

  test.each(["linear", "relu", "relu6", "sigmoid", "elu", "leakyrelu"] as const)(
    "fused.matMul with %s, transposed and batched",
    async (activation) => {
      for (const [transposeA, transposeB, outer] of [
        [true, false, []],
        [false, true, []],
        [true, true, [3]],
        [false, false, [3]],
      ] as const) {
        const error = await worstError((make) => {
          const a = make([...outer, ...(transposeA ? [9, 5] : [5, 9])]);
          const b = make([...outer, ...(transposeB ? [7, 9] : [9, 7])]);
          const bias = make([7]);
          const options = { a, b, transposeA, transposeB, bias, activation, leakyreluAlpha: 0.3 };
          return [tf.fused.matMul(options), tf.fused.matMul({ a, b, transposeA, transposeB })];
        }, 3);
        expect(error).toBeLessThan(1e-5);
      }
    },
  );

  test("a product of no depth is zero, one that does not fit is refused as before", async () => {
    await useBackend("wasm");
    tf.tidy(() => {
      const product = tf.matMul(tf.zeros([9, 0]), tf.zeros([0, 2]));
      expect([...product.dataSync()]).toEqual(new Array(18).fill(0));
      expect(() => tf.matMul(tf.zeros([9, 3]), tf.zeros([2, 2]))).toThrow(/inner shapes/);
    });
  });
});

describe("what goes number by number equals backend cpu", () => {
  test.each([
    [[7], [0], false],
    [[5, 3], [0], false],
    [[300, 17], [0], true],
    [[4, 5, 6, 7], [0, 1, 2], false],
    [[4, 5, 6, 7], [2, 0, 1], true],
    [[4, 5, 6, 7], [1, 2], false],
    [[4, 5, 6, 7], [3], true],
    [[4, 5], [-2], false],
    [[3, 2], [0, 1], false],
  ] as const)("sum and mean of %j over %j", async (shape, axes, keep) => {
    const error = await worstError((make) => {
      const x = make([...shape]);
      return [
        tf.sum(x, [...axes], keep),
        tf.mean(x, [...axes], keep),
        tf.sum(tf.cast(tf.round(x), "int32"), [...axes]),
      ];
    }, 5);
    expect(error).toBeLessThan(1e-5);
  });

  test.each([
    [[3], [4]],
    [
      [1, 1, 1, 5],
      [2, 3, 4, 1],
    ],
    [
      [2, 3],
      [1, 1],
    ],
    [
      [2, 3],
      [3, 1],
    ],
    [
      [2, 3],
      [1, 3],
    ],
    [
      [2, 1, 3],
      [2, 5, 2],
    ],
    [
      [2, 3],
      [0, 2],
    ],
    [[], []],
  ] as const)("tile %j by %j", async (shape, reps) => {
    const error = await worstError((make) => {
      const x = make([...shape]);
      const whole = tf.cast(tf.round(x), "int32");
      return [tf.tile(x, [...reps]), tf.tile(whole, [...reps])];
    }, 6);
    expect(error).toBe(0);
  });

  test("comparisons and their conjunction", async () => {
    const error = await worstError((make) => {
      const x = make(
        [3, 37],
        normal(createRandom(1), 111).map((value, i) => (i === 5 ? NaN : Math.round(value))),
      );
      const y = make([3, 1]);
      const low = tf.greaterEqual(x, -1);
      const high = tf.lessEqual(x, 1);
      return [low, high, tf.logicalAnd(low, high), tf.greaterEqual(x, y), tf.lessEqual(y, x)];
    }, 7);
    expect(error).toBe(0);
  });

  test("clipping's gradient, which is made of them", async () => {
    const error = await worstError(
      (make) => [tf.grad((x: tf.Tensor) => tf.clipByValue(x, -0.5, 1))(make([4, 33]))],
      8,
    );
    expect(error).toBe(0);
  });
});
