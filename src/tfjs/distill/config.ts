/** The configuration of a live model, and a model made of it again. */

import type * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { createRandom } from "../../data/index.js";

export interface LayerConfig {
  readonly name?: string;
  readonly className: string;
  readonly config: Record<string, unknown>;
  /** Of a functional model: for each call of the layer, [layer, node, tensor, arguments] of its inputs. */
  readonly inboundNodes?: readonly (readonly TensorKey[])[];
}

export type TensorKey = readonly [layer: string, node: number, tensor: number, ...rest: unknown[]];

/** Of a Sequential, whose layers follow each other, or of a functional model. */
export interface ContainerConfig extends Record<string, unknown> {
  readonly layers: readonly LayerConfig[];
  readonly inputLayers?: readonly TensorKey[];
  readonly outputLayers?: readonly TensorKey[];
}

/** What tfjs-layers' own `modelFromJSON` calls; the class comes from the model, since layers are not imported. */
interface ModelClass {
  fromConfig(self: ModelClass, config: object): LayersModel;
}

const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export function copyConfig(model: LayersModel): ContainerConfig {
  return clone(model.getConfig()) as ContainerConfig;
}

export function containerOf({ config }: LayerConfig): ContainerConfig | undefined {
  return Array.isArray(config.layers) ? (config as ContainerConfig) : undefined;
}

export const nameOf = ({ name, config }: LayerConfig) => name ?? (config.name as string);

/**
 * Gives every initializer that draws a seed of its own.
 *
 * @param seed any safe integer; the same gives the same weights
 */
export function seedInitializers(config: object, seed: number): void {
  const random = createRandom(seed);
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const { config: own } = (inner ?? {}) as { config?: { seed?: unknown } };
      // They say a seed, if only null: zeros and ones do not.
      if (/initializer$/i.test(key) && own && "seed" in own) own.seed = random.uint32() >>> 1;
      else visit(inner);
    }
  };
  visit(config);
}

/**
 * Makes a model of the class of another one.
 *
 * @param config sizes of its layers may differ from the model's own; those of nested models' inputs are brought in line
 */
export function build(model: LayersModel, config: ContainerConfig): LayersModel {
  const copy = clone(config);
  fitNested(model, copy);
  const type = model.constructor as unknown as ModelClass;
  return type.fromConfig(type, copy);
}

/** A nested model states its input's size; it is what the layers before it give out now. */
function fitNested(model: LayersModel, config: ContainerConfig): void {
  for (const layer of config.layers) {
    const nested = containerOf(layer);
    if (!nested) continue;
    const shapes = shapesBefore(model, config, layer);
    if (shapes) setInputs(nested, shapes);
    fitNested(model.getLayer(nameOf(layer)) as unknown as LayersModel, nested);
  }
}

/** Frees all weights of a model of ours: `dispose` of tfjs (4.22) leaves those of nested models. */
export function freeModel(model: LayersModel): void {
  for (const weight of model.weights) (weight.read() as tf.Variable).dispose();
}

type Shape = readonly (number | null)[];

/** Shapes of a layer's inputs, by building what lies before it; undefined for the first of a Sequential. */
function shapesBefore(model: LayersModel, config: ContainerConfig, layer: LayerConfig): Shape[] | undefined {
  const before = layer.inboundNodes
    ? ancestors(config, layer.inboundNodes[0] ?? [])
    : { ...config, layers: config.layers.slice(0, config.layers.indexOf(layer)) };
  if (before.layers.length === 0) return undefined;
  const type = model.constructor as unknown as ModelClass;
  const built = type.fromConfig(type, clone(before));
  const shapes = built.outputs.map(({ shape }) => shape);
  freeModel(built);
  return shapes;
}

/** The part of a functional model that leads to some tensors. */
function ancestors(config: ContainerConfig, outputs: readonly TensorKey[]): ContainerConfig {
  const names = new Set<string>();
  const visit = (name: string): void => {
    if (names.has(name)) return;
    names.add(name);
    const found = config.layers.find((layer) => nameOf(layer) === name);
    for (const [from] of found?.inboundNodes?.flat() ?? []) visit(from);
  };
  for (const [name] of outputs) visit(name);
  return {
    ...config,
    layers: config.layers.filter((layer) => names.has(nameOf(layer))),
    inputLayers: (config.inputLayers ?? []).filter(([name]) => names.has(name)),
    outputLayers: outputs.map(([name, node, tensor]) => [name, node, tensor]),
  };
}

function setInputs(container: ContainerConfig, shapes: readonly Shape[]): void {
  const { layers, inputLayers } = container;
  if (!inputLayers) {
    const nested = containerOf(layers[0]);
    if (nested) setInputs(nested, shapes);
    else layers[0].config.batchInputShape = shapes[0];
    return;
  }
  for (const [i, [name]] of inputLayers.entries()) {
    const input = layers.find((layer) => nameOf(layer) === name);
    if (input) input.config.batchInputShape = shapes[i];
  }
}
