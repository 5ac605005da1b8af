// CSV by RFC 4180, strictly: what is not in the RFC is refused with its line, not guessed at. Two kindnesses:
// a bare LF ends a line as CRLF does, and a byte order mark is skipped.

import { FormatError } from "../file/errors.js";

export interface CsvTable {
  /** Column names, or null where the file has none. */
  readonly header: readonly string[] | null;
  /** Every row has the same number of cells. */
  readonly rows: readonly (readonly string[])[];
  /** The line each row begins on, from 1: for messages. */
  readonly lines: readonly number[];
}

export interface CsvOptions {
  /** One character; "," unless given. */
  readonly separator?: string;
  /** Whether the first row names the columns. Unless given: it does where no cell of it is a number or
   *  empty, all differ, and the second row has a number. */
  readonly header?: boolean;
}

/**
 * Parses CSV.
 *
 * @param text the whole file
 * @param options separator and header
 * @returns header, rows and their lines
 * @throws FormatError `csv-quote` (stray or unclosed quote), `csv-newline` (a CR alone), `csv-columns` (a row
 *   longer or shorter than the first), `csv-header` (a name empty or repeated), `csv-empty` (no data row)
 */
export function parseCsv(text: string, options: CsvOptions = {}): CsvTable {
  const separator = options.separator ?? ",";
  if (separator.length !== 1 || '"\r\n'.includes(separator)) {
    throw new RangeError(`csv: the separator is one character, got ${JSON.stringify(separator)}`);
  }
  const { rows, lines } = splitRows(text.startsWith("\ufeff") ? text.slice(1) : text, separator);
  if (rows.length === 0) throw new FormatError("csv-empty", "csv: no rows");
  const width = rows[0].length;
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw new FormatError("csv-columns", `csv line ${lines[i]}: want ${width} cells, got ${row.length}`);
    }
  });
  if (!(options.header ?? looksLikeHeader(rows))) return { header: null, rows, lines };
  const header = rows[0];
  header.forEach((name, i) => {
    if (name === "") throw new FormatError("csv-header", `csv line ${lines[0]}: column ${i + 1} has no name`);
    if (header.indexOf(name) !== i) {
      throw new FormatError("csv-header", `csv line ${lines[0]}: two columns are named "${name}"`);
    }
  });
  if (rows.length === 1) throw new FormatError("csv-empty", "csv: a header and no rows");
  return { header, rows: rows.slice(1), lines: lines.slice(1) };
}

/** The number a cell holds, blanks around it allowed, or NaN: no hex, no "", no Infinity. */
export function parseNumber(cell: string): number {
  const trimmed = cell.trim();
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(trimmed)) return Number.NaN;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : Number.NaN;
}

function looksLikeHeader(rows: readonly (readonly string[])[]): boolean {
  const [first, second] = rows;
  if (second === undefined || new Set(first).size !== first.length) return false;
  const words = first.every((cell) => cell.trim() !== "" && Number.isNaN(parseNumber(cell)));
  return words && second.some((cell) => !Number.isNaN(parseNumber(cell)));
}

/** Cuts text into rows of cells: the one place that knows quotes and line ends. */
function splitRows(text: string, separator: string): { rows: string[][]; lines: number[] } {
  const rows: string[][] = [];
  const lines: number[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const row: string[] = [];
    lines.push(line);
    for (;;) {
      let cell: string;
      if (text[at] === '"') {
        const end = closingQuote(text, at, place(line, row));
        cell = text.slice(at + 1, end);
        for (const character of cell) if (character === "\n") line++;
        cell = cell.replaceAll('""', '"');
        at = end + 1;
        if (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") {
          throw new FormatError("csv-quote", `${place(line, row)}: text after a closing quote`);
        }
      } else {
        const begin = at;
        while (at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r") {
          if (text[at] === '"')
            throw new FormatError("csv-quote", `${place(line, row)}: a quote inside a bare cell`);
          at++;
        }
        cell = text.slice(begin, at);
      }
      row.push(cell);
      if (text[at] !== separator) break;
      at++;
    }
    rows.push(row);
    if (text[at] === "\r") {
      if (text[at + 1] !== "\n")
        throw new FormatError("csv-newline", `csv line ${line}: a CR without its LF`);
      at++;
    }
    at++;
    line++;
  }
  // Blank lines at the end are an editor's doing, not rows.
  while (rows.length > 0 && rows[rows.length - 1].length === 1 && rows[rows.length - 1][0] === "") {
    rows.pop();
    lines.pop();
  }
  return { rows, lines };
}

/** Where the cell after those of a row is: lines and columns count from 1. */
const place = (line: number, row: readonly string[]) => `csv line ${line}, column ${row.length + 1}`;

function closingQuote(text: string, open: number, where: string): number {
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] !== '"') continue;
    if (text[at + 1] !== '"') return at;
    at++; // a doubled quote stands for one
  }
  throw new FormatError("csv-quote", `${where}: a quote that is never closed`);
}
