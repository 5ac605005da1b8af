/** What kernels of tfjs' wasm backend are made of: our kernels, in its memory, on its tensors. */

import type * as tf from "@tensorflow/tfjs-core";
import type { TrainKernels } from "../../kernels/train-set.js";
import { trainSet } from "../../kernels/train-set.js";
import { openEngine, type Variant } from "../../wasm/index.js";
import type { TfjsHeap } from "../heap.js";

export type TensorInfo = tf.TensorInfo;

/** What tfjs hands to a kernel. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly backend: object;
}

export type KernelFunction = (call: KernelCall) => TensorInfo;

export interface Host {
  readonly variant: Variant;
  readonly kernels: TrainKernels;
  readonly heap: TfjsHeap;
  /** Address of a tensor's numbers; good until the tensor is disposed. */
  address(tensor: TensorInfo): number;
  /** A new tensor, f32 unless said otherwise, whose numbers are whatever the memory held. */
  output(shape: readonly number[], dtype?: tf.DataType): TensorInfo;
  /** Gives a tensor back that never reached tfjs' engine. */
  release(tensor: TensorInfo): void;
  /** Address of at least so many bytes, which the next call takes over. */
  scratch(bytes: number): number;
  /** Address of a record of window.ts with these numbers, which the next call takes over. */
  window(sizes: readonly number[]): number;
  dispose(): void;
}

const WINDOW_INTS = 15;

/**
 * Links our kernels to the memory of tfjs' backend.
 *
 * @throws Error where no variant of them can work there
 */
export function openHost(heap: TfjsHeap): Host {
  const engine = openEngine(trainSet, { host: { memory: heap.memory, allocator: heap.allocator } });
  const record = engine.heap.alloc(WINDOW_INTS * 4);
  let block = { address: 0, bytes: 0 };

  function scratch(bytes: number): number {
    if (bytes > block.bytes) {
      engine.heap.free(block.address);
      block = { address: 0, bytes: 0 };
      block = { address: engine.heap.alloc(bytes), bytes };
    }
    return block.address;
  }

  return {
    variant: engine.variant,
    kernels: engine.kernels,
    heap,
    address: heap.address,
    output: heap.output,
    release: heap.release,
    scratch,
    window(sizes) {
      engine.heap.i32(record, WINDOW_INTS).set(sizes);
      return record;
    },
    dispose() {
      engine.heap.free(block.address);
      engine.heap.free(record);
    },
  };
}
