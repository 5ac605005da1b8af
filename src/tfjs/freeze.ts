/**
 * Layers that run as in inference while the rest of their model trains.
 *
 * tfjs' `trainable = false` takes a layer's weights from the optimizer and no more: a batch normalization
 * goes on to use the statistics of the batch and to move its own, a dropout goes on to drop.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { layers } from "@tensorflow/tfjs-layers";
import { isNormalization } from "./qat/normalization.js";
import type { StepPart } from "./step.js";
import { Swaps } from "./swaps.js";
import { leafLayers } from "./weights.js";

type Layer = layers.Layer;

/** Layers that are frozen now, by how many, and how that ends. */
const frozen = new WeakMap<Layer, { count: number; readonly swaps: Swaps }>();

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

/**
 * A part of `fineTune` for the frozen beginning of a model: like `frozenPart`, and tfjs keeps nothing of
 * these layers to go back through. The pass takes less memory, and gives the bits of `predict`: in reach of
 * a gradient tfjs runs a layer's bias and activation apart from its product, which rounds otherwise.
 *
 * @param list layers before which, and in which, nothing learns; a model means the layers in it
 */
export function constantPart(list: Iterable<Layer>): StepPart {
  const mine = new Set(leafLayers({ layers: [...list] }));
  return {
    name: "constant",
    around(forward) {
      const swaps = new Swaps();
      const end = freezeLayers(mine);
      try {
        for (const layer of mine) {
          swaps.replace(layer, "call", (call: Layer["call"]): Layer["call"] => (inputs, kwargs) => {
            return withoutGradient(() => call(inputs, kwargs));
          });
        }
        return forward();
      } finally {
        swaps.undo();
        end();
      }
    },
  };
}

/** tfjs records what it computes while this depth is above 0, and has no function of its own to pause that. */
function withoutGradient<T>(compute: () => T): T {
  const { state } = tf.engine();
  const depth = state.gradientDepth;
  state.gradientDepth = 0;
  try {
    return compute();
  } finally {
    state.gradientDepth = depth;
  }
}

function freeze(layer: Layer): void {
  const known = frozen.get(layer);
  if (known) {
    known.count += 1;
    return;
  }
  const swaps = new Swaps();
  swaps.replace(layer, "call", (call: Layer["call"]): Layer["call"] => (inputs, kwargs) => {
    return call(inputs, { ...kwargs, training: false });
  });
  frozen.set(layer, { count: 1, swaps });
}

function thaw(layer: Layer): void {
  const known = frozen.get(layer);
  if (!known) return;
  known.count -= 1;
  if (known.count > 0) return;
  frozen.delete(layer);
  known.swaps.undo();
}
