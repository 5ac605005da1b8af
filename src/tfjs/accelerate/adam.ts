/** The update of Adam in one pass over each weight; tfjs makes a dozen tensors for it. */

import * as tf from "@tensorflow/tfjs-core";
import type { Host } from "./host.js";

/** What tfjs' Adam keeps, and calls protected. */
interface AdamState {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  accBeta1: tf.Variable;
  accBeta2: tf.Variable;
  accumulatedFirstMoment: Moment[];
  accumulatedSecondMoment: Moment[];
  incrementIterations(): void;
}

interface Moment {
  readonly originalName: string;
  readonly variable: tf.Variable;
}

type Gradients = Parameters<tf.Optimizer["applyGradients"]>[0];
type ApplyGradients = (this: object, gradients: Gradients) => void;

/**
 * Puts a faster update into tfjs' Adam, for all that are made with it and as long as `isOurs` says that the
 * backend is the host's.
 *
 * @returns puts tfjs' own back
 */
export function replaceAdam(
  { AdamOptimizer }: Pick<typeof tf, "AdamOptimizer">,
  host: Host,
  isOurs: () => boolean,
): () => void {
  const { prototype } = AdamOptimizer;
  const own = prototype.applyGradients as ApplyGradients;
  const fast = applyAdam(host, own);
  prototype.applyGradients = function (gradients) {
    (isOurs() ? fast : own).call(this, gradients);
  };
  return () => {
    prototype.applyGradients = own;
  };
}

/**
 * `AdamOptimizer.applyGradients`, in place, where every tensor of a step lies in the backend's memory and
 * nothing else reads it; tfjs' own otherwise.
 */
function applyAdam(host: Host, own: ApplyGradients): ApplyGradients {
  return function (this: object, gradients: Gradients): void {
    const adam = this as AdamState;
    const steps = stepsOf(host, adam, gradients);
    if (!steps) {
      own.call(this, gradients);
      return;
    }
    const { beta1, beta2, learningRate, epsilon } = adam;
    const rate = learningRate / (1 - adam.accBeta1.dataSync()[0]);
    const root = 1 / Math.sqrt(1 - adam.accBeta2.dataSync()[0]);
    for (const { weight, first, second, gradient } of steps) {
      const [w, m, v, g] = [weight, first, second, gradient].map(host.address);
      const rest = [beta1, 1 - beta1, beta2, 1 - beta2, rate, root, epsilon];
      host.kernels.f32_adam(w, m, v, g, weight.size, ...rest);
      host.heap.changed(weight);
    }
    tf.tidy(() => {
      adam.accBeta1.assign(tf.mul(adam.accBeta1, beta1));
      adam.accBeta2.assign(tf.mul(adam.accBeta2, beta2));
    });
    adam.incrementIterations();
  };
}

interface Step {
  readonly weight: tf.Variable;
  readonly first: tf.Variable;
  readonly second: tf.Variable;
  readonly gradient: tf.Tensor;
}

function stepsOf(host: Host, adam: AdamState, gradients: Gradients): Step[] | undefined {
  const named = Array.isArray(gradients)
    ? gradients
    : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor: tensor as tf.Tensor }));
  const steps: Step[] = [];
  for (const [i, { name, tensor: gradient }] of named.entries()) {
    const weight = tf.engine().registeredVariables[name];
    const first = momentOf(adam.accumulatedFirstMoment, i, `${name}/m`, weight);
    const second = momentOf(adam.accumulatedSecondMoment, i, `${name}/v`, weight);
    if (!gradient) continue;
    if ([weight, first, second].some((tensor) => host.heap.ownAddress(tensor) === undefined))
      return undefined;
    if (!host.heap.holds(gradient) || gradient.dtype !== "float32") return undefined;
    steps.push({ weight, first, second, gradient });
  }
  return steps;
}

function momentOf(moments: Moment[], i: number, originalName: string, weight: tf.Variable): tf.Variable {
  moments[i] ??= { originalName, variable: tf.tidy(() => tf.variable(tf.zerosLike(weight), false)) };
  return moments[i].variable;
}
