/** The part of ONNX that the bench writes: onnx.proto's messages as data, and their bytes. */

import { concatBytes, delimited, type Fields, float, integer, message, text } from "./protobuf.js";

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

export interface OnnxNode {
  readonly op: string;
  /** Absent for the ops of ONNX itself. */
  readonly domain?: typeof microsoft;
  /** Names; "" for an optional one that is left out. */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** An integer, integers, or an f32. */
export type OnnxAttribute = number | readonly number[] | { readonly float: number };

/** Its dtype is that of its array: f32, u8, s8, i32, or i64. */
export interface OnnxTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array;
}

/** An f32 input or output. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly number[];
}

/** The ops that onnxruntime adds to those of ONNX. */
export const microsoft = "com.microsoft";

// IR 8 goes with opset 17, of 2022: every op that is needed, and nothing that is newer.
const irVersion = 8;
const opsets: readonly (readonly [string, number])[] = [
  ["", 17],
  [microsoft, 1],
];

/** TensorProto.DataType */
const dtypes = { f32: 1, u8: 2, s8: 3, i32: 6, i64: 7 } as const;

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, integer: 2, integers: 7 } as const;

/** ModelProto */
export function encodeOnnx({ nodes, constants, inputs, outputs }: OnnxModel): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, nodeFields(node))),
    text(2, "graph"),
    ...[...constants].map(([name, tensor]) => message(5, tensorFields(name, tensor))),
    ...inputs.map((value) => message(11, valueFields(value))),
    ...outputs.map((value) => message(12, valueFields(value))),
  ];
  return concatBytes([
    integer(1, irVersion),
    text(2, "pare bench"),
    message(7, graph),
    ...opsets.map(([domain, version]) => message(8, [text(1, domain), integer(2, version)])),
  ]);
}

/** NodeProto */
function nodeFields({ op, domain, inputs, output, attributes = {} }: OnnxNode): Fields {
  return [
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => message(5, attributeFields(name, value))),
    ...(domain === undefined ? [] : [text(7, domain)]),
  ];
}

/** AttributeProto */
function attributeFields(name: string, value: OnnxAttribute): Fields {
  if (typeof value === "number") {
    return [text(1, name), integer(3, value), integer(20, attributeTypes.integer)];
  }
  if ("float" in value) return [text(1, name), float(2, value.float), integer(20, attributeTypes.float)];
  return [text(1, name), ...value.map((one) => integer(8, one)), integer(20, attributeTypes.integers)];
}

/** TensorProto, its numbers as raw_data, which is little endian as every engine's arrays are */
function tensorFields(name: string, { shape, data }: OnnxTensor): Fields {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [
    ...shape.map((dim) => integer(1, dim)),
    integer(2, dtypeOf(data)),
    text(8, name),
    delimited(9, raw),
  ];
}

function dtypeOf(data: OnnxTensor["data"]): number {
  if (data instanceof Float32Array) return dtypes.f32;
  if (data instanceof Uint8Array) return dtypes.u8;
  if (data instanceof Int8Array) return dtypes.s8;
  return data instanceof Int32Array ? dtypes.i32 : dtypes.i64;
}

/** ValueInfoProto of a TypeProto of a tensor */
function valueFields({ name, shape }: OnnxValue): Fields {
  const dims = message(
    2,
    shape.map((dim) => message(1, [integer(1, dim)])),
  );
  return [text(1, name), message(2, [message(1, [integer(1, dtypes.f32), dims])])];
}
