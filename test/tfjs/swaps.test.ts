import { expect, test } from "vitest";
import { Swaps } from "../../src/tfjs/swaps.js";

class Counter {
  step = 1;
  sum = 0;
  add(): number {
    this.sum += this.step;
    return this.sum;
  }
}

test("methods are replaced and put back, the last first, and know their object", () => {
  const counter = new Counter();
  const swaps = new Swaps();
  swaps.replace(counter, "add", (add) => () => 10 * add());
  swaps.replace(counter, "add", (add) => () => -add());
  swaps.replace(counter, "step", (step) => step + 1);
  expect(counter.add()).toBe(-20);
  swaps.undo();
  expect(counter.add()).toBe(3);
  expect(Object.keys(counter)).toEqual(["step", "sum"]);
  swaps.undo();
  expect(counter.add()).toBe(4);
});
