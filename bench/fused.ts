/**
 * The peer `tfjs-wasm fused`: a simplified graph in tfjs' own fused ops, batch normalization folded, which
 * is what a converted graph model runs. Ops are bound to their tensors once, as an executor would.
 */

import type { Tensor, Tensor4D } from "@tensorflow/tfjs";
import { type Graph, type Node, weightsOf } from "../src/graph/index.js";
import type { Tfjs } from "./tfjs.js";

export interface FusedModel {
  /** The first output; intermediate tensors are disposed. */
  predict(input: Tensor): Tensor;
  dispose(): void;
}

type Bound = (inputs: readonly Tensor[]) => Tensor;
type Numbers = Readonly<Record<string, readonly number[]>>;
type Activation = "linear" | "relu" | "relu6";

/** @throws RangeError for an op that the bench's nets have not */
export function buildFused(tf: Tfjs, graph: Graph): FusedModel {
  const held: Tensor[] = [];
  const [{ value: output }] = graph.outputs;
  const steps = graph.nodes.map((node, at) => ({
    node,
    run: bind(tf, graph, node, held),
    // Values that no later node reads: as a graph executor does, and quicker than tidy().
    last: [...new Set(node.inputs)].filter((value) => {
      const isKept = value === output || graph.inputs.some(({ name }) => name === value);
      return !isKept && !graph.nodes.slice(at + 1).some(({ inputs }) => inputs.includes(value));
    }),
  }));
  return {
    predict(input) {
      const values = new Map<string, Tensor>([[graph.inputs[0].name, input]]);
      for (const { node, run, last } of steps) {
        values.set(node.name, run(node.inputs.map((value) => values.get(value) as Tensor)));
        for (const value of last) values.get(value)?.dispose();
      }
      return values.get(output) as Tensor;
    },
    dispose: () => tf.dispose(held),
  };
}

function bind(tf: Tfjs, graph: Graph, node: Node, held: Tensor[]): Bound {
  // An operand of its own in no op of tfjs, and left out it would not be missed within the bound of the match.
  if (node.op === "conv2d" && node.inputs.length > 1) {
    throw new RangeError(`fused: no residual in ${node.name}: wanted an add`);
  }
  const weights = weightsOf(graph, node);
  const tensor = (role: string): Tensor | undefined => {
    const weight = weights[role];
    if (!weight) return undefined;
    const made = tf.tensor(weight.data as Float32Array, [...weight.shape]);
    held.push(made);
    return made;
  };
  const { strides, padding, dilations, size } = node.attrs as Numbers;
  const [fused, after] = activation(tf, node);
  switch (node.op) {
    case "conv2d":
    case "depthwiseConv2d": {
      const config = {
        filter: tensor("kernel") as Tensor4D,
        strides: strides as [number, number],
        dilations: dilations as [number, number],
        activation: fused,
        ...optional("bias", tensor("bias")),
      };
      const run = node.op === "conv2d" ? tf.fused.conv2d : tf.fused.depthwiseConv2d;
      const window = [0, 1].map((axis) => (config.filter.shape[axis] - 1) * dilations[axis] + 1);
      return ([x]) => {
        const pad = padOf(padding, strides, x, window) as "same";
        return after(run({ x: x as Tensor4D, pad, ...config }));
      };
    }
    case "dense": {
      const b = tensor("kernel") as Tensor;
      const bias = optional("bias", tensor("bias"));
      return ([a]) => after(tf.fused.matMul({ a, b, activation: fused, ...bias }));
    }
    case "maxPool":
      return ([x]) =>
        tf.maxPool(x as Tensor4D, pair(size), pair(strides), padOf(padding, strides, x, size) as "same");
    case "averagePool":
      return ([x]) =>
        tf.avgPool(x as Tensor4D, pair(size), pair(strides), padOf(padding, strides, x, size) as "same");
    case "reduce":
      return ([x]) => tf.mean(x, [...(node.attrs.axes as readonly number[])], node.attrs.keepDims === true);
    case "add":
      return ([a, b]) => after(applied(tf, fused, tf.add(a, b)));
    case "reshape": {
      const shape = (node.attrs.shape as readonly (number | null)[]).slice(1) as number[];
      return ([x]) => x.reshape([x.shape[0], ...shape]);
    }
    case "softmax":
      return ([x]) => tf.softmax(x);
    default:
      throw new RangeError(`fused: no tfjs op for ${node.op}`);
  }
}

const pair = (numbers: readonly number[]): [number, number] => [numbers[0], numbers[1]];
const optional = (key: string, value: Tensor | undefined) => (value ? { [key]: value } : {});

/** "same" and "valid" where they are that: tfjs takes a slower way with padding in numbers. */
function padOf(
  padding: readonly number[],
  strides: readonly number[],
  { shape }: Tensor,
  size: readonly number[],
): "same" | "valid" | [number, number][] {
  if (padding.every((cells) => cells === 0)) return "valid";
  const isSame = [0, 1].every((axis) => {
    const places = Math.ceil(shape[axis + 1] / strides[axis]);
    const cells = Math.max((places - 1) * strides[axis] + size[axis] - shape[axis + 1], 0);
    return padding[2 * axis] === cells >> 1 && padding[2 * axis + 1] === cells - (cells >> 1);
  });
  if (isSame) return "same";
  return [
    [0, 0],
    [padding[0], padding[1]],
    [padding[2], padding[3]],
    [0, 0],
  ];
}

function activation(tf: Tfjs, node: Node): readonly [Activation, (x: Tensor) => Tensor] {
  const { activation: name = "linear", maxValue } = node.attrs;
  const plain = (x: Tensor) => x;
  if (name === "relu" && maxValue === 6) return ["relu6", plain];
  if (maxValue === undefined && (name === "linear" || name === "relu" || name === "relu6"))
    return [name, plain];
  if (name === "sigmoid") return ["linear", (x) => tf.sigmoid(x)];
  throw new RangeError(`fused: no tfjs activation for ${name} ${maxValue}`);
}

function applied(tf: Tfjs, name: Activation, x: Tensor): Tensor {
  if (name === "relu") return tf.relu(x);
  return name === "relu6" ? tf.relu6(x) : x;
}
