/** Fast kernels for training on tfjs' wasm backend, in its own memory, and those that it has not. */

import type * as core from "@tensorflow/tfjs-core";
import type { Variant } from "../../wasm/index.js";
import { findHeap } from "../heap.js";
import { type ApplyGradients, applyAdam } from "./adam.js";
import { filterGradient, inputGradient } from "./convolution.js";
import { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise.js";
import { dilatedGradients } from "./dilation.js";
import { greaterEqual, lessEqual, logicalAnd, meanRows, sumRows, tile } from "./elements.js";
import { type Host, type KernelFunction, openHost } from "./host.js";
import { batchMatMul, fusedMatMul } from "./matmul.js";
import { maxPoolGradient } from "./pooling.js";

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

type MakeKernel = (
  host: Host,
  own: KernelFunction,
  others: (name: string) => KernelFunction,
) => KernelFunction;

const makers: Readonly<Record<string, MakeKernel>> = {
  BatchMatMul: batchMatMul,
  _FusedMatMul: fusedMatMul,
  Conv2DBackpropFilter: filterGradient,
  Conv2DBackpropInput: inputGradient,
  DepthwiseConv2dNativeBackpropFilter: depthwiseFilterGradient,
  DepthwiseConv2dNativeBackpropInput: depthwiseInputGradient,
  MaxPoolGrad: maxPoolGradient,
  // What steps of nets with batch normalization and clipped activations spend most of the rest in.
  Sum: sumRows,
  Mean: meanRows,
  Tile: tile,
  GreaterEqual: greaterEqual,
  LessEqual: lessEqual,
  LogicalAnd: logicalAnd,
};

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
  const before = new Map<string, core.KernelConfig | undefined>();
  const others = (name: string) => tf.getKernel(name, "wasm").kernelFunc as unknown as KernelFunction;
  for (const [name, make] of Object.entries(makers)) {
    const config = tf.getKernel(name, "wasm");
    before.set(name, config);
    const own = (config?.kernelFunc as unknown as KernelFunction | undefined) ?? absent(name);
    const fast = make(host, own, others);
    replace(tf, name, {
      ...config,
      kernelName: name,
      backendName: "wasm",
      // A backend that was removed and made anew has another memory.
      kernelFunc: ((call: Parameters<KernelFunction>[0]) =>
        call.backend === backend ? fast(call) : own(call)) as unknown as core.KernelFunc,
    });
  }
  const adam = tf.AdamOptimizer.prototype;
  const applyGradients = adam.applyGradients as ApplyGradients;
  const fastApply = applyAdam(host, applyGradients);
  adam.applyGradients = function (gradients) {
    (tf.backend() === backend ? fastApply : applyGradients).call(this, gradients);
  };
  const undoGradients = dilatedGradients(() => tf.backend() === backend);

  const acceleration: Acceleration = Object.freeze({
    variant: host.variant,
    kernels: [...before.keys(), "Adam"],
    added: [...before].flatMap(([name, config]) => (config ? [] : [name])),
    undo() {
      if (active.get(backend) !== acceleration) return;
      active.delete(backend);
      for (const [name, config] of before) replace(tf, name, config);
      adam.applyGradients = applyGradients;
      undoGradients();
      host.dispose();
    },
  });
  active.set(backend, acceleration);
  return acceleration;
}

function replace(tf: Tfjs, name: string, config: core.KernelConfig | undefined): void {
  if (tf.getKernel(name, "wasm")) tf.unregisterKernel(name, "wasm");
  if (config) tf.registerKernel(config);
}

function absent(name: string): KernelFunction {
  return () => {
    throw new Error(`${name}: backend wasm has no such kernel; it was made anew: call accelerate again`);
  };
}
