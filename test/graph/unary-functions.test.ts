import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  isUnaryFunctionName,
  type UnaryFunctionName,
  type UnaryNumbers,
  unaryFunctionNames,
  unaryFunctions,
  unaryNumbers,
} from "../../src/graph/index.js";
import { erf } from "../../src/graph/ops/erf.js";
import { expectClose } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

const xs = [-800, -30, -6, -3, -2.5, -1, -0.3, -1e-4, 0, 1e-4, 0.3, 1, 1.5, 2.5, 3, 5.9, 6, 6.1, 30, 800];

const layers: readonly (readonly [UnaryFunctionName, UnaryNumbers, tf.layers.Layer])[] = [
  ["relu", { maxValue: 2 }, tf.layers.reLU({ maxValue: 2 })],
  ["leakyRelu", {}, tf.layers.leakyReLU()],
  ["leakyRelu", { alpha: 0.1 }, tf.layers.leakyReLU({ alpha: 0.1 })],
  ["thresholdedRelu", {}, tf.layers.thresholdedReLU()],
  ["thresholdedRelu", { theta: 2 }, tf.layers.thresholdedReLU({ theta: 2 })],
  ["elu", {}, tf.layers.elu()],
];

const ofCore: Readonly<Partial<Record<UnaryFunctionName, (x: tf.Tensor) => tf.Tensor>>> = {
  abs: tf.abs,
  ceil: tf.ceil,
  erf: tf.erf,
  exp: tf.exp,
  floor: tf.floor,
  hardSwish: (x) => x.mul(x.add(3).clipByValue(0, 6)).div(6),
  log: tf.log,
  round: tf.round,
  sign: tf.sign,
  sqrt: tf.sqrt,
};

const ofLayersOnly = new Set(layers.map(([fn]) => fn).filter((fn) => !["relu", "elu"].includes(fn)));

const truncated = (x: tf.Tensor) => x.toInt().toFloat();

function compare(
  fn: UnaryFunctionName,
  numbers: UnaryNumbers,
  layer: { apply(x: tf.Tensor): unknown },
): void {
  const finite = fn === "exp" ? xs.filter((x) => x < 88) : xs;
  const wanted = (layer.apply(tf.tensor1d(finite)) as tf.Tensor).dataSync() as Float32Array;
  expectClose(
    finite.map((x) => unaryFunctions[fn](x, numbers)),
    wanted,
    2e-6,
  );
}

describe("every function is tfjs'", () => {
  for (const fn of unaryFunctionNames.filter((name) => !ofLayersOnly.has(name))) {
    test(fn, () => {
      const apply = fn === "trunc" ? truncated : ofCore[fn];
      if (apply) return compare(fn, {}, { apply });
      const activation = fn === "geluNew" ? "gelu_new" : fn;
      compare(fn, {}, tf.layers.activation({ activation } as Parameters<typeof tf.layers.activation>[0]));
    });
  }
  for (const [fn, numbers, layer] of layers) {
    test(`${fn} ${JSON.stringify(numbers)}`, () => compare(fn, numbers, layer));
  }
});

test("erf to the last digits", () => {
  // Abramowitz and Stegun, table 7.1, and DLMF 7.
  expect(erf(0)).toBe(0);
  expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 15);
  expect(erf(-1)).toBeCloseTo(-0.8427007929497149, 15);
  expect(erf(2)).toBeCloseTo(0.9953222650189527, 15);
  expect(erf(4)).toBeCloseTo(0.9999999845827421, 14);
  expect(erf(7)).toBe(1);
  expect(erf(-Infinity)).toBe(-1);
});

test("far out nothing overflows", () => {
  for (const fn of unaryFunctionNames) {
    // Roots and logarithms are of no negative number.
    const xs = fn === "sqrt" || fn === "log" ? [1e30] : [-1e30, 1e30];
    for (const x of xs) expect(unaryFunctions[fn](x), `${fn}(${x})`).not.toBeNaN();
  }
});

test("names are own names only", () => {
  expect(isUnaryFunctionName("relu")).toBe(true);
  expect(isUnaryFunctionName("constructor")).toBe(false);
  expect(isUnaryFunctionName(3)).toBe(false);
});

test("numbers have defaults, and others are left out", () => {
  expect(unaryNumbers("leakyRelu", {})).toEqual({ alpha: 0.3 });
  expect(unaryNumbers("leakyRelu", { alpha: 0.5, activation: "leakyRelu", theta: 1 })).toEqual({
    alpha: 0.5,
  });
  expect(unaryNumbers("relu", {})).toEqual({});
});
