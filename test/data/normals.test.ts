import { expect, test } from "vitest";
import { createRandom } from "../../src/data/index.js";
import { drawNormal } from "../../src/data/normals.js";

test("as many numbers lie beyond each bound as the bell says, on both sides", () => {
  const random = createRandom(12);
  const count = 500_000;
  // Shares above, from tables of the normal distribution; 3.7 is in the tail, which is drawn in its own way.
  const bounds = [
    [0, 0.5],
    [0.3, 0.38209],
    [1, 0.158655],
    [2, 0.02275],
    [3, 0.0013499],
    [3.7, 0.0001078],
  ];
  const above = bounds.map(() => [0, 0]);
  for (let i = 0; i < count; i++) {
    const z = drawNormal(random);
    bounds.forEach(([bound], k) => {
      if (z > bound) above[k][0] += 1;
      if (-z > bound) above[k][1] += 1;
    });
  }
  bounds.forEach(([bound, share], k) => {
    const deviation = Math.sqrt(count * share * (1 - share));
    for (const found of above[k]) {
      expect(Math.abs(found - count * share), `beyond ${bound}`).toBeLessThan(4 * deviation);
    }
  });
});
