/** The new end of a model that is made to tell other classes. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { checkModel, listWeights } from "./weights.js";

export interface HeadOptions {
  /** Of a hidden layer with relu before the last, an integer >= 1; no such layer unless given. */
  readonly units?: number;
  /** Share of the inputs of the last layer that is dropped in training, in [0, 1); 0 unless given. */
  readonly dropout?: number;
  /** What becomes of features that have positions: their mean unless given, or all of them in a row. */
  readonly positions?: "average" | "flatten";
  /** Of the first weights, any safe integer; 0 unless given. */
  readonly seed?: number;
}

/**
 * Makes a head: pooled or flattened features, a hidden layer if asked for, a softmax over the classes.
 *
 * @param base whose output is the features, [features], [length, features] or [height, width, features]
 * @param classes an integer >= 2
 * @param options of its layers
 * @returns a Sequential of its own weights, Glorot-uniform, whose names the base does not have
 * @throws RangeError for options out of range, or features of other sizes
 */
export function headFor(base: LayersModel, classes: number, options: HeadOptions = {}): LayersModel {
  checkModel(base);
  const { units, dropout = 0, positions = "average", seed = 0 } = options;
  checkCount("classes", classes, 2);
  if (units !== undefined) checkCount("units", units, 1);
  if (!(dropout >= 0 && dropout < 1)) {
    throw new RangeError(`dropout: wanted a share in [0, 1), got ${dropout}`);
  }
  if (positions !== "average" && positions !== "flatten") {
    throw new RangeError(`positions: wanted "average" or "flatten", got ${positions}`);
  }
  const features = featureShape(base);
  const name = freeName(base);
  const dense = (of: string, size: number, activation: string, offset: number): LayerConfig => {
    const kernelInitializer = { className: "GlorotUniform", config: { seed: seed + offset } };
    return ["Dense", { name: `${name}_${of}`, units: size, activation, kernelInitializer }];
  };
  const pool = positions === "flatten" ? "Flatten" : `GlobalAveragePooling${features.length - 1}D`;
  const list: LayerConfig[] = [
    ...(features.length === 1 ? [] : [[pool, { name: `${name}_features` }] as const]),
    ...(units === undefined ? [] : [dense("hidden", units, "relu", 1)]),
    ...(dropout === 0 ? [] : [["Dropout", { name: `${name}_dropout`, rate: dropout }] as const]),
    dense("classes", classes, "softmax", 0),
  ];
  const made = list.map(([type, config], i) =>
    makeLayer(type, i === 0 ? { ...config, inputShape: features } : config),
  );
  return makeLayer("Sequential", { name, layers: made }) as LayersModel;
}

/** Name of the class, and what its constructor gets. */
type LayerConfig = readonly [string, Readonly<Record<string, unknown>>];

function checkCount(name: string, count: number, least: number): void {
  if (!Number.isInteger(count) || count < least) {
    throw new RangeError(`${name}: wanted an integer >= ${least}, got ${count}`);
  }
}

function featureShape(base: LayersModel): (number | null)[] {
  if (base.outputs.length !== 1) {
    throw new RangeError(`base: wanted one output, got ${base.outputs.length || "none; is it built?"}`);
  }
  const shape = base.outputs[0].shape.slice(1);
  if (shape.length < 1 || shape.length > 3) {
    throw new RangeError(`base: wanted an output of 1 to 3 sizes, got [${shape}]`);
  }
  return shape;
}

/** "head", or with a number after it where the base has a layer or weight that begins so. */
function freeName(base: LayersModel): string {
  const taken = [...base.layers, ...listWeights(base)].map(({ name }) => name);
  let name = "head";
  for (let next = 2; taken.some((other) => other.startsWith(name)); next++) name = `head${next}`;
  return name;
}

/** A layer by the name of its class, of which tfjs-layers tells tfjs-core when it is loaded. */
function makeLayer(className: string, config: LayerConfig[1]): layers.Layer {
  const known = tf.serialization.SerializationMap.getMap().classNameMap[className];
  if (!known)
    throw new RangeError(`head: tfjs-layers has not told of ${className}; are there two tfjs-core?`);
  const Type = known[0] as unknown as new (args: typeof config) => layers.Layer;
  return new Type(config);
}
