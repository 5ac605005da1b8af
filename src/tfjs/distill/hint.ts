/** Hints: a layer of the student learns what a layer of the teacher gives out. */

import * as tf from "@tensorflow/tfjs-core";
import { createRandom } from "../../data/index.js";
import { product } from "../columns.js";
import { checkNumber, type DistillationLoss, type Pair } from "./loss.js";
import { findLayer, layerShape } from "./watch.js";

export interface HintOptions {
  /** Name of a layer of the teacher; of nested models too. */
  readonly teacherLayer: string;
  /** Name of a layer of the student itself. */
  readonly studentLayer: string;
  /** Which of several teachers, counted from 0; the first unless given. */
  readonly teacher?: number;
  /**
   * Brings the student's channels to the teacher's: "auto" (unless given) where their numbers differ, "always", or
   * "none". It learns with the student and is gone after the run.
   */
  readonly projector?: "auto" | "always" | "none";
  /** Of this term, >= 0; 1 unless given. */
  readonly weight?: number;
  /** Of the projector, any safe integer; 0 unless given. */
  readonly seed?: number;
}

/**
 * Adds `weight / 2 mean((teacher - projector(student))^2)`, the mean over all numbers of the layers in a batch.
 * Romero et al. 2014, FitNets, equation 3, there a sum over the numbers of a sample, which would make the weight
 * depend on the layer's size.
 *
 * The projector is linear with a bias: dense for [features], the same for each place, a 1x1 convolution, for
 * [..., channels]. All sizes but the last must be the same.
 *
 * @throws TypeError, RangeError for options out of range
 */
export function hint(options: HintOptions): DistillationLoss {
  const { teacherLayer, studentLayer, teacher = 0, projector = "auto", weight = 1, seed = 0 } = options;
  if (!["auto", "always", "none"].includes(projector)) {
    throw new RangeError(`projector: wanted auto, always or none, got ${projector}`);
  }
  checkNumber("weight", weight, { least: 0 });
  const from = { layer: teacherLayer, teacher };
  return {
    name: "hint",
    teacherLayers: [from],
    term: (pair) => {
      const { wanted, got } = checkSizes(pair, options);
      const differ = wanted.at(-1) !== got.at(-1);
      if (differ && projector === "none") {
        throw new RangeError(
          `projector: none wants ${wanted.at(-1)} channels in ${studentLayer}, got ${got.at(-1)}`,
        );
      }
      let project: Projector | undefined;
      return {
        name: "hint",
        layers: [studentLayer],
        open: () => {
          const needed = differ || projector === "always";
          project = needed ? createProjector(got.at(-1) as number, wanted.at(-1) as number, seed) : undefined;
        },
        variables: () => project?.variables() ?? [],
        of: (batch) => {
          const own = batch.activation(studentLayer);
          const value = project ? project.apply(own) : own;
          return tf.mul(tf.mean(tf.squaredDifference(pair.teachers.layer(from, batch), value)), weight / 2);
        },
        dispose: () => project?.dispose(),
      };
    },
  };
}

function checkSizes({ teachers, student }: Pair, { teacherLayer, studentLayer, teacher = 0 }: HintOptions) {
  const wanted = teachers.layerShape({ layer: teacherLayer, teacher });
  const got = layerShape(findLayer(student, studentLayer, "studentLayer"), "studentLayer");
  if (String(wanted.slice(0, -1)) !== String(got.slice(0, -1))) {
    throw new RangeError(
      `hint: wanted [${wanted.slice(0, -1)}] of ${studentLayer} as ${teacherLayer} has, got [${got.slice(0, -1)}]`,
    );
  }
  return { wanted, got };
}

interface Projector {
  apply(x: tf.Tensor): tf.Tensor;
  variables(): tf.Variable[];
  dispose(): void;
}

/** [..., inputs] -> [..., outputs], to begin with uniform within sqrt(6 / (inputs + outputs)), bias 0 (Glorot). */
function createProjector(inputs: number, outputs: number, seed: number): Projector {
  const random = createRandom(seed);
  const bound = Math.sqrt(6 / (inputs + outputs));
  const values = Float32Array.from({ length: inputs * outputs }, () => random.uniform(-bound, bound));
  const [kernel, bias] = tf.tidy(() => [
    tf.variable(tf.tensor(values, [inputs, outputs])),
    tf.variable(tf.zeros([outputs])),
  ]);
  return {
    apply: (x) => {
      const places = product(x.shape.slice(0, -1));
      const rows = tf.add(tf.matMul(tf.reshape(x, [places, inputs]), kernel as tf.Tensor2D), bias);
      return tf.reshape(rows, [...x.shape.slice(0, -1), outputs]);
    },
    variables: () => [kernel, bias],
    dispose: () => {
      kernel.dispose();
      bias.dispose();
    },
  };
}
