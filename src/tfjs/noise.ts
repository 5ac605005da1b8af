/**
 * Seeds what layers draw while they train, so that a run can be repeated and taken up again.
 *
 * tfjs-layers' dropout draws from Math.random at every call, or, where the layer has a seed of its own,
 * the same mask each time: that one is left alone.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";

export interface Noise {
  /** Runs a forward pass whose dropout is drawn from the run's own random numbers. */
  during<T>(pass: () => T): T;
  /** Layers that draw from Math.random all the same: tfjs gives no way in. */
  readonly unseeded: readonly string[];
}

interface Drawing {
  readonly name: string;
  /** Of Dropout and SpatialDropout1D. */
  seed?: number;
  /** Of the cells of recurrent layers. */
  dropoutFunc?: (x: tf.Tensor, rate: number) => tf.Tensor;
  dropoutMask?: tf.Tensor | tf.Tensor[] | null;
  recurrentDropoutMask?: tf.Tensor | tf.Tensor[] | null;
}

const plain = new Set(["Dropout", "SpatialDropout1D"]);
const closed = new Set(["GaussianNoise", "GaussianDropout", "AlphaDropout"]);

/** @param draw gives uint32 numbers */
export function openNoise(model: LayersModel, draw: () => number): Noise {
  const found = [...new Set(innerLayers(model as unknown as Inner))];
  const dropouts = found.filter((layer) => plain.has(layer.getClassName()) && layer.seed == null);
  const cells = found.filter(
    (layer) =>
      !plain.has(layer.getClassName()) &&
      Math.max(layer.dropout ?? 0, layer.recurrentDropout ?? 0) > 0 &&
      layer.dropoutFunc == null,
  );
  const drop = (x: tf.Tensor, rate: number) => tf.dropout(x, rate, undefined, draw());

  function during<T>(pass: () => T): T {
    for (const layer of dropouts) setSeed(layer, { get: draw });
    for (const cell of cells) cell.dropoutFunc = drop;
    try {
      return pass();
    } finally {
      for (const layer of dropouts) setSeed(layer, { value: undefined, writable: true });
      for (const cell of cells) {
        delete cell.dropoutFunc;
        dropMasks(cell);
      }
    }
  }

  const unseeded = found.filter((layer) => closed.has(layer.getClassName())).map(({ name }) => name);
  return { during, unseeded };
}

/** Cells keep the masks of a pass till the next, and where there is no LSTM or GRU around them for ever. */
function dropMasks(cell: Drawing): void {
  for (const mask of [cell.dropoutMask, cell.recurrentDropoutMask]) if (mask) tf.dispose(mask);
  cell.dropoutMask = null;
  cell.recurrentDropoutMask = null;
}

/** A getter, so that a layer that runs several times in a pass draws as often. */
function setSeed(layer: Drawing, property: PropertyDescriptor): void {
  Object.defineProperty(layer, "seed", { ...property, configurable: true, enumerable: true });
}

interface Inner extends Drawing {
  getClassName(): string;
  readonly dropout?: number;
  readonly recurrentDropout?: number;
  readonly layers?: readonly Inner[];
  readonly layer?: Inner;
  readonly forwardLayer?: Inner;
  readonly backwardLayer?: Inner;
  readonly cell?: Inner;
  readonly cells?: readonly Inner[];
}

/** A layer and all that are in it: nested models, wrappers, the cells of recurrent layers. */
function innerLayers(layer: Inner): Inner[] {
  const { layers = [], cells = [], layer: wrapped, forwardLayer, backwardLayer, cell } = layer;
  const inside = [...layers, ...cells, wrapped, forwardLayer, backwardLayer, cell];
  const own = layer.getClassName() === "RNN" || cell ? [] : [layer];
  return [...own, ...inside.flatMap((inner) => (inner ? innerLayers(inner) : []))];
}
