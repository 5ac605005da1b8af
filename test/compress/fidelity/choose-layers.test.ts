import { expect, test } from "vitest";
import { chooseLayers } from "../../../src/compress/fidelity/choose-layers.js";

const layer = (name: string, y: number, z = 0) => ({ name, errors: new Map(Object.entries({ y, z })) });
const layers = [layer("a", 0.01), layer("b", 0.04), layer("c", 0.04), layer("d", 0, 0.01)];

test("takes the layers that hurt most for what they cost, as many as are needed", () => {
  const cost: Record<string, number> = { a: 0.1, b: 1, c: 0.1, d: 0.1 };
  const choose = (allowed: number, measured = { y: 0.09, z: 0 }) =>
    [
      ...chooseLayers({
        layers,
        chosen: new Set(),
        measured: new Map(Object.entries(measured)),
        allowed,
        costOf: (name) => cost[name],
      }),
    ].sort();
  expect(choose(0.06)).toEqual(["c"]);
  expect(choose(0.045)).toEqual(["a", "c"]);
  expect(choose(0.001)).toEqual(["a", "b", "c"]);
  // Measured twice as much as foretold: each layer counts twice.
  expect(choose(0.11, { y: 0.18, z: 0 })).toEqual(["c"]);
  expect(choose(0.045, { y: 0.09, z: 0.1 })).toEqual(["a", "c", "d"]);
});

test("takes one more where nothing is foretold to help, and stops where none is left", () => {
  const problem = { layers, measured: new Map([["y", 1]]), allowed: 0.5, costOf: () => 1 };
  expect(chooseLayers({ ...problem, chosen: new Set(["b", "c", "a"]) }).size).toBe(4);
  const all = new Set(["a", "b", "c", "d"]);
  expect(chooseLayers({ ...problem, chosen: all })).toEqual(all);
});
