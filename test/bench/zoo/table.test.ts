import { expect, test } from "vitest";
import type { ModelRow } from "../../../bench/zoo/measure.js";
import { formatHead, formatModel, formatSummary } from "../../../bench/zoo/table.js";

const row = (name: string, relativeRms: number): ModelRow => ({
  name,
  family: "generated",
  layers: 3,
  macs: 2.5e6,
  outputs: [
    { set: "", output: "y", relativeRms, ofSpread: relativeRms, cosine: 0.995, sqnr: 20, agreement: 0.875 },
  ],
  shares: { u7: 0.75, twoPlanes: 0.25, f32: 0 },
  seconds: 1.5,
  milliseconds: 0.25,
});

test("table: settings stand side by side, and one that did not try a model leaves its columns empty", () => {
  const lines = formatModel("net", [undefined, row("net", 0.0625)]).split("\n");
  expect(lines[0]).toBe("net: 3 layers, 2.5 M MACs");
  expect(lines[1]).toMatch(/^ {2}y +- +0\.0625 {2}0\.9950 {2}20\.0 {2}87\.5/);
  expect(lines[2]).toMatch(/75\/25\/0 %, 1\.5 s, 0\.3 ms/);
  const head = formatHead([
    { name: "a", options: {}, rows: [] },
    { name: "b", options: {}, rows: [] },
  ]).split("\n");
  expect(head[0].indexOf("b") - head[0].indexOf("a")).toBe(32);
});

test("table: the summary counts the models of this run alone", () => {
  const tried = [{ name: "before", options: {}, rows: [row("net", 0.1), row("other", 9)] }];
  const text = formatSummary("generated", tried, ["net"]);
  expect(text).toContain("mean 0.1000");
  expect(text).toContain("worst 0.1000 (net y)");
  expect(formatSummary("shared", tried, ["net"])).toBe("");
});
