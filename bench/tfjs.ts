/** The peer: tfjs on its wasm backend, as its Node users get it. */

import { createRequire } from "node:module";
import { dirname } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import type { Side } from "./timing.js";

export type Tfjs = typeof tf;

let opened: Promise<Tfjs> | undefined;

/** tfjs with the SIMD build of its wasm backend running. */
export function openTfjs(): Promise<typeof tf> {
  opened ??= open();
  return opened;
}

async function open(): Promise<typeof tf> {
  const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${dirname(main)}/`);
  await tf.setBackend("wasm");
  await tf.ready();
  const hasSimd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  if (tf.getBackend() !== "wasm" || !hasSimd) {
    throw new Error(`tfjs: wanted the SIMD build of backend wasm, got ${tf.getBackend()}, SIMD ${hasSimd}`);
  }
  return tf;
}

/**
 * Makes a tensor, reads it and gives it back, as a loop over samples does.
 *
 * By hand: `tidy(() => y.dataSync())` takes the array that it returns for a container of tensors and
 * walks it number by number, which makes tfjs look many times slower than it is.
 */
export function readingSide(name: string, compute: () => tf.Tensor): Side {
  return { name, run: () => readTensor(compute()) };
}

/** Makes a tensor and gives it back unread: the kernels of backend wasm are done when they return. */
export function computingSide(name: string, compute: () => tf.Tensor): Side {
  return { name, run: () => compute().dispose() };
}

export function readTensor(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array;
  tensor.dispose();
  return values;
}
