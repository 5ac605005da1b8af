import { expect, test } from "vitest";
import { matchAll, matchExact, matchRelative, matchWithin } from "../../bench/match.js";

test("exact: one wrong element, length or sign of zero is a mismatch", () => {
  expect(matchExact("codes", [1, 2], [1, 2]).matched).toBe(true);
  expect(matchExact("codes", [Number.NaN], [Number.NaN]).matched).toBe(true);
  expect(matchExact("codes", [0], [-0]).matched).toBe(false);
  expect(matchExact("codes", [1, 2], [1, 2, 3]).matched).toBe(false);
  expect(matchExact("codes", [1, 3], [1, 2])).toEqual({
    matched: false,
    detail: "codes: element 1: wanted 2, got 3",
  });
});

test("within: the bound itself is fine, past it and NaN are not", () => {
  expect(matchWithin("y", [1, 2.5], [1, 2], 0.5).matched).toBe(true);
  expect(matchWithin("y", [1, 2.51], [1, 2], 0.5).matched).toBe(false);
  expect(matchWithin("y", [Number.NaN], [1], 0.5).matched).toBe(false);
  expect(matchWithin("y", [1], [1, 1], 0.5).matched).toBe(false);
});

test("relative: root mean square error over root mean square", () => {
  expect(matchRelative("y", [3, 4.5], [3, 4], 0.1).matched).toBe(true);
  expect(matchRelative("y", [3, 4.51], [3, 4], 0.1).matched).toBe(false);
  expect(matchRelative("y", [Number.NaN, 4], [3, 4], 0.1).matched).toBe(false);
});

test("all: one that failed fails, and its detail is what is said", () => {
  const good = { matched: true, detail: "equal" };
  const bad = { matched: false, detail: "wrong" };
  expect(matchAll(good, good)).toEqual({ matched: true, detail: "equal; equal" });
  expect(matchAll(good, bad)).toEqual(bad);
});
