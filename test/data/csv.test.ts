import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  categoricalColumn,
  csvMatrix,
  numericColumn,
  oneHot,
  parseCsv,
  parseNumber,
} from "../../src/data/index.js";
import { expectRefusal, sharedData } from "./support.js";

describe("parseCsv", () => {
  test("quotes, doubled quotes, separators and line ends inside them, CRLF, no last line end", () => {
    const table = parseCsv('name,"a ""b"", c"\r\n"x\r\ny",1\r\n"",-2.5e1');
    expect(table.header).toEqual(["name", 'a "b", c']);
    expect(table.rows).toEqual([
      ["x\r\ny", "1"],
      ["", "-2.5e1"],
    ]);
    expect(table.lines).toEqual([2, 4]);
  });

  test("a header is detected by its words over numbers", () => {
    expect(parseCsv("sex,length\nM,0.4\n").header).toEqual(["sex", "length"]);
    expect(parseCsv("clip.bin,12,7\nother.bin,12,2\n").header).toBeNull(); // numbers in the first row
    expect(parseCsv("a,b\nc,d\n").header).toBeNull(); // no number below: a row like the others
    expect(parseCsv("a,a\n1,2\n").header).toBeNull(); // names would differ
    expect(parseCsv("a,b\nc,d\n", { header: true }).header).toEqual(["a", "b"]);
    expect(parseCsv("a,b\n1,2\n", { header: false }).rows.length).toBe(2);
  });

  test("byte order mark, blank last lines, empty last cells, another separator", () => {
    expect(parseCsv("\ufeffa;b\n1;\n\n\r\n", { separator: ";", header: true }).rows).toEqual([["1", ""]]);
  });

  test.each([
    ["csv-quote", 'a,b\n1,"2', undefined],
    ["csv-quote", 'a,b\n1,2"3"', undefined],
    ["csv-quote", 'a,b\n"1"2,3', undefined],
    ["csv-newline", "a,b\r1,2", undefined],
    ["csv-columns", "1,2\n3\n", undefined],
    ["csv-columns", "1,2\n\n3,4\n", undefined],
    ["csv-columns", "1,2\n3,4,5\n", undefined],
    ["csv-header", "a,\n1,2\n", true],
    ["csv-header", "a,a\n1,2\n", true],
    ["csv-empty", "", undefined],
    ["csv-empty", "\n\n", undefined],
    ["csv-empty", "a,b\n", true],
  ])("refuses %s: %j", (code, text, header) => {
    expectRefusal(code, () => parseCsv(text, header === undefined ? {} : { header }));
  });

  test("errors say the line, counting those inside quotes", () => {
    expect(() => parseCsv('1,"2\n2\n2"\n3,4\n5\n')).toThrow("csv line 5: want 2 cells, got 1");
    expect(() => parseCsv("1", { separator: "::" })).toThrow(RangeError);
  });

  test("and the column, which counts from 1 too", () => {
    expect(() => parseCsv('a,b\n1,2"3"')).toThrow("csv line 2, column 2: a quote inside a bare cell");
    expect(() => parseCsv('"a"b,c')).toThrow("csv line 1, column 1: text after a closing quote");
    expect(() => parseCsv('1,2\n3,4,"5')).toThrow("csv line 2, column 3: a quote that is never closed");
    expect(() => parseCsv("a,\n1,2\n", { header: true })).toThrow("csv line 1: column 2 has no name");
    const plain = parseCsv("1,x\n2,y\n");
    expect(() => numericColumn(plain, 1)).toThrow('csv line 1, column 2: want a number, got "x"');
    expect(() => categoricalColumn(plain, 1, ["x"])).toThrow('csv line 2, column 2: want one of x, got "y"');
  });

  test("property: a cell that is no number is named by the line and the column that an editor shows", () => {
    const size = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(size, size, fc.nat(), fc.nat(), (rows, columns, row, column) => {
        const [r, c] = [row % rows, column % columns];
        const lines = Array.from({ length: rows }, (_, i) =>
          Array.from({ length: columns }, (_, j) => (i === r && j === c ? "oops" : `${i + j}`)).join(","),
        );
        const table = parseCsv(lines.join("\n"), { header: false });
        const place = `csv line ${r + 1}, column ${c + 1}: `;
        expect(() => csvMatrix(table)).toThrow(place);
      }),
    );
  });

  test("numbers are decimal and finite", () => {
    expect(["1", " -2.5 ", ".5", "5.", "+1e-3"].map(parseNumber)).toEqual([1, -2.5, 0.5, 5, 0.001]);
    for (const cell of ["", " ", "0x10", "1_000", "1,5", "NaN", "Infinity", "1e999", "1e", "--1"]) {
      expect(parseNumber(cell), cell).toBeNaN();
    }
  });
});

describe("columns", () => {
  const table = parseCsv("sex,length\nM,0.5\nF,1\nI,2\nM,3\n");

  test("numeric, categorical, one-hot, matrix", () => {
    expect(numericColumn(table, "length")).toEqual(Float64Array.of(0.5, 1, 2, 3));
    expect(categoricalColumn(table, 0)).toEqual({ codes: Int32Array.of(2, 0, 1, 2), names: ["F", "I", "M"] });
    expect(categoricalColumn(table, "sex", ["M", "F", "I"]).codes).toEqual(Int32Array.of(0, 1, 2, 0));
    expect(oneHot([1, 0], 2)).toEqual(Float32Array.of(0, 1, 1, 0));
    expect(csvMatrix(table, ["length", { column: "sex", categories: ["M", "F", "I"] }])).toEqual({
      shape: [4, 4],
      dtype: "float64",
      names: ["length", "sex=M", "sex=F", "sex=I"],
      data: Float64Array.of(0.5, 1, 0, 0, 1, 0, 1, 0, 2, 0, 0, 1, 3, 1, 0, 0),
    });
  });

  test("refusals name line, column and cell", () => {
    expectRefusal("csv-column", () => numericColumn(table, "width"));
    expectRefusal("csv-column", () => numericColumn(table, 2));
    expectRefusal("csv-number", () => csvMatrix(table));
    expect(() => numericColumn(table, "sex")).toThrow('csv line 2, column sex: want a number, got "M"');
    expectRefusal("csv-category", () => categoricalColumn(table, "sex", ["M", "F"]));
    expect(() => oneHot([2], 2)).toThrow(RangeError);
    expect(() => oneHot([0.5], 2)).toThrow(RangeError);
  });
});

const abalone = sharedData("abalone");

test.skipIf(abalone === null)("abalone: 4,176 rows, one-hot sex, rings to predict", () => {
  const table = parseCsv(readFileSync(join(abalone as string, "abalone.csv"), "utf8"));
  expect(table.header?.[8]).toBe("rings");
  const x = csvMatrix(table, [{ column: "sex" }, "length", "diameter", "height", "weight.w"]);
  expect(x.shape).toEqual([4176, 7]);
  expect(x.names.slice(0, 3)).toEqual(["sex=F", "sex=I", "sex=M"]);
  expect(Array.from(x.data.subarray(0, 7))).toEqual([0, 0, 1, 0.455, 0.365, 0.095, 0.514]);
  const rings = numericColumn(table, "rings");
  expect([Math.min(...rings), Math.max(...rings)]).toEqual([1, 29]);
});
