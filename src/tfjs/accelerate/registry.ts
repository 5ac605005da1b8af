/** Which kernels of backend wasm are ours, and how they get into tfjs' registry and out again. */

import type * as core from "@tensorflow/tfjs-core";
import { filterGradient, inputGradient } from "./convolution.js";
import { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise.js";
import { greaterEqual, lessEqual, logicalAnd, meanRows, sumRows, tile } from "./elements.js";
import type { Host, KernelCall, KernelFunction } from "./host.js";
import { batchMatMul, fusedMatMul } from "./matmul.js";
import { maxPoolGradient } from "./pooling.js";

export type Registry = Pick<typeof core, "getKernel" | "registerKernel" | "unregisterKernel">;

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

/** What was registered, and how to undo it. */
export interface Registered {
  readonly names: readonly string[];
  /** Those that the backend did not have. */
  readonly added: readonly string[];
  undo(): void;
}

export function registerKernels(tf: Registry, host: Host, backend: object): Registered {
  const others = (name: string) => functionOf(tf.getKernel(name, "wasm")) ?? absent(name);
  const before = Object.entries(makers).map(([name, make]) => {
    const config = tf.getKernel(name, "wasm");
    const own = functionOf(config) ?? absent(name);
    const fast = make(host, own, others);
    // A backend that was removed and made anew has another memory.
    const kernelFunc = (call: KernelCall) => (call.backend === backend ? fast(call) : own(call));
    replace(tf, name, {
      ...config,
      kernelName: name,
      backendName: "wasm",
      kernelFunc: kernelFunc as unknown as core.KernelFunc,
    });
    return { name, config };
  });
  return {
    names: before.map(({ name }) => name),
    added: before.flatMap(({ name, config }) => (config ? [] : [name])),
    undo() {
      for (const { name, config } of before) replace(tf, name, config);
    },
  };
}

function functionOf(config: core.KernelConfig | undefined): KernelFunction | undefined {
  return config?.kernelFunc as unknown as KernelFunction | undefined;
}

function replace(tf: Registry, name: string, config: core.KernelConfig | undefined): void {
  if (tf.getKernel(name, "wasm")) tf.unregisterKernel(name, "wasm");
  if (config) tf.registerKernel(config);
}

function absent(name: string): KernelFunction {
  return () => {
    throw new Error(`${name}: backend wasm has no such kernel; it was made anew: call accelerate again`);
  };
}
