import { expect, test } from "vitest";
import {
  activationOf,
  activationTable,
  isActivationNumber,
  needsTable,
  withoutActivation,
} from "../../src/compress/activation.js";
import { hasIntegerForm, unaryFunctionNames, unaryFunctions } from "../../src/graph/index.js";
import { node } from "../graph/helpers.js";

test.each(unaryFunctionNames.filter(hasIntegerForm))(
  "the table of %s is the function between codes, to half a code",
  (fn) => {
    const [input, output] = [
      { scale: 0.05, zero: 60 },
      { scale: 0.04, zero: 40 },
    ];
    const { data, shape, dtype } = activationTable(node("n", "unary", "x", { attrs: { fn } }), input, output);
    expect({ shape, dtype }).toEqual({ shape: [128], dtype: "u7" });
    for (let code = 0; code < 128; code++) {
      const real = unaryFunctions[fn]((code - 60) * 0.05);
      const clamped = Math.min(Math.max(real, -40 * 0.04), 87 * 0.04);
      expect(Math.abs((data[code] - 40) * 0.04 - clamped)).toBeLessThanOrEqual(0.0201);
    }
  },
);

test("a fused activation has its numbers with it", () => {
  const dense = node("n", "dense", "x", { attrs: { activation: "leakyRelu", alpha: 0.5 } });
  const table = activationTable(dense, { scale: 1, zero: 64 }, { scale: 1, zero: 64 });
  expect(table.data[44]).toBe(54);
  expect(activationOf(dense)).toBe("leakyRelu");
  expect(isActivationNumber(dense, "alpha")).toBe(true);
  expect(withoutActivation({ ...dense, attrs: { ...dense.attrs, other: 3 } })).toEqual({ other: 3 });
});

test("functions that overflow f64 saturate", () => {
  const { data } = activationTable(
    node("n", "unary", "x", { attrs: { fn: "selu" } }),
    { scale: 1e30, zero: 64 },
    { scale: 1, zero: 2 },
  );
  expect([data[0], data[64], data[127]]).toEqual([0, 2, 127]);
});

test("relus are bounds, others are tables", () => {
  const needing = unaryFunctionNames.filter((fn) => needsTable(node("n", "unary", "x", { attrs: { fn } })));
  expect(needing).not.toContain("relu");
  expect(needing).not.toContain("relu6");
  expect(needing).not.toContain("linear");
  expect(needing).toHaveLength(unaryFunctionNames.length - 3);
});
