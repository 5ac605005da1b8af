import { describe, expect, test } from "vitest";
import { applyScale, createRandom, drawDigits } from "../../src/data/index.js";
import { hashOf } from "./support.js";

const PIXELS = 784;

describe("drawDigits", () => {
  test("a seed gives the same bytes, here and everywhere", () => {
    const { images, labels } = drawDigits({ count: 200, seed: 42 });
    expect([hashOf(images), hashOf(labels)]).toEqual(["172c5895", "c6204ce7"]);
    expect(hashOf(drawDigits({ count: 200, seed: 43 }).images)).not.toBe(hashOf(images));
  });

  test("the first images do not depend on the count", () => {
    const long = drawDigits({ count: 50, seed: 4 });
    const short = drawDigits({ count: 23, seed: 4 });
    expect(long.images.subarray(0, 23 * PIXELS)).toEqual(short.images);
    expect(long.labels.subarray(0, 23)).toEqual(short.labels);
    expect(drawDigits({ count: 0, seed: 4 })).toEqual({
      images: new Uint8Array(0),
      labels: new Uint8Array(0),
    });
  });

  test("every ten labels hold every digit, in changing order", () => {
    const { labels } = drawDigits({ count: 100, seed: 1 });
    const tens = Array.from({ length: 10 }, (_, i) => Array.from(labels.subarray(10 * i, 10 * i + 10)));
    for (const ten of tens) expect([...ten].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(new Set(tens.map(String)).size).toBe(10);
  });

  test("each image is a bright digit on a dark sheet, and no two are alike", () => {
    const { images } = drawDigits({ count: 1000, seed: 6 });
    const seen = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const image = images.subarray(i * PIXELS, (i + 1) * PIXELS);
      const sorted = Uint8Array.from(image).sort();
      expect(sorted[PIXELS >> 1], `median of image ${i}`).toBeLessThan(60);
      expect(sorted[PIXELS - 12], `12th brightest of image ${i}`).toBeGreaterThan(100);
      seen.add(hashOf(image));
    }
    expect(seen.size).toBe(1000);
  });

  test("refuses counts and seeds that are none", () => {
    for (const count of [-1, 1.5, Number.NaN, 3_000_000]) {
      expect(() => drawDigits({ count, seed: 1 })).toThrow(RangeError);
    }
    expect(() => drawDigits({ count: 1, seed: 0.5 })).toThrow(RangeError);
  });
});

describe("how hard the digits are", () => {
  const train = drawDigits({ count: 10_000, seed: 1 });
  const held = drawDigits({ count: 3000, seed: 2 });

  /** Share of the held-out images whose highest score is that of their label. */
  function accuracy(weights: Float64Array, bias: Float64Array): number {
    const scores = new Float64Array(10);
    let right = 0;
    held.labels.forEach((label, i) => {
      scoresOf(held.images.subarray(i * PIXELS, (i + 1) * PIXELS), weights, bias, scores);
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    });
    return right / held.labels.length;
  }

  function scoresOf(
    x: ArrayLike<number>,
    weights: Float64Array,
    bias: Float64Array,
    scores: Float64Array,
  ): void {
    for (let c = 0; c < 10; c++) {
      let sum = bias[c];
      for (let p = 0, w = c * PIXELS; p < PIXELS; p++, w++) sum += weights[w] * x[p];
      scores[c] = sum;
    }
  }

  test("classes differ, but the nearest class mean does not tell them", () => {
    const means = new Float64Array(10 * PIXELS);
    train.images.forEach((value, i) => {
      means[train.labels[Math.floor(i / PIXELS)] * PIXELS + (i % PIXELS)] += value / 1000;
    });
    // |x - m|^2 is least where m.x - |m|^2 / 2 is greatest.
    const bias = Float64Array.from({ length: 10 }, (_, c) => {
      return means.subarray(c * PIXELS, (c + 1) * PIXELS).reduce((sum, m) => sum - (m * m) / 2, 0);
    });
    const share = accuracy(means, bias);
    console.log(`nearest class mean: ${(100 * share).toFixed(1)} %`);
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.95);
  });

  test("softmax regression on 10,000 images learns, and stays below 95 %", () => {
    const x = applyScale(train.images, 1 / 255, 0);
    const weights = new Float64Array(10 * PIXELS);
    const bias = new Float64Array(10);
    const scores = new Float64Array(10);
    const order = Uint32Array.from({ length: 10_000 }, (_, i) => i);
    const random = createRandom(1);
    const epochs = 12;
    let best = 0;
    for (let epoch = 0; epoch < epochs; epoch++) {
      const rate = 0.02 * (1 - epoch / epochs); // a rate that falls to 0 lets plain SGD settle
      for (const i of random.shuffle(order)) {
        const image = x.subarray(i * PIXELS, (i + 1) * PIXELS);
        scoresOf(image, weights, bias, scores);
        const top = Math.max(...scores);
        const exps = scores.map((score) => Math.exp(score - top));
        const sum = exps.reduce((a, b) => a + b);
        for (let c = 0; c < 10; c++) {
          const step = rate * (exps[c] / sum - Number(c === train.labels[i]));
          bias[c] -= step;
          if (Math.abs(step) < 1e-6) continue;
          for (let p = 0, w = c * PIXELS; p < PIXELS; p++, w++) weights[w] -= step * image[p];
        }
      }
      // Held-out images are bytes, the weights were learned on bytes / 255.
      best = Math.max(
        best,
        accuracy(
          weights,
          bias.map((b) => b * 255),
        ),
      );
    }
    console.log(`softmax regression, best of ${epochs} epochs: ${(100 * best).toFixed(1)} %`);
    expect(best).toBeGreaterThan(0.85);
    expect(best).toBeLessThan(0.95);
  });
});
