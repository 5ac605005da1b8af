/** dense: f32 dense or sparse by rows; s8 by the layout that costs least for the number of rows. */

import type { F32Weight, Node, S8Weight } from "../../graph/index.js";
import { packCsr } from "../../kernels/layouts.js";
import type { Lowering } from "../lowering.js";
import type { Buffer } from "../place.js";
import { activationOf, emitUnary } from "./elementwise.js";
import { finishCodes, multipliersAt, requantizeAt } from "./epilogue.js";
import { chooseProduct, type Product, productSteps } from "./product.js";

export function lowerDense(to: Lowering, node: Node): void {
  const kernel = to.weight(node, "kernel");
  if (kernel?.dtype === "f32") lowerF32(to, node, kernel);
  else if (kernel?.dtype === "s8") lowerS8(to, node, kernel);
  else throw new RangeError(`${node.name}: wanted a kernel of f32 or s8, got ${kernel?.dtype}`);
}

// Below this share of weights kept, rows without zeros beat the dense product: gathers cost about
// three times a streamed weight (bench/costs.ts).
const CSR_DENSITY = 0.3;

function lowerF32(to: Lowering, node: Node, kernel: F32Weight): void {
  const [input] = node.inputs;
  const [k, n] = kernel.shape;
  const m = to.size(input) / k;
  const key = node.weights.kernel;
  const bias = to.constants.upload(`${key}/${node.weights.bias}/f32`, () => {
    return to.weight(node, "bias")?.data ?? new Float32Array(n);
  });
  const x = to.f32(input);
  const y = to.define(node.name, "f32");
  const isSparse = to.constants.cache(`${key}/sparse`, () => density(kernel.data) < CSR_DENSITY);
  if (isSparse) {
    const csr = () => to.constants.cache(`${key}/csr`, () => packCsr(kernel.data, k, n));
    const values = to.constants.upload(`${key}/csr/values`, () => csr().values);
    const cols = to.constants.upload(`${key}/csr/cols`, () => csr().cols);
    const starts = to.constants.upload(`${key}/csr/starts`, () => csr().starts);
    to.once(`${node.name}: f32_matvec_csr`, y, x, (yAt, xAt) => {
      for (let row = 0; row < m; row++) {
        to.kernels.f32_matvec_csr(yAt + row * n * 4, xAt + row * k * 4, values, cols, starts, bias, n);
      }
    });
  } else {
    const w = to.constants.upload(key, () => kernel.data);
    to.once(`${node.name}: f32_matmul`, y, x, (yAt, xAt) =>
      to.kernels.f32_matmul(yAt, xAt, w, bias, m, k, n),
    );
  }
  finish(to, node, y, m * n);
}

function lowerS8(to: Lowering, node: Node, kernel: S8Weight): void {
  const [input] = node.inputs;
  const [k, n] = kernel.shape;
  const rows = to.size(input) / k;
  const x = to.u7(input);
  const sx = to.codes(input).scale;
  const out = to.quant(node.name);
  const product: Product = {
    name: node.name,
    key: `${node.weights.kernel}/${node.weights.bias}`,
    kernel,
    bias: to.weight(node, "bias")?.data as Int32Array | undefined,
    rows,
    isWide: out === undefined,
  };
  const layout = chooseProduct(to, product);
  if (!out) {
    // The last layer: the sums become real numbers without passing through 7 bits.
    const y = to.define(node.name, "f32");
    productSteps(to, product, layout, x, y, { mult: multipliersAt(to, node, kernel, sx, 1) });
    finish(to, node, y, rows * n);
    return;
  }
  const y = to.define(node.name, "u7");
  productSteps(to, product, layout, x, y, requantizeAt(to, node, kernel, sx, out));
  finishCodes(to, node, y);
}

function finish(to: Lowering, node: Node, y: Buffer, n: number): void {
  const fn = activationOf(node, "activation");
  if (fn !== "linear") emitUnary(to, node.name, fn, node.attrs, y, y, n);
}

function density(data: Float32Array): number {
  let kept = 0;
  for (const value of data) if (value !== 0) kept += 1;
  return data.length === 0 ? 1 : kept / data.length;
}
