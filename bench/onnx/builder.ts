/** An ONNX model while it is made: its nodes, its constants, and the form that each value is in. */

import type { QuantParams } from "../../src/graph/index.js";
import { microsoft, type OnnxAttribute, type OnnxModel, type OnnxNode, type OnnxTensor } from "./model.js";

type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** A value of the graph in ONNX: pictures are [1, c, h, w], as onnxruntime's kernels want them. */
export interface Built {
  readonly name: string;
  /** Of the value as pare has it: [1, h, w, c]. */
  readonly shape: readonly number[];
  /** Of its codes; absent for f32. */
  readonly params?: QuantParams;
}

export class OnnxBuilder {
  /** By what they make, which says all of them: a value that two nodes read in another form changes it once. */
  readonly #nodes = new Map<string, OnnxNode>();
  readonly #constants = new Map<string, OnnxTensor>();

  /** @returns the output's name */
  node(output: string, op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    this.#nodes.set(output, { op, inputs, output, attributes });
    return output;
  }

  /** One of the ops that onnxruntime adds. */
  microsoftNode(output: string, op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    this.#nodes.set(output, { op, inputs, output, attributes, domain: microsoft });
    return output;
  }

  constant(name: string, shape: readonly number[], data: OnnxTensor["data"]): string {
    this.#constants.set(name, { shape, data });
    return name;
  }

  /** Names of a scale and a zero point, as all quantized ops take them. */
  params({ scale, zero }: QuantParams): [string, string] {
    return [
      this.constant(`scale ${scale}`, [], Float32Array.of(scale)),
      this.constant(`zero ${zero}`, [], Uint8Array.of(zero)),
    ];
  }

  /** The value as codes: those that it has, or of these parameters. */
  quantized(value: Built, params: QuantParams | undefined): Built & { readonly params: QuantParams } {
    if (value.params) return { ...value, params: value.params };
    if (!params) throw new RangeError(`onnx: wanted the scale of ${value.name}, got none`);
    const inputs = [value.name, ...this.params(params)];
    return { ...value, name: this.node(`${value.name} codes`, "QuantizeLinear", inputs), params };
  }

  /** The value as f32. */
  real(value: Built): Built {
    if (!value.params) return value;
    const { name, shape, params } = value;
    const inputs = [name, ...this.params(params)];
    return { name: this.node(`${name} real`, "DequantizeLinear", inputs), shape };
  }

  /** @param perm of a picture; any other value has one order only and stays */
  transposed(value: Built, perm: "to [c, h, w]" | "to [h, w, c]"): Built {
    if (value.shape.length !== 4) return value;
    const axes = perm === "to [c, h, w]" ? [0, 3, 1, 2] : [0, 2, 3, 1];
    return {
      ...value,
      name: this.node(`${value.name} ${perm}`, "Transpose", [value.name], { perm: axes }),
    };
  }

  reshaped(value: Built, output: string, shape: readonly number[]): Built {
    const to = this.constant(`shape ${shape}`, [shape.length], BigInt64Array.from(shape, BigInt));
    return { ...value, name: this.node(output, "Reshape", [value.name, to]), shape };
  }

  build(inputs: OnnxModel["inputs"], outputs: OnnxModel["outputs"]): OnnxModel {
    return { nodes: [...this.#nodes.values()], constants: this.#constants, inputs, outputs };
  }
}
