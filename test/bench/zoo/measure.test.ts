import { expect, test } from "vitest";
import { missedBars, missedByGenerated } from "../../../bench/zoo/bars.js";
import { closeness, type ModelRow, type OutputRow } from "../../../bench/zoo/measure.js";
import type { ZooModel } from "../../../bench/zoo/model.js";

test("closeness: errors over all squares and over those around the means of columns", () => {
  const wanted = Float32Array.of(10, 1, 12, 3);
  const { relativeRms, ofSpread, cosine, sqnr } = closeness(wanted, Float32Array.of(11, 1, 12, 2), 2);
  const power = 100 + 1 + 144 + 9;
  expect(relativeRms).toBeCloseTo(Math.sqrt(2 / power), 6);
  // Columns are 10, 12 and 1, 3: each is 1 away from its mean.
  expect(ofSpread).toBeCloseTo(Math.sqrt(2 / 4), 6);
  expect(cosine).toBeCloseTo((110 + 1 + 144 + 6) / Math.sqrt(power * (121 + 1 + 144 + 4)), 6);
  expect(sqnr).toBeCloseTo(10 * Math.log10(power / 2), 6);
});

test("closeness: nothing is off where values are the same", () => {
  const wanted = Float32Array.of(1, 2, 3);
  expect(closeness(wanted, wanted, 1)).toMatchObject({ relativeRms: 0, ofSpread: 0, sqnr: Infinity });
  expect(closeness(wanted, wanted, 1).cosine).toBeCloseTo(1, 6);
});

const output = (row: Partial<OutputRow> = {}): OutputRow => ({
  set: "",
  output: "y",
  relativeRms: 0.05,
  ofSpread: 0.05,
  cosine: 0.999,
  sqnr: 26,
  ...row,
});

const rowOf = (family: ModelRow["family"], ...outputs: OutputRow[]): ModelRow => ({
  name: "net",
  family,
  layers: 1,
  macs: 1,
  outputs,
  shares: { u7: 1, twoPlanes: 0, f32: 0 },
  seconds: 1,
  milliseconds: 1,
});

const model = (bars: ZooModel["bars"]): ZooModel => ({
  name: "net",
  family: "shared",
  bars,
  artifacts: () => Promise.reject(new Error("not opened here")),
  samples: () => Promise.reject(new Error("not opened here")),
});

test("bars: what a shared model misses is said by output, but for outputs that are excepted", () => {
  const far = output({ output: "presence", relativeRms: 36, cosine: 0.5 });
  const row = rowOf("shared", output(), far);
  expect(missedBars(model({}), row)).toEqual([
    "net presence: cosine 0.5000, asked: 0.99",
    "net presence: relative RMS 36.0000, asked: 0.1",
  ]);
  expect(missedBars(model({ excepted: { presence: "no hands" } }), row)).toEqual([]);
});

test("bars: agreement by set, and accuracy", () => {
  const bars = { agreement: { images: 1 }, accuracy: 0.914 };
  const row = rowOf(
    "shared",
    output({ set: "images", agreement: 0.95 }),
    output({ set: "crops", agreement: 0.95, accuracy: { f32: 0.92, int8: 0.913 } }),
  );
  expect(missedBars(model(bars), row)).toEqual([
    "net images y: top-1 as f32 95.00 %, asked: 100.00 %",
    "net crops y: 91.30 % right, asked: 91.40 %",
  ]);
});

test("bars: generated nets together, and each beside plain min-max", () => {
  const rows = [rowOf("generated", output({ relativeRms: 0.08 }))];
  expect(missedByGenerated(rows, [rowOf("generated", output({ relativeRms: 0.07 }))])).toEqual([
    "net: relative RMS 0.0800, plain min-max 0.0700",
    "generated nets: mean relative RMS 0.0800, asked: 0.05",
  ]);
  expect(missedByGenerated([rowOf("generated", output())], [])).toEqual([]);
});
