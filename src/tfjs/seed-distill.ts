/** The article's distillation, to the letter: the student is fed with what the teacher gives out. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel } from "@tensorflow/tfjs-layers";
import { countSamples, numbersOf, sampleShape } from "./samples.js";
import { checkModel } from "./weights.js";

export interface SeedDistillOptions {
  /** Times that the student is trained on all samples at once, an integer >= 1; the article has 10. */
  readonly rounds?: number;
  /** Told what this pair is worth; `console.warn` unless given. */
  readonly onWarning?: (message: string) => void;
}

export interface SeedDistillReport {
  /** Of each round, before its step, as `trainOnBatch` says it. */
  readonly losses: readonly number[];
  /** Numbers in all weights of either model, and of both, which a prediction needs. */
  readonly teacherParameters: number;
  readonly studentParameters: number;
  readonly pairParameters: number;
}

/**
 * `student.train_on_batch(teacher.predict(x), y)`, ten times: a cascade, not a distillation. What it trains is
 * a second model behind the first. Use `distill`.
 *
 * The article's own pair does not run: its teacher gives out 1 number, its student takes 8.
 *
 * @param teacher one input, one output; it stays as it is
 * @param student compiled; its input has the sizes of the teacher's output
 * @param x f32 samples as the teacher gets them, one after the other
 * @param y f32 targets as the student gives them out, one after the other
 * @returns losses and counts, the same that the warning says
 * @throws TypeError where one is no LayersModel; RangeError where sizes do not fit or the student is not compiled
 */
export async function distill(
  teacher: LayersModel,
  student: LayersModel,
  x: Float32Array | tf.Tensor,
  y: Float32Array | tf.Tensor,
  options: SeedDistillOptions = {},
): Promise<SeedDistillReport> {
  const { rounds = 10, onWarning = console.warn } = options;
  checkModel(teacher);
  checkModel(student);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new RangeError(`rounds: wanted an integer >= 1, got ${rounds}`);
  }
  if (student.optimizer === undefined)
    throw new RangeError("student: wanted a compiled model, got one that is not");
  const given = sampleShape(teacher.outputs, "output");
  const taken = sampleShape(student.inputs, "input");
  if (String(given) !== String(taken)) {
    throw new RangeError(`student: wanted an input of [${given}] as the teacher gives out, got [${taken}]`);
  }
  const held: tf.Tensor[] = [];
  const hold = (tensor: tf.Tensor) => {
    held.push(tensor);
    return tensor;
  };
  try {
    const samples = hold(batchOf("x", x, sampleShape(teacher.inputs, "input")));
    const targets = hold(batchOf("y", y, sampleShape(student.outputs, "output")));
    const losses: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const fed = teacher.predict(samples) as tf.Tensor;
      try {
        losses.push([await student.trainOnBatch(fed, targets)].flat()[0]);
      } finally {
        fed.dispose();
      }
    }
    return report(teacher, student, losses, onWarning);
  } finally {
    for (const tensor of held) tensor.dispose();
  }
}

function batchOf(name: string, source: Float32Array | tf.Tensor, shape: readonly number[]): tf.Tensor {
  const numbers = numbersOf(source, name);
  return tf.tensor(numbers, [countSamples(name, numbers.length, shape), ...shape], "float32");
}

function report(
  teacher: LayersModel,
  student: LayersModel,
  losses: readonly number[],
  onWarning: (message: string) => void,
): SeedDistillReport {
  const [teacherParameters, studentParameters] = [teacher, student].map((model) => model.countParams());
  const pairParameters = teacherParameters + studentParameters;
  onWarning(
    "seed.distill: the pair is not smaller than the teacher. The student's input is the teacher's output, so a " +
      `prediction needs both: ${teacherParameters} and ${studentParameters} parameters, ${pairParameters} in all. ` +
      "distill trains a student that takes the teacher's inputs and stands alone",
  );
  return { losses, teacherParameters, studentParameters, pairParameters };
}
