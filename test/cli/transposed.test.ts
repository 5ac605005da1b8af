import { beforeAll, expect, test } from "vitest";
import { fastTransposedProducts } from "../../src/cli/demo/transposed.js";
import { loadTfjs, type Tfjs } from "../../src/cli/peer.js";

let tf: typeof Tfjs;
beforeAll(async () => {
  tf = await loadTfjs();
});

test("products of transposed matrices keep their values, in two dimensions and in batches", () => {
  const products = () =>
    [[], [3]].flatMap((batch) =>
      [false, true].flatMap((transposeA) =>
        [false, true].map((transposeB) => {
          const a = tf.randomNormal([...batch, ...(transposeA ? [5, 7] : [7, 5])], 0, 1, "float32", 1);
          const b = tf.randomNormal([...batch, ...(transposeB ? [4, 5] : [5, 4])], 0, 1, "float32", 2);
          const product = tf.matMul(a, b, transposeA, transposeB);
          const data = Array.from(product.dataSync());
          tf.dispose([a, b, product]);
          return { shape: product.shape, data };
        }),
      ),
    );
  const wanted = products();
  const tensors = tf.memory().numTensors;
  const dataIds = tf.engine().backend.numDataIds();
  const own = tf.getKernel("BatchMatMul", "wasm").kernelFunc;
  const restore = fastTransposedProducts(tf);
  expect(tf.getKernel("BatchMatMul", "wasm").kernelFunc).not.toBe(own);
  const got = products();
  restore();
  expect(tf.getKernel("BatchMatMul", "wasm").kernelFunc).toBe(own);
  // Nothing is left of the transposed copies.
  expect([tf.memory().numTensors, tf.engine().backend.numDataIds()]).toEqual([tensors, dataIds]);
  got.forEach(({ shape, data }, i) => {
    expect(shape).toEqual(wanted[i].shape);
    data.forEach((value, k) => {
      expect(value).toBeCloseTo(wanted[i].data[k], 5);
    });
  });
});
