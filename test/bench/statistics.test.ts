import { expect, test } from "vitest";
import { median, percentile, summarize } from "../../bench/statistics.js";

test("median: the middle one, or between the two in the middle, in any order", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([10, 1, 3, 2])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test("percentile: nearest rank", () => {
  const numbers = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(percentile(numbers, 0.95)).toBe(95);
  expect(percentile(numbers, 1)).toBe(100);
  expect(percentile([5, 1, 9], 0.95)).toBe(9);
  expect(() => percentile(numbers, 0)).toThrow(RangeError);
  expect(() => percentile(numbers, 1.1)).toThrow(RangeError);
});

test("summarize: the ratio is the median of the rounds' ratios", () => {
  // Ratios 10, 10, 2: the medians alone (20 and 40) would say 2.
  const rounds = [
    { subjectMs: 1, peerMs: 10 },
    { subjectMs: 20, peerMs: 200 },
    { subjectMs: 20, peerMs: 40 },
  ];
  expect(summarize(rounds)).toEqual({
    subjectMs: 20,
    subjectP95Ms: 20,
    peerMs: 40,
    peerP95Ms: 200,
    ratio: 10,
  });
  expect(() => summarize([])).toThrow(RangeError);
});
