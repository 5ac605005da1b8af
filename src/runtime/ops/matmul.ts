/** matmul of two values, and embedding: rows of a table chosen by a value. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { emitGather } from "./moves.js";

export function lowerMatmul(to: Lowering, node: Node): void {
  const [left, right] = node.inputs;
  const { transposeA, transposeB } = node.attrs;
  const [m, n] = to.shape(node.name).slice(-2) as number[];
  const k = to.shape(left).at(transposeA ? -2 : -1) as number;
  const matrices = to.size(node.name) / (m * n);
  const a = transposeA ? turned(to, node, left, k, m) : to.f32(left);
  const b = transposeB ? turned(to, node, right, n, k) : to.f32(right);
  const zeros = to.constants.upload(`${n} x 0`, () => new Float32Array(n));
  const y = to.define(node.name, "f32");
  to.emit({
    label: `${node.name}: f32_matmul`,
    reads: [a, b],
    writes: [y],
    bind: (at) => {
      const [yAt, aAt, bAt] = [at(y), at(a), at(b)];
      return () => {
        for (let i = 0; i < matrices; i++) {
          to.kernels.f32_matmul(
            yAt + i * m * n * 4,
            aAt + i * m * k * 4,
            bAt + i * k * n * 4,
            zeros,
            m,
            k,
            n,
          );
        }
      };
    },
  });
}

/** A value's matrices [rows, columns] as [columns, rows]. */
function turned(to: Lowering, node: Node, value: string, rows: number, columns: number): Buffer {
  const x = to.f32(value);
  const y = to.scratch(x.bytes);
  const sources = [
    Array.from({ length: columns }, (_, i) => i),
    Array.from({ length: rows }, (_, i) => i * columns),
  ];
  const step = rows * columns;
  const each = { rows: x.bytes / 4 / step, step };
  emitGather(to, node.name, `turned/${rows}/${columns}`, y, x, sources, each);
  return y;
}

export function lowerEmbedding(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const table = to.weight(node, "embeddings");
  if (table?.dtype !== "f32" && table?.dtype !== "s8") {
    throw new RangeError(`${node.name}: wanted embeddings of f32 or s8, got ${table?.dtype}`);
  }
  const [rows, n] = table.shape;
  const key = node.weights.embeddings;
  const address = to.constants.upload(key, () => table.data);
  const scale =
    table.dtype === "s8" ? to.constants.upload(`${key}/scale`, () => scalesOf(table.scale, n)) : 0;
  const m = to.size(input);
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  to.once(`${node.name}: f32_embedding`, y, x, (yAt, xAt) =>
    to.kernels.f32_embedding(yAt, xAt, address, scale, m, n, rows),
  );
}

const scalesOf = (scale: Float32Array, n: number) =>
  Float32Array.from({ length: n }, (_, i) => scale[i % scale.length]);
