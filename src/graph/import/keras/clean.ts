/** The JSON of a Keras model, of any version, as Keras 2 would write it: one form for what follows. */

import { asArray, asObject, isObject, type Json } from "../json.js";
import { classOf, cleanConfig, unwrapped } from "./config.js";
import { withoutMasks } from "./masks.js";
import { readCall, writeCall } from "./nodes.js";
import { asLayer, isOperation, referencesOf } from "./operations.js";

/** As `readTopology` has it. */
const maxDepth = 32;

/** Marks a layer that Keras has no layer for: it stands for an operation, and has no weights in the file. */
export const operationMark = "_operation";

const modelClasses = new Set(["Sequential", "Model", "Functional"]);

/**
 * @param json {class_name, config} of a model or layer
 * @throws TypeError, RangeError where it is no model of Keras
 */
export function cleanLayer(json: unknown, depth = 0): Json {
  if (depth > maxDepth) throw new RangeError(`model: wanted layers nested ${maxDepth} deep at most`);
  const layer = asObject(json, "layer");
  if (isOperation(layer)) {
    const made = asLayer(layer);
    return { ...made, config: { ...(made.config as Json), [operationMark]: true } };
  }
  const className = classOf(layer);
  const nodes = layer.inbound_nodes;
  const inbound =
    nodes === undefined ? {} : { inbound_nodes: asArray(nodes, "inbound_nodes").map(cleanNode) };
  const named = layer.name === undefined ? {} : { name: layer.name };
  if (modelClasses.has(className)) {
    return { class_name: className, ...named, config: cleanModel(layer, className, depth), ...inbound };
  }
  const config = unwrapped(isObject(layer.config) ? layer.config : {}) as Json;
  const clean = cleanConfig(config);
  const inner = ["layer", "backward_layer"].flatMap((key) =>
    isObject(config[key]) ? [[key, cleanLayer(config[key], depth + 1)]] : [],
  );
  const quantized = quantizedDtype(config.dtype);
  if (quantized !== undefined) {
    return { class_name: `${className} of dtype ${quantized}`, ...named, config: clean, ...inbound };
  }
  const wanted =
    trainingCall(nodes) && actsInTraining.has(className) ? `${className} with training=True` : className;
  return { class_name: wanted, ...named, config: { ...clean, ...Object.fromEntries(inner) }, ...inbound };
}

/** The config of a model, its layers cleaned. */
function cleanModel(model: Json, className: string, depth: number): Json {
  // Before Keras 2.2.3 that of a Sequential was the list itself.
  const config = Array.isArray(model.config)
    ? { layers: model.config }
    : asObject(model.config, "config of a model");
  // A class of its own that says no more of itself than its name.
  const given = asArray(config.layers, `layers of ${String(config.name ?? className)}`);
  const read = className === "Sequential" ? given : withoutMasks(given);
  const layers = read.map((layer) => cleanLayer(layer, depth + 1));
  const { name, trainable } = config;
  const kept = {
    ...(name === undefined ? {} : { name }),
    ...(typeof trainable === "boolean" ? { trainable } : {}),
  };
  if (className === "Sequential") return { ...kept, layers: withInput(layers, model, config) };
  return { ...kept, layers, input_layers: config.input_layers, output_layers: config.output_layers };
}

/** A Sequential that was built by what it was called on says so beside its layers. */
function withInput(layers: readonly Json[], model: Json, config: Json): readonly Json[] {
  const [first] = layers;
  const firstConfig = isObject(first?.config) ? first.config : {};
  const hasInput =
    first === undefined ||
    first.class_name === "InputLayer" ||
    modelClasses.has(String(first.class_name)) ||
    ["batch_input_shape", "input_shape", "input_dim"].some((key) => firstConfig[key] !== undefined);
  const built = isObject(model.build_config) ? model.build_config.input_shape : undefined;
  const shape = unwrapped(config.build_input_shape ?? built);
  if (hasInput || !Array.isArray(shape) || shape.some(Array.isArray)) return layers;
  const name = `${String(firstConfig.name)}_input`;
  const input = {
    batch_input_shape: [null, ...shape.slice(1)],
    dtype: "float32",
    sparse: false,
    ragged: false,
    name,
  };
  return [{ class_name: "InputLayer", config: input }, ...layers];
}

/** The policy of a layer whose weights Keras 3 has quantized: "int8_from_float32". */
function quantizedDtype(dtype: unknown): string | undefined {
  const { class_name: className, config } = isObject(dtype) ? dtype : ({} as Json);
  const { name, mode } = isObject(config) ? config : ({} as Json);
  const policy = typeof dtype === "string" ? dtype : (name ?? mode ?? className);
  return /_from_/.test(String(policy)) || /^Quantized/.test(String(className)) ? String(policy) : undefined;
}

function cleanNode(node: unknown): unknown {
  return writeCall(referencesOf(readCall(node)));
}

/** Layers that do another thing when they are told that they train. */
const actsInTraining = new Set([
  "AlphaDropout",
  "BatchNormalization",
  "Dropout",
  "GaussianDropout",
  "GaussianNoise",
  "SpatialDropout1D",
  "SpatialDropout2D",
  "SpatialDropout3D",
]);

function trainingCall(nodes: unknown): boolean {
  return (Array.isArray(nodes) ? nodes : []).some((node) => {
    const training = readCall(node).kwargs.get("training");
    return training !== undefined && "value" in training && training.value === true;
  });
}
