/** A live tfjs model as Keras would save it: each weight where Keras has it. */

import type * as tf from "@tensorflow/tfjs";
import { type Content, kerasHdf5, kerasZip, type NamedWeights, type Values } from "./files.js";
import { valuesOf } from "./twin.js";

type Layer = tf.layers.Layer & { readonly layers?: readonly Layer[] };

/** With the layers' JSON of Keras 2. */
export function savedAsHdf5(model: tf.LayersModel, config: unknown): Promise<Uint8Array> {
  const layers = (model.layers as readonly Layer[]).map((layer): [string, NamedWeights] => {
    const values = layer.getWeights().map(valuesOf);
    return [layer.name, layer.weights.map(({ originalName }, i) => [`${originalName}:0`, values[i]])];
  });
  return kerasHdf5(config, Object.fromEntries(layers));
}

export function savedAsZip(model: tf.LayersModel, config: unknown): Promise<Uint8Array> {
  const groups: Record<string, Record<string, string>> = {};
  const datasets: Record<string, Values> = {};
  walk(model.layers as readonly Layer[], "layers");
  return kerasZip(config, { groups, datasets } satisfies Content, "2.15.0");

  function walk(layers: readonly Layer[], path: string): void {
    const counts = new Map<string, number>();
    for (const layer of layers) {
      const className = layer.getClassName();
      const stem = snake(className === "Model" ? "Functional" : className);
      const count = counts.get(stem) ?? 0;
      counts.set(stem, count + 1);
      const group = `${path}/${count === 0 ? stem : `${stem}_${count}`}`;
      groups[`${group}/vars`] = {};
      if (layer.layers) walk(layer.layers, `${group}/layers`);
      else {
        const cell = ["LSTM", "GRU", "SimpleRNN"].includes(className) ? `${group}/cell` : group;
        for (const [i, weight] of layer.getWeights().entries())
          datasets[`${cell}/vars/${i}`] = valuesOf(weight);
      }
    }
  }
}

const snake = (className: string) =>
  className
    .replace(/(.)([A-Z][a-z]+)/g, "$1_$2")
    .replace(/([a-z])([A-Z])/g, "$1_$2")
    .toLowerCase();
