/**
 * The layers JSON of every writer, brought to one form: a Sequential becomes the functional model it
 * stands for, so that the rest of the importer knows one kind of model.
 */

import { asArray, asObject, asString, isObject, type Json, option } from "./json.js";
import { type Reference, readReferences } from "./references.js";

export interface ModelSpec {
  readonly name: string;
  readonly layers: readonly LayerSpec[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

export interface LayerSpec {
  readonly className: string;
  /** Of its own within the model. */
  readonly name: string;
  /** What the model's file calls it, where other layers of a Sequential have that name too. */
  readonly shared?: SharedName;
  readonly config: Json;
  /** What each call of the layer reads; several for a shared layer. */
  readonly calls: readonly (readonly Reference[])[];
  /** If the layer is a model itself. */
  readonly model?: ModelSpec;
}

/** A name that several layers of one Sequential have. */
export interface SharedName {
  readonly name: string;
}

/** As strict JSON readers have it; a model in a model in a model is as deep as they get. */
const maxDepth = 32;

/**
 * @param topology `modelTopology` of a layers model
 * @throws TypeError, RangeError where it is not what tfjs or Keras write
 */
export function readTopology(topology: unknown): ModelSpec {
  let json = asObject(parsed(topology), "modelTopology");
  // Keras' model.save writes more around the model than to_json.
  const config = option(json, "modelConfig");
  if (config !== undefined) json = asObject(parsed(config), "modelTopology.model_config");
  const className = asString(option(json, "className"), "modelTopology.class_name");
  const model = readModel(className, json, 0);
  if (model) return model;
  throw new RangeError(`modelTopology.class_name: wanted Sequential, Model or Functional, got ${className}`);
}

/** `model.toJSON()` returns text. */
function parsed(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : value;
}

/** @returns undefined if the class is that of a layer that is no model */
function readModel(className: string, json: Json, depth: number): ModelSpec | undefined {
  if (depth > maxDepth) throw new RangeError(`modelTopology: wanted models nested ${maxDepth} deep at most`);
  if (className === "Sequential") return readSequential(json, depth);
  if (className === "Model" || className === "Functional") return readFunctional(json, depth);
  return undefined;
}

function readLayer(json: unknown, depth: number): LayerSpec {
  const layer = asObject(json, "layer");
  const className = asString(option(layer, "className"), "layer.class_name");
  const model = readModel(className, layer, depth + 1);
  const config = isObject(layer.config) ? layer.config : {};
  const name = option(layer, "name") ?? config.name ?? model?.name;
  const inbound = asArray(option(layer, "inboundNodes") ?? [], `${String(name)}.inbound_nodes`);
  return {
    className,
    name: asString(name, `name of a ${className}`),
    config,
    calls: inbound.map(readReferences),
    ...(model ? { model } : {}),
  };
}

function readLayers(json: unknown, name: string, depth: number): readonly LayerSpec[] {
  return asArray(json, `layers of ${name}`).map((layer) => readLayer(layer, depth));
}

/** The layers of a functional model read each other by name. */
function wantOwnNames(layers: readonly LayerSpec[], name: string): readonly LayerSpec[] {
  const names = new Set<string>();
  for (const layer of layers) {
    if (names.has(layer.name))
      throw new RangeError(`layers of ${name}: wanted ${layer.name} once, got it twice`);
    names.add(layer.name);
  }
  return layers;
}

function readFunctional(json: Json, depth: number): ModelSpec {
  const config = asObject(json.config, "config of a model");
  const name = String(config.name ?? json.name ?? "model");
  return {
    name,
    layers: wantOwnNames(readLayers(config.layers, name, depth), name),
    inputs: readReferences(option(config, "inputLayers")),
    outputs: readReferences(option(config, "outputLayers")),
  };
}

function readSequential(json: Json, depth: number): ModelSpec {
  // Before Keras 2.2.3 the config was the array itself, and the model had no name.
  const config = Array.isArray(json.config)
    ? { layers: json.config }
    : asObject(json.config, "config of a Sequential");
  const name = String(option(config, "name") ?? json.name ?? "sequential");
  const layers = [...withOwnNames(readLayers(config.layers, name, depth))];
  if (layers.length === 0)
    throw new RangeError(`${name}: wanted a Sequential of at least one layer, got none`);
  if (layers[0].className !== "InputLayer") layers.unshift(inputLayerBefore(layers[0]));

  const chained = layers.map((layer, i) => ({
    ...layer,
    calls: i === 0 ? [] : [[{ layer: layers[i - 1].name, call: 0, tensor: 0 }]],
  }));
  return {
    name,
    layers: chained,
    inputs: [{ layer: layers[0].name, call: 0, tensor: 0 }],
    outputs: [outputOf(layers)],
  };
}

/** Layers of a Sequential read those before them, whatever these are called: a name taken gets _1, _2... */
function withOwnNames(layers: readonly LayerSpec[]): readonly LayerSpec[] {
  const counts = new Map<string, number>();
  for (const { name } of layers) counts.set(name, (counts.get(name) ?? 0) + 1);
  const numbers = new Map<string, number>();
  return layers.map((layer) => {
    if (counts.get(layer.name) === 1) return layer;
    let number = numbers.get(layer.name) ?? 0;
    let { name } = layer;
    while (number > 0 && counts.has(name)) name = `${layer.name}_${number++}`;
    numbers.set(layer.name, Math.max(number, 1));
    counts.set(name, counts.get(name) ?? 1);
    return { ...layer, name, shared: { name: layer.name } };
  });
}

/** The input that tfjs makes for a Sequential that begins with another layer, under tfjs' name for it. */
function inputLayerBefore(first: LayerSpec): LayerSpec {
  if (first.model) {
    // The outer model takes over the input of the inner one, name and all.
    const inner = first.model.layers.find(({ name }) => name === first.model?.inputs[0]?.layer);
    if (inner) return { ...inner, calls: [] };
  }
  const name = `${first.name}_input`;
  return { className: "InputLayer", name, config: { ...first.config, name }, calls: [] };
}

function outputOf(layers: readonly LayerSpec[]): Reference {
  return { layer: layers[layers.length - 1].name, call: 0, tensor: 0 };
}

/**
 * The names of the model's outputs, as tfjs' `model.outputNames`: those of the layers that make them.
 *
 * A Sequential that holds nothing but a model has that model's outputs for its own.
 */
export function outputNames(model: ModelSpec): readonly string[] {
  const [input, only, ...more] = model.layers;
  if (
    more.length === 0 &&
    only?.model &&
    input.className === "InputLayer" &&
    only.calls[0]?.[0]?.layer === input.name
  ) {
    return outputNames(only.model);
  }
  const given = new Map(model.layers.map(({ name, shared }) => [name, shared?.name ?? name]));
  return model.outputs.map(({ layer }) => given.get(layer) ?? layer);
}
