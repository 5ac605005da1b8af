/** Products of matrices: transposed ones are a number at a time in tfjs 4.22, and every gradient has one. */

import * as tf from "@tensorflow/tfjs-core";
import { gemmScratch } from "../../kernels/gemm-scratch.js";
import type { Host, KernelCall, KernelFunction, TensorInfo } from "./host.js";

// Below this many rows a tile of 4 is mostly padding, and tfjs' own product is as fast.
const FEW_ROWS = 8;

interface Factors {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** `BatchMatMul`: a and b f32 of rank >= 2, their outer axes broadcast. */
export function batchMatMul(host: Host, own: KernelFunction): KernelFunction {
  return (call) => {
    const { a, b } = call.inputs;
    const factors = factorsOf(call);
    if (!factors || (!isTransposed(factors) && factors.rows < FEW_ROWS)) return own(call);
    return multiply(host, a, b, factors);
  };
}

/** `_FusedMatMul`, of which tfjs keeps what it is fast at: nothing transposed, one matrix. */
export function fusedMatMul(host: Host, own: KernelFunction, others: Others): KernelFunction {
  return (call) => {
    const { a, b, bias, preluActivationWeights } = call.inputs;
    const factors = factorsOf(call);
    const activation = call.attrs.activation as string;
    const finish = activations[activation];
    const single = a.shape.length <= 3 && tf.util.sizeFromShape(a.shape.slice(0, -2)) === 1;
    if (!factors || !finish || preluActivationWeights || (single && !isTransposed(factors))) return own(call);
    let result = multiply(host, a, b, factors);
    const next = (name: string, inputs: KernelCall["inputs"], attrs: KernelCall["attrs"] = {}) => {
      const made = others(name)({ inputs, attrs, backend: call.backend });
      host.release(result);
      result = made;
    };
    if (bias) next("Add", { a: result, b: bias });
    if (finish.kernel) next(finish.kernel, { x: result }, { alpha: call.attrs.leakyreluAlpha });
    return result;
  };
}

/** Finds another kernel of the backend. */
export type Others = (name: string) => KernelFunction;

const activations: Readonly<Record<string, { readonly kernel?: string } | undefined>> = {
  linear: {},
  relu: { kernel: "Relu" },
  relu6: { kernel: "Relu6" },
  sigmoid: { kernel: "Sigmoid" },
  elu: { kernel: "Elu" },
  leakyrelu: { kernel: "LeakyRelu" },
};

function isTransposed({ transposeA, transposeB }: Factors): boolean {
  return transposeA || transposeB;
}

/** undefined where tfjs has to say what is wrong. */
function factorsOf({ inputs: { a, b }, attrs }: KernelCall): Factors | undefined {
  const [transposeA, transposeB] = [Boolean(attrs.transposeA), Boolean(attrs.transposeB)];
  const [aRows, aColumns] = transposeA ? a.shape.slice(-2).reverse() : a.shape.slice(-2);
  const [bRows, bColumns] = transposeB ? b.shape.slice(-2).reverse() : b.shape.slice(-2);
  if (a.dtype !== "float32" || b.dtype !== "float32" || aColumns !== bRows) return undefined;
  return { rows: aRows, columns: bColumns, depth: aColumns, transposeA, transposeB };
}

function multiply(host: Host, a: TensorInfo, b: TensorInfo, factors: Factors): TensorInfo {
  const { rows, columns, depth, transposeA, transposeB } = factors;
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(outerA, outerB);
  const result = host.output([...outer, rows, columns]);
  const scratch = host.scratch(gemmScratch(rows, columns, depth));
  const [y, atA, atB] = [host.address(result), host.address(a), host.address(b)];
  const [numbersA, numbersB] = [matrixOffsets(outerA, outer), matrixOffsets(outerB, outer)];
  for (let i = 0; i < numbersA.length; i++) {
    host.kernels.f32_gemm(
      y + i * rows * columns * 4,
      atA + numbersA[i] * rows * depth * 4,
      atB + numbersB[i] * depth * columns * 4,
      rows,
      columns,
      depth,
      columns,
      transposeA ? 1 : depth,
      transposeA ? rows : 1,
      transposeB ? 1 : columns,
      transposeB ? depth : 1,
      0,
      scratch,
    );
  }
  return result;
}

/** Which matrix of `outer` stands at each place of the broadcast axes `result`. */
function matrixOffsets(outer: readonly number[], result: readonly number[]): number[] {
  let offsets = [0];
  const missing = result.length - outer.length;
  for (const [axis, size] of result.entries()) {
    const own = axis < missing ? 1 : outer[axis - missing];
    offsets = offsets.flatMap((offset) =>
      Array.from({ length: size }, (_, i) => (axis < missing ? offset : offset * own + (own === 1 ? 0 : i))),
    );
  }
  return offsets;
}
