/**
 * Which nodes hold weights that compression works on, and how those lie in memory: the one place
 * that pruning and quantization ask about an op.
 *
 * An op takes part as soon as its rule allows an s8 `kernel`. What its rule does not say (how the
 * kernel splits into taps and input channels) is a row of `forms` where the common form is wrong.
 */

import { type F32Weight, type Graph, type Node, opRule, weightsOf } from "../graph/index.js";

/** A kernel as `taps` matrices [inputs][outputs], one after the other. */
export interface KernelForm {
  readonly taps: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Why no pattern of zeros helps this op; absent where one does. */
  readonly notPrunable?: string;
}

export interface KernelNode {
  readonly node: Node;
  readonly kernel: F32Weight;
  readonly bias: F32Weight | undefined;
  readonly form: KernelForm;
  /** Products that one accumulator adds up. */
  readonly depth: number;
  /** Why the kernel stays f32; absent where it can be s8. */
  readonly onlyF32: string | undefined;
  /** Output channels: element i of the kernel belongs to channel i % channels. */
  readonly channels: number;
}

type FormOf = (shape: readonly number[]) => KernelForm;

/** A dense kernel is one tap; a convolution's [height, width, inputs, outputs] has height * width. */
const commonForm: FormOf = (shape) => ({
  taps: product(shape.slice(0, -2)),
  inputs: shape.at(-2) ?? 1,
  outputs: shape.at(-1) ?? 1,
});

const depthwiseForm: FormOf = (shape) => ({
  taps: product(shape.slice(0, -2)),
  inputs: 1,
  outputs: product(shape.slice(-2)),
  notPrunable: "a depthwise kernel has one input channel for each output",
});

/** Ops that read their kernels in another form than the common one. */
const forms: Readonly<Record<string, FormOf>> = {
  depthwiseConv2d: depthwiseForm,
};

/** The nodes with f32 kernels that could be s8, in the order of the graph. */
export function kernelNodes(graph: Graph): readonly KernelNode[] {
  return graph.nodes.flatMap((node) => {
    const rule = opRule(node.op)?.weights.kernel;
    const { kernel, bias } = weightsOf(graph, node);
    if (!rule?.dtypes.includes("s8") || kernel?.dtype !== "f32") return [];
    const formOf = Object.hasOwn(forms, node.op) ? forms[node.op] : commonForm;
    const { shape } = kernel;
    return [
      {
        node,
        kernel,
        bias: bias?.dtype === "f32" ? bias : undefined,
        form: formOf(shape),
        onlyF32: onlyF32(node, shape),
        depth: rule.depth?.(shape) ?? product(shape.slice(0, -1)),
        channels: rule.channels?.(shape) ?? shape.at(-1) ?? 1,
      },
    ];
  });
}

function onlyF32({ op, inputs }: Node, shape: readonly number[]): string | undefined {
  if (op === "conv2d" && inputs.length > 1) return "a convolution with a residual runs in f32";
  if (op === "depthwiseConv2d" && shape[3] !== 1) return "a depthwise kernel with a multiplier runs in f32";
  if (["simpleRnn", "lstm", "gru"].includes(op))
    return "a recurrent cell runs in f32, its weights are stored in s8";
  return undefined;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((size, dim) => size * dim, 1);
}
