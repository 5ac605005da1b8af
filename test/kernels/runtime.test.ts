import { describe, expect, test } from "vitest";
import { unaryFunctionNames } from "../../src/graph/index.js";
import { unary } from "../../src/kernels/reference/runtime/math.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { floatCases } from "./float-suite.js";
import { planeCases } from "./plane-suite.js";
import { runtimeCases } from "./runtime-suite.js";
import { variantsHere } from "./variants.js";

describe.each(variantsHere(runtimeSet))("%s equals the reference", (variant) => {
  test.each([...runtimeCases, ...planeCases, ...floatCases].map((item) => [item.name, item] as const))(
    "%s",
    (_name, item) => {
      item.run(variant);
    },
  );
});

test("every function of the graph has its number in the kernel", () => {
  expect(unary).toHaveLength(unaryFunctionNames.length);
});
