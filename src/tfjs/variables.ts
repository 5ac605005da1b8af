/** The numbers of variables, copied out and put back. */

import * as tf from "@tensorflow/tfjs-core";
import { FormatError } from "../file/index.js";
import type { SavedArray, SavedState } from "./state.js";

/** A copy of the numbers of each, by its place in the list. */
export function saveVariables(variables: readonly tf.Variable[]): SavedState {
  const arrays: Record<string, SavedArray> = {};
  for (const [i, variable] of variables.entries()) {
    // A copy, and of its dtype: the cpu backend hands out its own array, of bytes for what was a boolean.
    const values = variable.dataSync();
    arrays[i] = variable.dtype === "float32" ? Float32Array.from(values) : Int32Array.from(values);
  }
  return { arrays };
}

/**
 * Sets all variables to what was saved, or none.
 *
 * @param what they are, for messages
 * @throws FormatError state-variables where number or sizes differ
 */
export function restoreVariables(
  variables: readonly tf.Variable[],
  { arrays = {} }: SavedState,
  what: string,
): void {
  const count = Object.keys(arrays).length;
  if (count !== variables.length) {
    throw new FormatError("state-variables", `${what}: wanted ${variables.length} arrays, got ${count}`);
  }
  for (const [i, { size }] of variables.entries()) {
    if (arrays[i]?.length !== size) {
      const got = arrays[i]?.length ?? "none";
      throw new FormatError("state-variables", `${what} ${i}: wanted ${size} numbers, got ${got}`);
    }
  }
  for (const [i, variable] of variables.entries()) {
    const { shape, dtype } = variable;
    tf.tidy(() => variable.assign(tf.tensor(arrays[i].slice() as Float32Array, shape, dtype)));
  }
}
