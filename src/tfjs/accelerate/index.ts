/** Fast kernels for training on tfjs' wasm backend, in its own memory, and those that it has not. */

import type * as core from "@tensorflow/tfjs-core";
import type { Variant } from "../../wasm/index.js";
import { findHeap } from "../heap.js";
import { replaceAdam } from "./adam.js";
import { dilatedGradients } from "./dilation.js";
import { openHost } from "./host.js";
import { registerKernels } from "./registry.js";

/** `@tensorflow/tfjs` or `@tensorflow/tfjs-core`. */
export type Tfjs = Pick<
  typeof core,
  "ready" | "getBackend" | "backend" | "getKernel" | "registerKernel" | "unregisterKernel" | "AdamOptimizer"
>;

export interface Acceleration {
  readonly variant: Variant;
  /** Kernels that backend wasm got, by tfjs' names; "Adam" is the optimizer's update. */
  readonly kernels: readonly string[];
  /** Those of them that it did not have. */
  readonly added: readonly string[];
  /** Puts everything back as it was and frees what was allocated. A second call does nothing. */
  undo(): void;
}

const active = new WeakMap<object, Acceleration>();

/**
 * Registers pare's kernels for the active backend, wasm. They work on tfjs' tensors where they lie.
 *
 * Convolutions can be trained then, and products of transposed matrices, which every gradient of a dense
 * layer has, are fast. Values differ from tfjs' own by rounding alone.
 *
 * @param tf the tfjs that the models are made with, its backend set to wasm
 * @returns what was registered, and how to undo it; the same object where it is registered already
 * @throws Error where another backend is active, or its memory is shared or not where tfjs 4.22 has it
 */
export async function accelerate(tf: Tfjs): Promise<Acceleration> {
  if (typeof tf?.ready !== "function" || typeof tf.registerKernel !== "function") {
    throw new TypeError('accelerate: wanted tfjs itself (import * as tf from "@tensorflow/tfjs")');
  }
  await tf.ready();
  if (tf.getBackend() !== "wasm") {
    throw new Error(
      `accelerate: wanted backend wasm, got ${tf.getBackend()}; call tf.setBackend("wasm") before`,
    );
  }
  const backend = tf.backend();
  const known = active.get(backend);
  if (known) return known;
  const heap = findHeap();
  if (!heap) {
    throw new Error(
      "accelerate: the memory of tfjs' wasm backend is shared (its threaded build, on cross-origin isolated " +
        "pages) or not where tfjs 4.22 keeps it; with the former, tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', " +
        "false) before tf.setBackend('wasm') takes the other build",
    );
  }
  const host = openHost(heap);
  const isOurs = () => tf.backend() === backend;
  const registered = registerKernels(tf, host, backend);
  const undos = [registered.undo, replaceAdam(tf, host, isOurs), dilatedGradients(isOurs), host.dispose];
  const acceleration: Acceleration = Object.freeze({
    variant: host.variant,
    kernels: [...registered.names, "Adam"],
    added: registered.added,
    undo() {
      if (active.get(backend) !== acceleration) return;
      active.delete(backend);
      for (const undo of undos) undo();
    },
  });
  active.set(backend, acceleration);
  return acceleration;
}
