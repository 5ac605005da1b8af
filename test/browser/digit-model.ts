/** A model whose answers are known: output k is the brightness of the k-th tenth of the rows of an image. */

import { encodePare } from "../../src/file/index.js";
import type { Graph } from "../../src/graph/index.js";

const size = 28;
const digits = 10;

export function encodeDigitModel(): Promise<Uint8Array> {
  const kernel = new Int8Array(size * size * digits);
  for (let i = 0; i < size * size; i++) {
    const row = Math.floor(i / size);
    kernel[i * digits + Math.floor((row * digits) / size)] = 100;
  }
  const graph: Graph = {
    inputs: [{ name: "image", shape: [null, size * size] }],
    outputs: [{ name: "scores", value: "scores" }],
    nodes: [
      {
        name: "scores",
        op: "dense",
        inputs: ["image"],
        weights: { kernel: "kernel" },
        attrs: { activation: "linear" },
      },
    ],
    weights: new Map([
      [
        "kernel",
        {
          dtype: "s8",
          shape: [size * size, digits],
          data: kernel,
          scale: new Float32Array(digits).fill(1e-4),
        },
      ],
    ]),
    quant: new Map([["image", { scale: 1 / 127, zero: 0 }]]),
  };
  return encodePare(graph, { versions: { pare: "test" } });
}
