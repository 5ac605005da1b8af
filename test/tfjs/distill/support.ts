/** Losses of distillation on tensors given by hand, and gradients by differences. */

import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import { soften } from "../../../src/tfjs/distill/divergence.js";
import type { Kind } from "../../../src/tfjs/distill/head.js";
import type { DistillationLoss, Pair } from "../../../src/tfjs/distill/loss.js";
import type { StepBatch } from "../../../src/tfjs/step.js";

export interface Given {
  readonly shape: readonly number[];
  readonly values: ArrayLike<number>;
}

export interface Scene {
  readonly kind?: Kind | undefined;
  /** Logits of the teachers, with weights of sum 1, and of the student. */
  readonly teachers?: readonly { readonly logits: Given; readonly weight: number }[];
  readonly student?: Given;
  readonly y?: Given;
  /** By name, of either model; the losses read `activation` and `layer` of these names. */
  readonly teacherLayers?: Readonly<Record<string, Given>>;
  readonly studentLayers?: Readonly<Record<string, Given>>;
}

const tensorOf = ({ shape, values }: Given) => tf.tensor(Float32Array.from(values), [...shape]);

/** Value of a loss, and its gradients by the student's logits ("logits"), its layers and the term's variables. */
export function evaluate(loss: DistillationLoss, scene: Scene) {
  const { kind, teachers = [], student, y, teacherLayers = {}, studentLayers = {} } = scene;
  const asModel = {
    outputs: [{ shape: student ? [null, ...student.shape.slice(1)] : [null, 1] }],
    layers: Object.entries(studentLayers).map(([name, { shape }]) => ({
      name,
      outputShape: [null, ...shape.slice(1)],
    })),
  };
  const variables: Record<string, tf.Variable> = {};
  const before = tf.memory().numTensors;
  const pair = {
    student: asModel,
    head: { kind, logits: () => variables.logits },
    teachers: {
      kind,
      layerShape: ({ layer }: { layer: string }) => teacherLayers[layer].shape.slice(1),
      layer: ({ layer }: { layer: string }) => tensorOf(teacherLayers[layer]),
      softened: (asked: Kind, _: unknown, temperature: number) =>
        soften(
          asked,
          teachers.map(({ logits }) => tensorOf(logits)),
          teachers.map(({ weight }) => weight),
          temperature,
        ),
    },
  } as unknown as Pair;
  try {
    if (student) variables.logits = tf.tidy(() => tf.variable(tensorOf(student)));
    for (const [name, given] of Object.entries(studentLayers)) {
      variables[name] = tf.tidy(() => tf.variable(tensorOf(given)));
    }
    const term = loss.term(pair);
    term.open?.(pair.student);
    const own = Object.fromEntries((term.variables?.() ?? []).map((variable, i) => [`own${i}`, variable]));
    const all = { ...variables, ...own };
    const read = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
    const result = tf.tidy(() => {
      const batch = {
        y: y && tensorOf(y),
        activation: (name: string) => variables[name],
      } as unknown as StepBatch;
      const { value, grads } = tf.variableGrads(() => term.of(batch) as tf.Scalar, Object.values(all));
      const gradients = Object.entries(all).flatMap(([name, variable]) =>
        grads[variable.name] ? [[name, read(grads[variable.name])]] : [],
      );
      return {
        value: value.dataSync()[0],
        shape: value.shape,
        gradients: Object.fromEntries(gradients) as Record<string, number[]>,
        own: Object.fromEntries(Object.entries(own).map(([name, variable]) => [name, read(variable)])),
      };
    });
    term.dispose?.();
    for (const variable of Object.values(variables)) variable.dispose();
    expect(tf.memory().numTensors, "tensors left").toBe(before);
    return result;
  } finally {
    for (const variable of Object.values(variables)) variable.dispose();
  }
}

/** Central differences of a plain function. */
export function differences(f: (x: number[]) => number, at: ArrayLike<number>, step = 1e-5): number[] {
  const x = Array.from(at);
  return x.map((value, i) => {
    x[i] = value + step;
    const above = f(x);
    x[i] = value - step;
    const below = f(x);
    x[i] = value;
    return (above - below) / (2 * step);
  });
}

/** Each within `bound` of the largest. */
export function expectNear(got: ArrayLike<number>, wanted: ArrayLike<number>, bound = 1e-4): void {
  expect(got.length).toBe(wanted.length);
  const scale = Math.max(1e-3, ...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++) {
    expect(Math.abs(got[i] - wanted[i]) / scale, `[${i}]: ${got[i]} for ${wanted[i]}`).toBeLessThan(bound);
  }
}

export const rowsOf = (values: ArrayLike<number>, size: number): number[][] =>
  Array.from({ length: values.length / size }, (_, i) =>
    Array.from({ length: size }, (_, k) => values[i * size + k]),
  );

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
export const mean = (values: readonly number[]): number => sum(values) / values.length;

export function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - most));
  return powers.map((power) => power / sum(powers));
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** sum(p log(p / q)) */
export const divergenceOf = (p: readonly number[], q: readonly number[]): number =>
  sum(p.map((share, i) => (share === 0 ? 0 : share * Math.log(share / q[i]))));
