/** Which tensors a layer reads, as Keras 2, tfjs and Keras 3 write it. */

import { isObject } from "./json.js";

/** The `tensor`-th result of the `call`-th call of `layer`. */
export interface Reference {
  readonly layer: string;
  readonly call: number;
  readonly tensor: number;
}

/**
 * All references in a piece of JSON, in order.
 *
 * They are written as ["name", call, tensor, ...] by Keras 2 and tfjs, alone or in lists of any
 * depth or as values of an object; Keras 3 has {class_name: "__keras_tensor__", config:
 * {keras_history: ["name", call, tensor]}} somewhere in {args, kwargs}.
 */
export function readReferences(json: unknown): readonly Reference[] {
  const found: Reference[] = [];
  collect(json, found);
  return found;
}

function collect(json: unknown, found: Reference[]): void {
  if (Array.isArray(json)) {
    const [layer, call, tensor] = json;
    if (typeof layer === "string" && typeof call === "number") {
      // What follows are arguments of the call, such as {"training": false}.
      found.push({ layer, call, tensor: typeof tensor === "number" ? tensor : 0 });
    } else {
      for (const item of json) collect(item, found);
    }
  } else if (isObject(json)) {
    const history =
      json.class_name === "__keras_tensor__" && isObject(json.config) && json.config.keras_history;
    for (const item of history ? [history] : Object.values(json)) collect(item, found);
  }
}
