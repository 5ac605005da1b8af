import { expect, test } from "vitest";
import { parseArguments } from "../../bench/arguments.js";

test("suites, in the order in which they run", () => {
  const everything = ["kernels", "models", "train", "size"];
  expect(parseArguments([])).toEqual({ suites: everything, isQuick: false, json: undefined });
  expect(parseArguments(["all"]).suites).toEqual(everything);
  expect(parseArguments(["size", "kernels"]).suites).toEqual(["kernels", "size"]);
});

test("options", () => {
  expect(parseArguments(["kernels", "--quick", "--json", "out.json"])).toEqual({
    suites: ["kernels"],
    isQuick: true,
    json: "out.json",
  });
});

test.each([[["kernel"]], [["--fast"]], [["--json"]], [["--json", "--quick"]]])("refuses %j", (words) => {
  expect(() => parseArguments(words)).toThrow(RangeError);
});
