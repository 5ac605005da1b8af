/** What a run keeps of itself between two steps: numbers and arrays by name, nested by prefix. */

import { FormatError } from "../file/index.js";
import { kindOf } from "../graph/index.js";
import type { PartState, StepPart } from "./step.js";

export interface SavedState {
  readonly numbers?: Readonly<Record<string, number>>;
  readonly arrays?: Readonly<Record<string, SavedArray>>;
}

export type SavedArray = Float32Array | Float64Array | Int32Array;

/** One state of several, the names of each behind its own prefix. */
export function joinStates(states: Readonly<Record<string, SavedState>>): {
  numbers: Record<string, number>;
  arrays: Record<string, SavedArray>;
} {
  const numbers: Record<string, number> = Object.create(null);
  const arrays: Record<string, SavedArray> = Object.create(null);
  for (const [prefix, state] of Object.entries(states)) {
    for (const [name, value] of Object.entries(state.numbers ?? {})) numbers[`${prefix}/${name}`] = value;
    for (const [name, values] of Object.entries(state.arrays ?? {})) arrays[`${prefix}/${name}`] = values;
  }
  return { numbers, arrays };
}

/** The state that was joined under a prefix; an empty one where there was none. */
export function splitState(state: SavedState, prefix: string): SavedState {
  const inside = <T>(all: Readonly<Record<string, T>> = {}): Record<string, T> =>
    Object.fromEntries(
      Object.entries(all)
        .filter(([name]) => name.startsWith(`${prefix}/`))
        .map(([name, value]) => [name.slice(prefix.length + 1), value]),
    );
  return { numbers: inside(state.numbers), arrays: inside(state.arrays) };
}

/** The states of all parts, for `joinStates`, and back to them. */
export function partStates(parts: readonly StepPart[]): Record<string, SavedState> {
  return Object.fromEntries(parts.map((part) => [prefixOf(part), part.state?.() ?? {}]));
}

export function restoreParts(parts: readonly StepPart[], state: SavedState): void {
  for (const part of parts) part.restore?.(splitState(state, prefixOf(part)) as PartState);
}

const prefixOf = ({ name }: StepPart) => `part ${name}`;

/** @throws FormatError state-missing */
export function numberIn(state: SavedState, name: string): number {
  const value = state.numbers?.[name];
  if (value === undefined) throw new FormatError("state-missing", `${name}: wanted a number, got none`);
  return value;
}

/** @throws FormatError state-missing, state-range */
export function countIn(state: SavedState, name: string, most: number): number {
  const value = numberIn(state, name);
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new FormatError("state-range", `${name}: wanted an integer in [0, ${most}], got ${value}`);
}

/**
 * @param kind class of the array
 * @param length that it must have
 * @throws FormatError state-missing, state-array
 */
export function arrayIn<T extends SavedArray>(
  state: SavedState,
  name: string,
  kind: new (length: number) => T,
  length?: number,
): T {
  const values = state.arrays?.[name];
  if (values === undefined) throw new FormatError("state-missing", `${name}: wanted an array, got none`);
  if (kindOf(values) === kind.name && (length === undefined || values.length === length)) return values as T;
  const wanted = `${kind.name}${length === undefined ? "" : ` of ${length}`}`;
  throw new FormatError(
    "state-array",
    `${name}: wanted ${wanted}, got ${values.constructor.name} of ${values.length}`,
  );
}
