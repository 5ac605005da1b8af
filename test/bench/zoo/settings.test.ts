import { expect, test } from "vitest";
import { parseArguments } from "../../../bench/zoo/settings.js";

test("settings: options of compress, as words and as JSON", () => {
  expect(parseArguments([]).settings).toEqual([{ name: "default", options: {} }]);
  const words = [
    "--set",
    "activations=mse",
    "--set",
    "biasCorrection=false",
    "--options",
    '{"percentile":99.9}',
  ];
  const [{ name, options }] = parseArguments(words).settings;
  expect(options).toEqual({ activations: "mse", biasCorrection: false, percentile: 99.9 });
  expect(name).toBe("activations=mse biasCorrection=false percentile=99.9");
});

test("settings: models by parts of their names, and what to show", () => {
  expect(parseArguments(["--only", "kws,generated", "--layers", "--no-plain"])).toMatchObject({
    only: ["kws", "generated"],
    withLayers: true,
    withPlain: false,
  });
});

test.each([
  [["--fast"], "unknown word --fast"],
  [["--set"], "--set: wanted a value, got nothing"],
  [["--set", "activations"], "--set: wanted KEY=VALUE, got activations"],
  [["--options", "{"], "--options: wanted JSON"],
])("settings: %j is refused", (words, message) => {
  expect(() => parseArguments(words)).toThrow(message);
});
