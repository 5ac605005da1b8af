/** Each weight by itself: its bytes are what its shape says, its codes within range. */

import { kindOf } from "../bytes.js";
import { GraphError } from "../errors.js";
import { formatShape, isWeightShape, sizeOf } from "../shape.js";
import type { Graph, S8Weight, U7Weight, Weight } from "../types.js";
import { isNormalScale } from "./numbers.js";

const arrays = { f32: "Float32Array", s8: "Int8Array", i32: "Int32Array", u7: "Uint8Array" } as const;

/** @throws GraphError graph-weight, memory-cap, weight-range, weight-scale, table-range */
export function checkWeights(graph: Graph, memoryCap: number): void {
  let bytes = 0;
  for (const [key, weight] of graph.weights) {
    checkData(key, weight);
    bytes += weight.data.byteLength;
  }
  if (bytes > memoryCap) {
    throw new GraphError("memory-cap", `weights: wanted at most ${memoryCap} bytes, got ${bytes}`);
  }
  for (const [key, weight] of graph.weights) {
    if (weight.dtype === "s8") checkCodes(key, weight);
    if (weight.dtype === "u7") checkTable(key, weight);
  }
}

function checkData(key: string, { dtype, shape, data }: Weight): void {
  if (!Object.hasOwn(arrays, dtype)) {
    throw new GraphError("graph-weight", `${key}: wanted a dtype of f32, s8, i32, u7, got ${dtype}`);
  }
  const got = kindOf(data);
  if (got !== arrays[dtype]) {
    throw new GraphError("graph-weight", `${key}: ${dtype} wants a ${arrays[dtype]}, got ${got}`);
  }
  if (!isWeightShape(shape)) {
    throw new GraphError(
      "graph-weight",
      `${key}: wanted a shape of sizes of at least 1, of rank 8 or less, got ${formatShape(shape)}`,
    );
  }
  const size = sizeOf(shape);
  if (size !== data.length) {
    throw new GraphError(
      "graph-weight",
      `${key}: ${formatShape(shape)} wants ${size} elements, got ${data.length}`,
    );
  }
}

function checkCodes(key: string, { data, scale }: S8Weight): void {
  // -128 has no positive twin, and -(-128) overflows s8 in kernels that negate.
  const index = data.indexOf(-128);
  if (index >= 0) {
    throw new GraphError("weight-range", `${key}: wanted codes in [-127, 127], got -128 at ${index}`);
  }
  const bad = scale.findIndex((value) => !isNormalScale(value));
  if (bad >= 0) {
    throw new GraphError(
      "weight-scale",
      `${key}: wanted scales that are positive, finite, normal f32, got ${scale[bad]} for channel ${bad}`,
    );
  }
}

function checkTable(key: string, { data }: U7Weight): void {
  const index = data.findIndex((code) => code > 127);
  if (index >= 0) {
    throw new GraphError("table-range", `${key}: wanted entries in [0, 127], got ${data[index]} at ${index}`);
  }
}
