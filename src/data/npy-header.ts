// The header of a .npy file is a Python dict literal. This reads exactly the literals NumPy writes, and
// evaluates nothing: three known keys, strings without escapes, True or False, tuples of integers.
//
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import { FormatError } from "../file/errors.js";

export interface NpyHeader {
  /** The dtype as written, like "<f4". */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: number[];
}

/**
 * Parses the dict literal of a .npy header.
 *
 * @param text the header without magic and length, padding included
 * @returns its three fields
 * @throws FormatError `npy-header` where it is no such dict, `npy-dtype` for a structured dtype
 */
export function parseNpyHeader(text: string): NpyHeader {
  const cursor = new Cursor(text);
  let descr: string | undefined;
  let fortranOrder: boolean | undefined;
  let shape: number[] | undefined;

  cursor.expect("{");
  while (!cursor.accept("}")) {
    const key = cursor.string();
    cursor.expect(":");
    if (key === "descr" && descr === undefined) descr = descrOf(cursor);
    else if (key === "fortran_order" && fortranOrder === undefined) fortranOrder = cursor.boolean();
    else if (key === "shape" && shape === undefined) shape = cursor.tuple();
    else throw cursor.error(`key "${key}" is unknown or repeated`);
    if (!cursor.accept(",")) {
      cursor.expect("}");
      break;
    }
  }
  cursor.end();
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    throw cursor.error("descr, fortran_order and shape must all be there");
  }
  return { descr, fortranOrder, shape };
}

function descrOf(cursor: Cursor): string {
  if (cursor.accept("[")) {
    throw new FormatError("npy-dtype", "npy: structured dtypes are not read, only plain numbers");
  }
  return cursor.string();
}

/** A place in the header, and the few literals that may stand there. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  error(what: string): FormatError {
    return new FormatError("npy-header", `npy header, character ${this.#at}: ${what}`);
  }

  accept(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.accept(character)) {
      throw this.error(`want ${character}, got ${JSON.stringify(this.#text.slice(this.#at, this.#at + 12))}`);
    }
  }

  string(): string {
    return this.#match(
      /(?:'([\x20-\x26\x28-\x5b\x5d-\x7e]*)'|"([\x20\x21\x23-\x5b\x5d-\x7e]*)")/y,
      "a string",
    );
  }

  boolean(): boolean {
    return this.#match(/(True|False)/y, "True or False") === "True";
  }

  tuple(): number[] {
    const values: number[] = [];
    let commas = 0;
    this.expect("(");
    while (!this.accept(")")) {
      values.push(this.#integer());
      if (!this.accept(",")) {
        this.expect(")");
        break;
      }
      commas++;
    }
    // (3) is a number in Python; a tuple of one is (3,).
    if (values.length === 1 && commas === 0) throw this.error("a shape of one size is written (n,)");
    return values;
  }

  end(): void {
    this.#skipSpace();
    if (this.#at !== this.#text.length) throw this.error("text after the closing brace");
  }

  #integer(): number {
    // Python 2 wrote long sizes as 3L.
    const value = Number(this.#match(/(0|[1-9][0-9]{0,15})L?/y, "a size of 0 or more"));
    if (!Number.isSafeInteger(value)) throw this.error(`size ${value} is above 2^53 - 1`);
    return value;
  }

  #match(pattern: RegExp, want: string): string {
    this.#skipSpace();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) throw this.error(`want ${want}`);
    this.#at = pattern.lastIndex;
    return found[1] ?? found[2] ?? "";
  }

  #skipSpace(): void {
    while (this.#at < this.#text.length && " \t\n".includes(this.#text[this.#at])) this.#at++;
  }
}
