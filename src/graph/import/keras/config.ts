/** The configuration of a layer, of any Keras, in the words of Keras 2, which tfjs knows. */

import { describe, isObject, type Json } from "../json.js";

/**
 * Numbers, lists and names as Python's serializers wrap them: tuples, shapes and arrays as objects.
 *
 * @throws nothing; what is unknown stays as it is
 */
export function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (!isObject(value)) return value;
  const { class_name: className, config, items } = value;
  if ((className === "__tuple__" || className === "TensorShape") && Array.isArray(items)) {
    return items.map(unwrapped);
  }
  if ((className === "__numpy__" || className === "__tensor__") && isObject(config)) return config.value;
  if (value.type === "ndarray" && "value" in value) return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unwrapped(inner)]));
}

/** Its own words for what only a writer of files needs. */
const bookkeeping = new Set([
  "build_config",
  "build_input_shape",
  "compile_config",
  "module",
  "quantization_config",
  "registered_name",
  "shared_object_id",
]);

/** @param config of a layer, unwrapped */
export function cleanConfig(config: Json): Json {
  const entries = Object.entries(config).filter(([key]) => !bookkeeping.has(key));
  const clean = Object.fromEntries(entries.map(([key, value]) => [key, cleanOption(key, value)]));
  const { batch_shape: batchShape, ...rest } = clean;
  const shape = batchShape ?? rest.batch_input_shape;
  // A fixed batch size says how the model was trained, not what it computes.
  return Array.isArray(shape) ? { ...rest, batch_input_shape: [null, ...shape.slice(1)] } : rest;
}

function cleanOption(key: string, value: unknown): unknown {
  if (key === "dtype") return dtypeName(value);
  if (key.endsWith("activation")) return activationOption(value);
  if (key.endsWith("initializer")) return initializer(value);
  if (key.endsWith("regularizer")) return regularizer(value);
  if (key.endsWith("constraint")) return constraint(value);
  return value;
}

/** "float32" or {class_name: "DTypePolicy", config: {name: "mixed_float16"}}. */
export function dtypeName(value: unknown): unknown {
  const name = isObject(value) && isObject(value.config) ? (value.config.name ?? value.class_name) : value;
  if (typeof name !== "string") return name;
  // Weights are float32 once read, whatever the file has them in; integers of other widths are whole numbers too.
  if (/^(?:float\d+|bfloat16|mixed_b?float16)$/.test(name)) return "float32";
  return /^u?int\d+$/.test(name) ? "int32" : name;
}

/**
 * A name where it is one of Keras' functions, else {class_name, config} of a layer that is one; of a function that
 * someone wrote, a name that nobody has.
 */
function activationOption(value: unknown): unknown {
  if (!isObject(value)) return value;
  const { class_name: className, config, registered_name: registered, module } = value;
  if (typeof config === "string") {
    const isKeras =
      module === undefined || module === null || module === "builtins" || /^keras\b/.test(String(module));
    const name = registered ?? className;
    return isKeras && (name === "function" || name === config || className === undefined)
      ? config
      : String(name);
  }
  if (!isObject(config)) return String(className);
  return { class_name: className, config };
}

/** Initializers of tfjs, by Keras' names for them. */
const initializers: Readonly<Record<string, string>> = {
  Zeros: "Zeros",
  Ones: "Ones",
  Constant: "Constant",
  RandomUniform: "RandomUniform",
  RandomNormal: "RandomNormal",
  TruncatedNormal: "TruncatedNormal",
  Identity: "Identity",
  IdentityInitializer: "Identity",
  VarianceScaling: "VarianceScaling",
  GlorotUniform: "GlorotUniform",
  GlorotNormal: "GlorotNormal",
  HeNormal: "HeNormal",
  HeUniform: "HeUniform",
  LecunNormal: "LeCunNormal",
  LecunUniform: "LeCunUniform",
  Orthogonal: "Orthogonal",
  OrthogonalInitializer: "Orthogonal",
};

/** All weights are in the file: one that tfjs has not is of no use to it, and zeros are cheap. */
function initializer(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  const className = isObject(value) ? String(value.class_name) : "";
  if (!Object.hasOwn(initializers, className)) return { class_name: "Zeros", config: {} };
  const config = isObject(value) && isObject(value.config) ? value.config : {};
  const { dtype: _dtype, ...rest } = config;
  return { class_name: initializers[className], config: rest };
}

/** tfjs has one class for both penalties; of others it has none, and they do nothing at inference. */
function regularizer(value: unknown): unknown {
  if (!isObject(value) || !isObject(value.config)) return null;
  if (!["L1", "L2", "L1L2"].includes(String(value.class_name))) return null;
  const { l1 = 0, l2 = 0 } = value.config;
  return { class_name: "L1L2", config: { l1, l2 } };
}

const constraints = new Set(["MaxNorm", "UnitNorm", "NonNeg", "MinMaxNorm"]);

function constraint(value: unknown): unknown {
  if (!isObject(value) || !constraints.has(String(value.class_name))) return null;
  return { class_name: value.class_name, config: value.config };
}

/**
 * A class that is Keras' own by its name, or one that is refused by the name under which it was registered.
 *
 * @param layer {class_name, module, registered_name}
 */
export function classOf(layer: Json): string {
  const { class_name: className, module, registered_name: registered } = layer;
  if (typeof className !== "string")
    throw new TypeError(`layer.class_name: wanted text, got ${describe(className)}`);
  const isKeras =
    module === undefined ||
    module === null ||
    /^(?:keras|tf_keras|tensorflow|builtins)(?:\.|$)/.test(String(module));
  const isOwn = typeof registered === "string" && registered.includes(">");
  if (isOwn) return registered;
  return isKeras ? className : `${module}>${className}`;
}
