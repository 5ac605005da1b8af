/**
 * Where tfjs' wasm backend keeps its tensors, found at run time.
 *
 * Nothing here is in tfjs' typings: it is what 4.22 has, checked piece by piece, and where any piece
 * is missing there is no heap and the caller copies.
 */

import * as tf from "@tensorflow/tfjs-core";
import type { Allocator } from "../wasm/index.js";

/** The part of an Emscripten module that tfjs leaves open. */
interface WasmModule {
  readonly HEAPU8: Uint8Array;
  readonly asm?: Record<string, unknown>;
  readonly wasmMemory?: unknown;
  _malloc(bytes: number): number;
  _free(address: number): void;
  readonly tfjs: {
    registerTensor(id: number, size: number, address: number): void;
    disposeData(id: number): void;
  };
}

interface WasmBackend {
  readonly wasm: WasmModule;
  readonly dataIdMap: {
    has(dataId: object): boolean;
    get(dataId: object): { readonly id: number; readonly memoryOffset: number | null };
  };
  makeOutput(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  disposeData(dataId: object): unknown;
  refCount(dataId: object): number;
}

export interface TfjsHeap {
  readonly memory: WebAssembly.Memory;
  readonly allocator: Allocator;
  /**
   * Address of a tensor's numbers if nothing but that tensor reads them; undefined otherwise.
   *
   * Reshapes and what `setWeights` was given share one buffer until one of them is assigned anew, and a
   * write in place would change them all.
   */
  ownAddress(tensor: tf.Tensor): number | undefined;
  /** True when a tensor's numbers lie in this memory. */
  holds(tensor: tf.TensorInfo): boolean;
  /** Address of a tensor's numbers, which are brought here from another backend if need be. */
  address(tensor: tf.TensorInfo): number;
  /** A new tensor, f32 unless said otherwise, of whatever the memory held, not yet known to tfjs' engine. */
  output(shape: readonly number[], dtype?: tf.DataType): tf.TensorInfo;
  /** Frees such a tensor. */
  release(tensor: tf.TensorInfo): void;
  /** Says that a tensor's numbers were changed in place: call it after every such write. */
  changed(tensor: tf.Tensor): void;
}

/** The active backend's heap, or undefined where it is not wasm, is shared or is not where it was. */
export function findHeap(): TfjsHeap | undefined {
  if (tf.getBackend() !== "wasm") return undefined;
  const backend: unknown = tf.backend();
  if (!isWasmBackend(backend)) return undefined;
  const known = heaps.get(backend);
  if (known) return known;
  const memory = findMemory(backend.wasm);
  if (!memory) return undefined;
  const heap = openHeap(backend, memory);
  heaps.set(backend, heap);
  return heap;
}

const heaps = new WeakMap<WasmBackend, TfjsHeap>();

function isWasmBackend(backend: unknown): backend is WasmBackend {
  const { wasm, dataIdMap, refCount, makeOutput, disposeData } = backend as Partial<WasmBackend>;
  return (
    typeof dataIdMap?.has === "function" &&
    typeof refCount === "function" &&
    typeof makeOutput === "function" &&
    typeof disposeData === "function" &&
    typeof wasm?._malloc === "function" &&
    typeof wasm._free === "function" &&
    wasm.HEAPU8 instanceof Uint8Array &&
    typeof wasm.tfjs?.registerTensor === "function" &&
    typeof wasm.tfjs.disposeData === "function"
  );
}

/** tfjs' threaded build, on a cross-origin isolated page, has shared memory: our kernels cannot link to it. */
function findMemory(wasm: WasmModule): WebAssembly.Memory | undefined {
  for (const candidate of [wasm.asm?.memory, wasm.wasmMemory, ...Object.values(wasm.asm ?? {})]) {
    if (!(candidate instanceof WebAssembly.Memory)) continue;
    if (candidate.buffer === wasm.HEAPU8.buffer && candidate.buffer instanceof ArrayBuffer) return candidate;
  }
  return undefined;
}

function openHeap(backend: WasmBackend, memory: WebAssembly.Memory): TfjsHeap {
  const { wasm, dataIdMap } = backend;

  function ownAddress(tensor: tf.Tensor): number | undefined {
    // `get` of a tensor that lives in another backend would move it here: ask first.
    if (!dataIdMap.has(tensor.dataId) || backend.refCount(tensor.dataId) !== 1) return undefined;
    const address = dataIdMap.get(tensor.dataId).memoryOffset;
    return address === null || address % 4 !== 0 ? undefined : address;
  }

  function changed(tensor: tf.Tensor): void {
    // tfjs keeps weights that it repacked for XNNPACK under the tensor's number, and would go on using
    // them: measured, a dense layer predicts as before. Telling it that the number is gone drops them;
    // the buffer itself is freed elsewhere (`disposeData` of the backend), so it stays.
    const { id, memoryOffset } = dataIdMap.get(tensor.dataId);
    wasm.tfjs.disposeData(id);
    wasm.tfjs.registerTensor(id, tensor.size, memoryOffset as number);
  }

  return {
    memory,
    allocator: alignedAllocator(wasm),
    ownAddress,
    holds: (tensor) => dataIdMap.has(tensor.dataId) && dataIdMap.get(tensor.dataId).memoryOffset !== null,
    address: (tensor) => dataIdMap.get(tensor.dataId).memoryOffset as number,
    output: (shape, dtype = "float32") => backend.makeOutput(shape, dtype),
    release: (tensor) => void backend.disposeData(tensor.dataId),
    changed,
  };
}

const ALIGNMENT = 64;

/** Emscripten's allocator promises 8 bytes of alignment; kernels want 64. */
function alignedAllocator(wasm: WasmModule): Allocator {
  const blocks = new Map<number, number>();
  return {
    alloc(bytes) {
      // malloc takes 32 bits, and would take what is left of a larger number; it is signed above 2 GiB.
      const block = bytes + ALIGNMENT < 2 ** 32 ? wasm._malloc(bytes + ALIGNMENT) >>> 0 : 0;
      if (block === 0) throw new RangeError(`alloc: tfjs' heap has no room for ${bytes} bytes`);
      const address = block + ALIGNMENT - (block % ALIGNMENT);
      blocks.set(address, block);
      return address;
    },
    free(address) {
      if (address === 0) return;
      const block = blocks.get(address);
      if (block === undefined) throw new RangeError(`free: no block at address ${address}`);
      blocks.delete(address);
      wasm._free(block);
    },
  };
}
