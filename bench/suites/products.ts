/** s8 x u7 products against tfjs' f32 product of the same real matrices. */

import { createKernels, type Kernels } from "../../src/kernels.js";
import type { Contest, TimeCase } from "../contest.js";
import { heNormal, reluCodes, toReal } from "../data.js";
import { matchAll, matchExact, matchWithin } from "../match.js";
import { multiply, requantize } from "../plain.js";
import { openTfjs, readingSide, readTensor } from "../tfjs.js";

interface Product {
  readonly rows: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Per cent of the weights that are zero. */
  readonly zeros: number;
  readonly pattern?: "1x4" | "4x4" | "4:16";
}

const vector = { rows: 1, inputs: 1024, outputs: 1024 };
const matrix = { rows: 256, inputs: 512, outputs: 512 };

const products: readonly Product[] = [
  { ...vector, zeros: 0 },
  { ...vector, zeros: 75, pattern: "4x4" },
  { ...vector, zeros: 90, pattern: "4x4" },
  { ...vector, zeros: 75, pattern: "1x4" },
  { ...vector, zeros: 90, pattern: "1x4" },
  { ...vector, zeros: 75, pattern: "4:16" },
  { ...matrix, zeros: 0 },
  { ...matrix, zeros: 75, pattern: "1x4" },
  { ...matrix, zeros: 90, pattern: "1x4" },
  { ...matrix, zeros: 75, pattern: "4x4" },
  { ...matrix, zeros: 90, pattern: "4x4" },
];

export const productCases: readonly TimeCase[] = products.map((product) => ({
  suite: "kernels",
  name: productName(product),
  subject: "pare",
  peer: "tfjs-wasm f32",
  prepare: () => prepare(product),
}));

export const productNote =
  "products: He-normal f32 weights, pruned by pattern, then s8 per output channel, both by pare's own kernels; " +
  "relu-like u7 inputs; u7 out, copies in and out included. tfjs multiplies the same real numbers in f32, " +
  "tensors made beforehand, result read by dataSync() and disposed.";

function productName({ rows, inputs, outputs, zeros, pattern }: Product): string {
  const op = rows === 1 ? "matvec" : "matmul";
  return `${op} ${rows}x${inputs}x${outputs} s${zeros}${pattern ? ` ${pattern}` : ""}`;
}

// A power of two, so that a code times it is exact.
const inputScale = 1 / 32;
// u7 codes of a result with both signs: as many steps on either side of zero.
const zero = 64;

async function prepare(product: Product): Promise<Contest> {
  const { rows, inputs, outputs, pattern } = product;
  const kernels = createKernels();
  const { codes, scale } = weightCodes(kernels, product);
  const x = reluCodes(rows * inputs, 2);
  const sums = multiply(x, codes, rows, inputs, outputs);
  const outputScale = largest(toReal(sums, scale)) * (inputScale / 63);
  const mult = scale.map((channel) => (inputScale * channel) / outputScale);
  const layout = pattern === undefined ? "dense" : pattern === "4:16" ? "4of16" : pattern;
  const packed = kernels.pack(codes, { inputs, outputs, layout, mult, zero });
  const out = new Uint8Array(rows * outputs);
  const run = rows === 1 ? () => packed.matvec(x, out) : () => packed.matmul(x, rows, out);

  const tf = await openTfjs();
  const left = tf.tensor2d(
    Float32Array.from(x, (code) => code * inputScale),
    [rows, inputs],
  );
  const right = tf.tensor2d(toReal(codes, scale), [inputs, outputs]);
  const peer = () => tf.matMul(left, right);
  const real = Float32Array.from(run(), (code) => (code - zero) * outputScale);
  return {
    match: matchAll(
      matchExact("plain loops", run(), requantize(sums, mult, zero)),
      // Half a step is what rounding to u7 may cost; the rest is tfjs' own rounding in f32.
      matchWithin("tfjs", real, readTensor(peer()), 0.51 * outputScale),
    ),
    subject: { name: "pare", run },
    peer: readingSide("tfjs-wasm f32", peer),
    dispose: () => tf.dispose([left, right]),
  };
}

function weightCodes(kernels: Kernels, { inputs, outputs, zeros, pattern }: Product) {
  const w = heNormal(inputs, outputs, 1);
  if (pattern === "4:16") kernels.pruneBlocks(w, { inputs, outputs, pattern });
  else if (pattern) kernels.pruneBlocks(w, { inputs, outputs, pattern, sparsity: zeros / 100 });
  const scale = kernels.absMax(w, { channels: outputs }).map((most) => most / 127);
  const { codes } = kernels.quantize(w, { divisor: scale, rounding: "halfEven" });
  return { codes, scale };
}

const largest = (numbers: Float32Array): number =>
  numbers.reduce((most, number) => Math.max(most, Math.abs(number)), 0);
