/** What an optimizer of tf.train has gathered, taken out and put back exactly. */

import * as tf from "@tensorflow/tfjs-core";
import { numberIn, type SavedState } from "./state.js";
import { restoreVariables, saveVariables } from "./variables.js";

// Not getWeights and setWeights: Adam's two powers of beta are not among them but computed anew, which
// gives other bits, and Adamax has neither.
const known = new Set(["SGD", "Momentum", "RMSProp", "Adagrad", "Adadelta", "Adam", "Adamax"]);

/** @throws RangeError for an optimizer that is none of tf.train's */
export function checkOptimizer(optimizer: tf.Optimizer): void {
  const name = optimizer.getClassName();
  if (known.has(name)) return;
  throw new RangeError(`checkpoint: wanted an optimizer of ${[...known].join(", ")}, got ${name}`);
}

export function saveOptimizer(optimizer: tf.Optimizer): SavedState {
  return { ...saveVariables(variablesIn(optimizer)), numbers: { iterations: optimizer.iterations } };
}

/**
 * @param optimizer of the same kind; what it had is overwritten
 * @param variables that it trains, in the order of every step
 * @throws FormatError where sizes differ
 */
export function restoreOptimizer(
  optimizer: tf.Optimizer,
  variables: readonly tf.Variable[],
  saved: SavedState,
): void {
  // A gradient that is not there moves nothing, but has the optimizer make the state of its variable.
  const none = variables.map(({ name }) => ({ name, tensor: null as unknown as tf.Tensor }));
  optimizer.applyGradients(none);
  restoreVariables(variablesIn(optimizer), saved, "optimizer");
  (optimizer as unknown as { iterations_: number }).iterations_ = numberIn(saved, "iterations");
}

/** In a field each, or in lists of `{ variable }`. What else it holds was given to it when it was made. */
function variablesIn(optimizer: tf.Optimizer): tf.Variable[] {
  const fields = Object.entries(optimizer).sort(([a], [b]) => (a < b ? -1 : 1));
  return fields.flatMap(([, value]) => {
    if (value instanceof tf.Variable) return [value];
    return Array.isArray(value) ? value.map(({ variable }: { variable: tf.Variable }) => variable) : [];
  });
}
