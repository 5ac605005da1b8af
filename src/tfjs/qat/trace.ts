/** What the layers of a model read and make in one pass, to find the values of a graph among it. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { Swaps } from "../swaps.js";
import { leafLayers } from "../weights.js";

export type Layer = layers.Layer;

type Numbers = ArrayLike<number>;

/** One call of a layer. */
export interface Call {
  readonly layer: Layer;
  /** Calls of the same layer before it in a pass. */
  readonly index: number;
  readonly inputs: readonly Numbers[];
  /** Of several outputs the first. */
  readonly output: Numbers;
  /** The calls that read what it made, in order. */
  readonly readers: Call[];
}

/** Each layer once, in the order of the model, though it may be shared. */
export function distinctLayers(model: LayersModel): readonly Layer[] {
  return [...new Set(leafLayers(model))];
}

/**
 * Runs a model on a batch, not in training, and notes the calls of its layers in their order.
 *
 * @param x as the model wants it
 */
export function traceCalls(model: LayersModel, x: tf.Tensor): readonly Call[] {
  const calls: Call[] = [];
  const makers = new Map<number, Call>();
  const counts = new Map<Layer, number>();
  const swaps = new Swaps();

  const traced = (layer: Layer, call: Layer["call"]): Layer["call"] => {
    return (inputs, kwargs) => {
      const read = [inputs].flat();
      const numbers = read.map(numbersOf);
      const made = [call(inputs, kwargs)].flat();
      // What a layer hands on gets another number, so that whoever reads it reads this layer.
      const outputs = made.map((tensor) => (read.includes(tensor) ? tf.clone(tensor) : tensor));
      const index = counts.get(layer) ?? 0;
      counts.set(layer, index + 1);
      const noted: Call = { layer, index, inputs: numbers, output: numbersOf(outputs[0]), readers: [] };
      calls.push(noted);
      for (const tensor of new Set(read)) makers.get(tensor.id)?.readers.push(noted);
      for (const tensor of outputs) makers.set(tensor.id, noted);
      return outputs.length === 1 ? outputs[0] : outputs;
    };
  };

  try {
    for (const layer of distinctLayers(model)) {
      swaps.replace(layer, "call", (call) => traced(layer, call));
    }
    tf.tidy(() => void model.apply(x, { training: false }));
  } finally {
    swaps.undo();
  }
  return calls;
}

// A copy: backend cpu hands out the array that the tensor goes on using.
function numbersOf(tensor: tf.Tensor): Numbers {
  return tensor.dataSync().slice() as Numbers;
}
