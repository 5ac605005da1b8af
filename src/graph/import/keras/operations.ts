/**
 * Operations that are no layers, which functional models hold where someone wrote `x * 2 - 1`: TFOpLambda of
 * Keras 2, Operation of Keras 3. What a layer computes too becomes that layer.
 */

import { isObject, type Json } from "../json.js";
import type { Reference } from "../references.js";
import { dtypeName, unwrapped } from "./config.js";
import { type Argument, type Call, readCall, writeCall } from "./nodes.js";

/** Whether a layer of the JSON is an operation. */
export function isOperation({ class_name: className, module }: Json): boolean {
  if (className === "TFOpLambda" || className === "SlicingOpLambda" || className === "TensorFlowOpLayer")
    return true;
  return typeof module === "string" && /^keras(?:\.src)?\.ops\b/.test(module);
}

/** What an operation is in layers: a class and its config, and the tensors that it reads. */
interface Replacement {
  readonly className: string;
  readonly config?: Json;
  readonly reads: readonly Reference[];
}

/**
 * @param layer an operation, in JSON
 * @returns the layer for it, of the same name; where there is none, one of a class that is refused by its name
 */
export function asLayer(layer: Json): Json {
  const config = isObject(layer.config) ? layer.config : {};
  const name = layer.name ?? config.name;
  const calls = (Array.isArray(layer.inbound_nodes) ? layer.inbound_nodes : []).map(readCall);
  const operation = operationName(layer, config);
  const made = calls.map((call) => replacementFor(operation, call, config));
  const [first] = made;
  const same = made.every(
    (one) =>
      JSON.stringify([one?.className, one?.config]) === JSON.stringify([first?.className, first?.config]),
  );
  if (!first || !same)
    return {
      class_name: refusedName(layer, config),
      name,
      config: { name },
      inbound_nodes: calls.map((call) => writeCall(referencesOf(call))),
    };
  return {
    class_name: first.className,
    name,
    config: { name, trainable: false, dtype: "float32", ...first.config },
    inbound_nodes: made.map((one) => writeCall(one?.reads ?? [])),
  };
}

export const referencesOf = ({ args, kwargs }: Call): readonly Reference[] =>
  [...args, ...kwargs.values()].flatMap((one) => ("reference" in one ? [one.reference] : listed(one.value)));

/** Tensors in a list that is one argument: concatenate([a, b]). */
function listed(value: unknown): readonly Reference[] {
  if (isObject(value) && value.class_name === "__keras_tensor__")
    return referencesOf(readCall({ args: [value] }));
  return Array.isArray(value) ? value.flatMap(listed) : [];
}

function refusedName({ class_name: className }: Json, config: Json): string {
  const what = config.function ?? (isObject(config.node_def) ? config.node_def.op : undefined);
  return what === undefined ? `operation ${String(className)}` : `${String(className)} ${String(what)}`;
}

/** "add" of "math.add", "__operators__.add" and Add. */
function operationName({ class_name: className }: Json, config: Json): string {
  if (typeof config.function === "string") {
    return config.function.replace(/^.*\./, "");
  }
  return String(className)
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
}

/** What stands in for an operation; a rule gives undefined for a call that it cannot be. */
type Rule = (call: Call, config: Json) => Replacement | undefined;

function replacementFor(operation: string, call: Call, config: Json): Replacement | undefined {
  return Object.hasOwn(rules, operation) ? rules[operation](call, config) : undefined;
}

/** Operands of an operation of two, wherever they stand. */
function operands({ args, kwargs }: Call): readonly [Argument, Argument] | undefined {
  const named = ["x", "y", "x1", "x2", "a", "b"].flatMap((key) => kwargs.get(key) ?? []);
  const both = [...args, ...named];
  return both.length === 2 ? [both[0], both[1]] : undefined;
}

/** Numbers of a constant: one, or one for each channel, in lists of any depth around them. */
function numbersIn(argument: Argument): readonly number[] | undefined {
  let value = "value" in argument ? unwrapped(argument.value) : undefined;
  while (Array.isArray(value) && value.length === 1) value = value[0];
  if (typeof value === "number") return [value];
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "number");
  return isList ? (value as readonly number[]) : undefined;
}

/** What `x op c` is as x * scale + offset. */
type Line = (c: number) => readonly [scale: number, offset: number];

/**
 * @param merge class of the layer for two tensors, if there is one
 * @param right of `x op c`
 * @param left of `c op x`
 */
function binary(merge: string | undefined, right: Line, left?: Line): Rule {
  return (call) => {
    const both = operands(call);
    if (!both) return undefined;
    const [a, b] = both;
    if ("reference" in a && "reference" in b) {
      return merge === undefined ? undefined : { className: merge, reads: [a.reference, b.reference] };
    }
    const [tensor, numbers, line] = "reference" in a ? [a, numbersIn(b), right] : [b, numbersIn(a), left];
    if (!("reference" in tensor) || !numbers || !line) return undefined;
    const lines = numbers.map(line);
    const [scale, offset] = [0, 1].map((i) =>
      lines.length === 1 ? lines[0][i] : lines.map((one) => one[i]),
    );
    return { className: "Rescaling", config: { scale, offset }, reads: [tensor.reference] };
  };
}

const single = ({ args, kwargs }: Call): Reference | undefined => {
  const first = args[0] ?? kwargs.get("x") ?? kwargs.get("features") ?? kwargs.get("input");
  return first && "reference" in first ? first.reference : undefined;
};

function unary(className: string, config: (call: Call, config: Json) => Json | undefined): Rule {
  return (call, own) => {
    const read = single(call);
    const made = config(call, own);
    return read && made ? { className, config: made, reads: [read] } : undefined;
  };
}

/** A number or list that an operation takes besides its tensors. */
function setting(call: Call, config: Json, ...names: readonly string[]): unknown {
  for (const name of names) {
    const named = call.kwargs.get(name);
    if (named && "value" in named && named.value !== null) return named.value;
    if (config[name] !== undefined && config[name] !== null) return config[name];
  }
  const second = call.args[1];
  return second && "value" in second ? second.value : undefined;
}

const activation = (name: string): Rule => unary("Activation", () => ({ activation: name }));

/** A mean or maximum over all of an image, or over time. */
function pooling(pool: "Average" | "Max"): Rule {
  return (call, config) => {
    const read = single(call);
    const axes = [setting(call, config, "axis")].flat();
    const keepDims =
      (call.kwargs.get("keepdims") as { value?: unknown } | undefined)?.value ?? config.keepdims ?? false;
    const dimensions = { "1": "1D", "1,2": "2D" }[axes.join()];
    if (!read || !dimensions) return undefined;
    return { className: `Global${pool}Pooling${dimensions}`, config: { keepdims: keepDims }, reads: [read] };
  };
}

const isSizes = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((size) => typeof size === "number" || size === null);

const named: Readonly<Record<string, Rule>> = {
  add: binary(
    "Add",
    (c) => [1, c],
    (c) => [1, c],
  ),
  subtract: binary(
    "Subtract",
    (c) => [1, -c],
    (c) => [-1, c],
  ),
  multiply: binary(
    "Multiply",
    (c) => [c, 0],
    (c) => [c, 0],
  ),
  divide: binary(undefined, (c) => [1 / c, 0]),
  maximum: merging("Maximum"),
  minimum: merging("Minimum"),
  cast: unary("Rescaling", (call, config) =>
    dtypeName(setting(call, config, "dtype")) === "float32" ? { scale: 1, offset: 0 } : undefined,
  ),
  negative: unary("Rescaling", () => ({ scale: -1, offset: 0 })),
  identity: activation("linear"),
  stop_gradient: activation("linear"),
  relu: unary("ReLU", () => ({})),
  relu6: unary("ReLU", () => ({ max_value: 6 })),
  leaky_relu: unary("LeakyReLU", (call, config) => ({
    negative_slope: setting(call, config, "negative_slope", "alpha") ?? 0.2,
  })),
  elu: unary("ELU", (call, config) => ({ alpha: setting(call, config, "alpha") ?? 1 })),
  softmax: unary("Softmax", (call, config) => ({ axis: setting(call, config, "axis") ?? -1 })),
  gelu: unary("Activation", (call, config) => {
    // The operation of Keras 3 approximates unless it is told not to, that of TensorFlow does not.
    const approximate = setting(call, config, "approximate") ?? config.function === undefined;
    return { activation: approximate === true ? "gelu_new" : "gelu" };
  }),
  ...Object.fromEntries(
    ["sigmoid", "tanh", "selu", "softplus", "softsign", "mish", "hard_sigmoid", "hard_silu", "silu"].map(
      (name) => [name, activation(name)],
    ),
  ),
  reduce_mean: pooling("Average"),
  mean: pooling("Average"),
  reduce_max: pooling("Max"),
  max: pooling("Max"),
  concat: concatenation,
  concatenate: concatenation,
  reshape: unary("Reshape", (call, config) => {
    const sizes = setting(call, config, "shape", "newshape");
    return isSizes(sizes) && sizes.length > 1 && (sizes[0] === -1 || sizes[0] === null)
      ? { target_shape: sizes.slice(1) }
      : undefined;
  }),
  transpose: unary("Permute", (call, config) => {
    const axes = setting(call, config, "axes", "perm");
    return isSizes(axes) && axes[0] === 0 ? { dims: axes.slice(1) } : undefined;
  }),
};

const aliases: readonly (readonly [string, string])[] = [
  ["__add__", "add"],
  ["add_v2", "add"],
  ["sub", "subtract"],
  ["mul", "multiply"],
  ["truediv", "divide"],
  ["true_divide", "divide"],
  ["neg", "negative"],
  ["swish", "silu"],
];

const rules: Readonly<Record<string, Rule>> = {
  ...named,
  ...Object.fromEntries(aliases.map(([alias, name]) => [alias, named[name]])),
};

/** Of two tensors: with a number there is no layer for it. */
function merging(className: string): Rule {
  return (call) => {
    const reads = (operands(call) ?? []).flatMap((one) => ("reference" in one ? [one.reference] : []));
    return reads.length === 2 ? { className, reads } : undefined;
  };
}

function concatenation(call: Call, config: Json): Replacement | undefined {
  const reads = referencesOf({ args: call.args, kwargs: new Map() });
  const axis = call.kwargs.get("axis");
  const given =
    axis && "value" in axis
      ? axis.value
      : (config.axis ?? setting({ args: call.args, kwargs: new Map() }, {}, "axis"));
  return reads.length > 1 && typeof given === "number"
    ? { className: "Concatenate", config: { axis: given }, reads }
    : undefined;
}
