/** Adds the node of a product op with its layer's activation, of which softmax is a node of its own. */

import { type Activation, addActivation } from "./activation.js";
import type { Builder, NodeParts } from "./builder.js";

/** @returns the name of the value, which is the layer's in either case */
export function addActivated(
  builder: Builder,
  name: string,
  op: string,
  input: string,
  activation: Activation,
  { attrs, weights = {} }: NodeParts,
): string {
  if (activation !== "softmax" && activation !== "logSoftmax") {
    return builder.add(name, op, [input], { weights, attrs: { ...attrs, activation } });
  }
  // The layer's name goes to its result, by which others know it.
  const linear = builder.add(`${name}/${op}`, op, [input], {
    weights,
    attrs: { ...attrs, activation: "linear" },
  });
  return addActivation(builder, name, activation, linear);
}
