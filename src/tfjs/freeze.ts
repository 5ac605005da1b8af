/**
 * Layers that run as in inference while the rest of their model trains.
 *
 * tfjs' `trainable = false` takes a layer's weights from the optimizer and no more: a batch normalization
 * goes on to use the statistics of the batch and to move its own, a dropout goes on to drop.
 */

import type { layers } from "@tensorflow/tfjs-layers";
import type { StepPart } from "./step.js";
import { leafLayers } from "./weights.js";

type Layer = layers.Layer;

/** Layers that are frozen now, and by how many; the call that each came with, if it was the layer's own. */
const frozen = new WeakMap<Layer, { count: number; readonly own?: Layer["call"] }>();

/**
 * Makes layers run with training=false, whatever the model they are in is called with. What they compute
 * stays differentiable, in their inputs and in their weights.
 *
 * @param list layers; a model among them means the layers in it, at any depth
 * @returns ends it; layers that others froze as well stay frozen until these end it too
 */
export function freezeLayers(list: Iterable<Layer>): () => void {
  const mine = new Set(leafLayers({ layers: [...list] }));
  for (const layer of mine) freeze(layer);
  return () => {
    for (const layer of mine) thaw(layer);
    mine.clear(); // so that a second call ends nothing of others
  };
}

/**
 * Makes batch normalizations use their moving statistics, and leave them as they are, to the bit. Scale and
 * offset (gamma, beta) learn as before.
 *
 * @param list layers, of which only batch normalizations count; a model means the layers in it, at any depth
 * @returns ends it
 */
export function freezeNormalization(list: Iterable<Layer>): () => void {
  return freezeLayers(normalizations(list));
}

/** The batch normalizations among some layers and in the models among them. */
export function normalizations(list: Iterable<Layer>): Layer[] {
  return leafLayers({ layers: [...list] }).filter(isNormalization);
}

export function isNormalization(layer: Layer): boolean {
  return layer.getClassName() === "BatchNormalization";
}

/**
 * A part of `fineTune` that freezes layers for the forward pass of each step. It takes no weights from the
 * optimizer: that is the option `variables`.
 *
 * @param list layers; a model among them means the layers in it. Of normalizations alone:
 *   `frozenPart(normalizations(model.layers))`
 */
export function frozenPart(list: Iterable<Layer>): StepPart {
  const mine = leafLayers({ layers: [...list] });
  return {
    name: "frozen",
    around(forward) {
      const end = freezeLayers(mine);
      try {
        return forward();
      } finally {
        end();
      }
    },
  };
}

function freeze(layer: Layer): void {
  const known = frozen.get(layer);
  if (known) {
    known.count += 1;
    return;
  }
  const call = layer.call;
  frozen.set(layer, { count: 1, ...(Object.hasOwn(layer, "call") && { own: call }) });
  layer.call = (inputs, kwargs) => call.call(layer, inputs, { ...kwargs, training: false });
}

function thaw(layer: Layer): void {
  const known = frozen.get(layer);
  if (!known) return;
  known.count -= 1;
  if (known.count > 0) return;
  frozen.delete(layer);
  if (known.own) layer.call = known.own;
  else delete (layer as Partial<Layer>).call; // the class' own shows again
}
