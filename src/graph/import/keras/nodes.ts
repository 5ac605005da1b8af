/** Calls of layers as Keras 2 and Keras 3 write them: tensors and plain values, by place and by name. */

import { isObject, type Json } from "../json.js";
import type { Reference } from "../references.js";

/** A tensor, or a value as it stands in JSON. */
export type Argument = { readonly reference: Reference } | { readonly value: unknown };

export interface Call {
  readonly args: readonly Argument[];
  readonly kwargs: ReadonlyMap<string, Argument>;
}

/** @param node an item of `inbound_nodes` */
export function readCall(node: unknown): Call {
  if (isObject(node) && (Array.isArray(node.args) || isObject(node.kwargs))) {
    const args = Array.isArray(node.args) ? node.args : [];
    const kwargs = isObject(node.kwargs) ? Object.entries(node.kwargs) : [];
    return {
      args: args.map(argumentOf),
      kwargs: new Map(kwargs.map(([key, value]) => [key, argumentOf(value)])),
    };
  }
  const entries = entriesOf(node);
  const kwargs = entries[0]?.[3];
  return {
    args: entries.map(([layer, call, tensor]) =>
      layer === "_CONSTANT_VALUE"
        ? { value: tensor }
        : { reference: { layer, call, tensor: typeof tensor === "number" ? tensor : 0 } },
    ),
    kwargs: new Map(
      isObject(kwargs) ? Object.entries(kwargs).map(([key, value]) => [key, oldArgument(value)]) : [],
    ),
  };
}

type Entry = readonly [string, number, unknown, unknown?];

const isEntry = (value: unknown): value is Entry =>
  Array.isArray(value) && typeof value[0] === "string" && typeof value[1] === "number";

/** All ["name", call, tensor, kwargs] of a node, in lists of any depth or as values of an object. */
function entriesOf(node: unknown): readonly Entry[] {
  if (isEntry(node)) return [node];
  if (Array.isArray(node)) return node.flatMap(entriesOf);
  return isObject(node) ? Object.values(node).flatMap(entriesOf) : [];
}

/** Keras 2 writes a tensor among named arguments as ["name", call, tensor]. */
function oldArgument(value: unknown): Argument {
  if (!isEntry(value) || value.length < 3) return { value };
  const [layer, call, tensor] = value;
  return { reference: { layer, call, tensor: Number(tensor) } };
}

function argumentOf(value: unknown): Argument {
  const history = isObject(value) && value.class_name === "__keras_tensor__" && historyOf(value);
  if (!Array.isArray(history)) return { value };
  const [layer, call, tensor] = history;
  return { reference: { layer: String(layer), call: Number(call), tensor: Number(tensor) } };
}

function historyOf({ config }: Json): unknown {
  return isObject(config) ? config.keras_history : undefined;
}

/** A call in the words of Keras 2. */
export function writeCall(references: readonly Reference[]): unknown {
  return references.map(({ layer, call, tensor }) => [layer, call, tensor, {}]);
}
