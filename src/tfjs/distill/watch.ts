/** Values inside a model, caught while it runs: what a layer gave out, what an activation was given. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, layers } from "@tensorflow/tfjs-layers";
import { Swaps } from "../swaps.js";
import { allLayers } from "../weights.js";

export type Layer = layers.Layer;

export interface Watch {
  /** Runs a forward pass and catches meanwhile; the model is as before when it returns or throws. */
  during<T>(forward: () => T): T;
  /** Of the last call in the last pass, kept until the next one; undefined where there was none. */
  value(): tf.Tensor | undefined;
  dispose(): void;
}

/**
 * Swaps a method of an object for the time of a pass only: whoever else does so, before or meanwhile, finds things as
 * it left them.
 */
function watchCalls(
  owner: object,
  method: string,
  pick: (input: unknown, output: unknown) => unknown,
): Watch {
  let caught: tf.Tensor | undefined;

  function release(): void {
    caught?.dispose();
    caught = undefined;
  }

  function during<T>(forward: () => T): T {
    const swaps = new Swaps();
    release();
    swaps.replace(owner, method, (call) => (...values: unknown[]) => {
      const output = call(...values);
      const [picked] = [pick(values[0], output)].flat();
      release();
      // Kept, since layers tidy up after themselves; a clone, since what is caught may be its caller's.
      caught = tf.keep(tf.clone(picked as tf.Tensor));
      return output;
    });
    try {
      return forward();
    } finally {
      swaps.undo();
    }
  }

  return { during, value: () => caught, dispose: release };
}

/** Catches what a layer gives out. */
export function watchOutput(layer: Layer): Watch {
  return watchCalls(layer, "call", (_, output) => output);
}

/** One of tfjs-layers' activation functions, which a layer holds. */
export interface Activation {
  apply(x: tf.Tensor): tf.Tensor;
  getClassName(): string;
}

/** Catches what an activation is given. */
export function watchInput(activation: Activation): Watch {
  return watchCalls(activation, "apply", (input) => input);
}

/**
 * A layer by its name, nested ones included.
 *
 * @throws RangeError where the model has none, naming those that it has
 */
export function findLayer(model: LayersModel, name: string, what: string): Layer {
  const all = allLayers(model);
  const found = all.find((layer) => layer.name === name);
  if (found) return found;
  throw new RangeError(
    `${what}: wanted the name of a layer (${all.map((layer) => layer.name).join(", ")}), got ${name}`,
  );
}

/**
 * Sizes of what a layer gives out for one sample.
 *
 * @throws RangeError where it gives out several tensors, or of sizes that are not known
 */
export function layerShape(layer: Layer, what: string): number[] {
  const shape = layer.outputShape;
  const sizes = shape.slice(1);
  if (sizes.every((size) => typeof size === "number")) return sizes as number[];
  throw new RangeError(
    `${what}: wanted a layer with one output of known sizes, got ${layer.name}, [${shape}]`,
  );
}
