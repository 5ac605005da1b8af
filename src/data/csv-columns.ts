// From the text cells of a CSV table to numbers: pick columns, map categories to codes, one-hot them.

import { FormatError } from "../file/errors.js";
import { type CsvTable, parseNumber } from "./csv.js";
import type { NdArray } from "./ndarray.js";

/** A column by its name or its index from 0. */
export type ColumnKey = string | number;

export interface Categories {
  /** For each row, the index of its cell in `names`. */
  readonly codes: Int32Array;
  readonly names: readonly string[];
}

/** A numeric column, or a categorical one that becomes a 0/1 column for each of its categories. */
export type ColumnChoice =
  | ColumnKey
  | { readonly column: ColumnKey; readonly categories?: readonly string[] };

/** The index of a column; throws FormatError `csv-column` where the table has none such. */
export function columnIndex(table: CsvTable, key: ColumnKey): number {
  const width = table.rows[0].length;
  const index = typeof key === "number" ? key : (table.header?.indexOf(key) ?? -1);
  if (!Number.isInteger(index) || index < 0 || index >= width) {
    const has = table.header ? table.header.join(", ") : `${width} columns without names`;
    throw new FormatError("csv-column", `csv: no column ${JSON.stringify(key)}; the table has ${has}`);
  }
  return index;
}

/**
 * The numbers of a column.
 *
 * @param table from `parseCsv`
 * @param key name or index
 * @returns one f64 a row
 * @throws FormatError `csv-column`, or `csv-number` with the line of the first cell that is no finite number
 */
export function numericColumn(table: CsvTable, key: ColumnKey): Float64Array {
  const column = columnIndex(table, key);
  return Float64Array.from(table.rows, (row, i) => {
    const value = parseNumber(row[column]);
    if (Number.isNaN(value)) {
      const name = table.header?.[column] ?? column + 1;
      throw new FormatError(
        "csv-number",
        `csv line ${table.lines[i]}, column ${name}: want a number, got ${JSON.stringify(row[column])}`,
      );
    }
    return value;
  });
}

/**
 * The categories of a column as codes.
 *
 * @param table from `parseCsv`
 * @param key name or index
 * @param names the categories in the order of their codes; unless given, those found, sorted by code unit
 * @returns codes and names
 * @throws FormatError `csv-column`, or `csv-category` with the line of a cell that is not among `names`
 */
export function categoricalColumn(table: CsvTable, key: ColumnKey, names?: readonly string[]): Categories {
  const column = columnIndex(table, key);
  const known = names ?? [...new Set(table.rows.map((row) => row[column]))].sort();
  const codeOf = new Map(known.map((name, code) => [name, code]));
  const codes = Int32Array.from(table.rows, (row, i) => {
    const code = codeOf.get(row[column]);
    if (code === undefined) {
      throw new FormatError(
        "csv-category",
        `csv line ${table.lines[i]}, column ${table.header?.[column] ?? column + 1}: want one of ${known.join(", ")}, got ${JSON.stringify(row[column])}`,
      );
    }
    return code;
  });
  return { codes, names: known };
}

/**
 * Codes as rows of 0 and a single 1.
 *
 * @param codes each an integer in [0, classes)
 * @param classes at least 1
 * @returns f32[codes.length * classes]
 * @throws RangeError where a code is outside
 */
export function oneHot(codes: ArrayLike<number>, classes: number): Float32Array {
  const rows = new Float32Array(codes.length * classes);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (!Number.isInteger(code) || code < 0 || code >= classes) {
      throw new RangeError(`oneHot: a code is in [0,${classes}), got ${code}`);
    }
    rows[i * classes + code] = 1;
  }
  return rows;
}

/**
 * Chosen columns side by side.
 *
 * @param table from `parseCsv`
 * @param choices in the order wanted; all columns, as numbers, unless given
 * @returns float64[rows, width] and a name for each of its columns ("sex=M" for a category)
 * @throws FormatError as `numericColumn` and `categoricalColumn` do
 */
export function csvMatrix(table: CsvTable, choices?: readonly ColumnChoice[]): NdArray & { names: string[] } {
  const chosen = choices ?? table.rows[0].map((_, column) => column);
  const names: string[] = [];
  const columns: ArrayLike<number>[] = [];
  for (const choice of chosen) {
    const key = typeof choice === "object" ? choice.column : choice;
    const name = String(table.header?.[columnIndex(table, key)] ?? key);
    if (typeof choice !== "object") {
      names.push(name);
      columns.push(numericColumn(table, key));
      continue;
    }
    const categories = categoricalColumn(table, key, choice.categories);
    categories.names.forEach((category, code) => {
      names.push(`${name}=${category}`);
      columns.push(categories.codes.map((found) => Number(found === code)));
    });
  }
  const data = new Float64Array(table.rows.length * columns.length);
  columns.forEach((column, c) => {
    for (let row = 0; row < table.rows.length; row++) data[row * columns.length + c] = column[row];
  });
  return { shape: [table.rows.length, columns.length], data, dtype: "float64", names };
}
