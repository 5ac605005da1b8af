/** The `activation` of a layer: a name in either spelling, or an object around it. */

import { isUnaryFunctionName, type UnaryFunctionName } from "../ops/unary-functions.js";
import type { Builder } from "./builder.js";
import { describe, isObject, type Json, option, toCamel } from "./json.js";

export type Activation = UnaryFunctionName | "softmax" | "logSoftmax";

/** silu is Keras 3's name for swish. */
const aliases: Readonly<Record<string, Activation>> = { silu: "swish" };

/** The activation that a config names; undefined for one that pare has not. */
export function readActivation(config: Json, key = "activation"): Activation | undefined {
  const name = toCamel(activationName(option(config, key)));
  if (name === "softmax" || name === "logSoftmax" || isUnaryFunctionName(name)) {
    return takesNumbers.has(name) ? undefined : name;
  }
  return Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

/** Layers of tfjs, not activations of it: a name alone does not give their numbers. */
const takesNumbers: ReadonlySet<string> = new Set(["leakyRelu", "thresholdedRelu"]);

/** "relu", {class_name: "relu", config: {}}, or Keras 3's {class_name: "function", config: "relu"}. */
function activationName(value: unknown): string {
  if (value === undefined) return "linear";
  if (typeof value === "string") return value;
  if (isObject(value)) {
    const className = option(value, "className");
    if (className === "function" && typeof value.config === "string") return value.config;
    if (typeof className === "string") return className;
  }
  return describe(value);
}

/** For `LayerRule.unsupported`. */
export function unsupportedActivation(config: Json, key = "activation"): readonly string[] {
  if (readActivation(config, key) !== undefined) return [];
  return [`activation ${activationName(option(config, key))}`];
}

/** Adds the node of an activation under the layer's name; softmax is no unary function. */
export function addActivation(builder: Builder, name: string, activation: Activation, input: string): string {
  if (activation === "softmax" || activation === "logSoftmax") {
    return builder.add(name, activation, [input], { attrs: { axis: -1 } });
  }
  return builder.add(name, "unary", [input], { attrs: { fn: activation } });
}
