/** Weight clustering: the weights of a tensor share a few values, which learn together. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayersModel, LayerVariable } from "@tensorflow/tfjs-layers";
import { checkKeys, createRandom, type Random } from "../../data/index.js";
import { editWeight } from "../edit.js";
import type { PartState, StepPart } from "../step.js";
import { Swaps } from "../swaps.js";
import { chooseWeights, type ModelWeight, type WeightChoice } from "../weights.js";
import { type CentroidStart, clusterNumbers, nearestCentroids } from "./k-means.js";

export interface ClusterOptions extends WeightChoice {
  /** Values of each weight tensor beside 0, an integer in [1, 65536]; 16 unless given. */
  readonly clusters?: number;
  /** "linear" unless given. */
  readonly start?: CentroidStart;
  /** First step with shared values, an integer in [0, all steps); 0, or with `prune` its last, unless given. */
  readonly begin?: number;
  /** Of kmeans++, any safe integer; 0 unless given. */
  readonly seed?: number;
}

const known: Readonly<Record<keyof ClusterOptions, true>> = {
  include: true,
  exclude: true,
  clusters: true,
  start: true,
  begin: true,
  seed: true,
};

interface Clustered {
  readonly weight: ModelWeight;
  readonly variable: LayerVariable;
  /** The cluster of each number, none for zeros; empty until the clustering begins. */
  members: Int32Array;
  count: number;
}

/** In no cluster: a weight that is 0 and stays it. */
const NONE = -1;

/**
 * Prepares the clustering of a run, after Han et al., "Deep Compression", 2016, section 3.
 *
 * From `begin` on all weights of a cluster have one value. Its gradient is the sum of theirs, which each of them
 * is given, so that any optimizer moves all of them as it would one shared number; their mean then takes away what
 * an optimizer's memory of the time before makes them differ by. Zeros are in no cluster and stay 0.
 *
 * @param weights trainable weights of the model
 * @param steps of the whole run
 * @param earliest where it begins unless the options say
 * @throws RangeError for options out of range, or a name that means no weight
 */
export function clustering(
  model: LayersModel,
  weights: readonly ModelWeight[],
  options: ClusterOptions,
  steps: number,
  earliest = 0,
): StepPart {
  checkKeys("cluster", options, known);
  const { clusters = 16, start = "linear", begin = earliest, seed = 0 } = options;
  checkOptions(clusters, start, begin, steps);
  const owners = new Map(model.weights.map((owner) => [owner.read() as unknown, owner]));
  const clustered = chooseWeights(weights, options).map((weight): Clustered => {
    const variable = owners.get(weight.variable) as LayerVariable;
    return { weight, variable, members: new Int32Array(), count: 0 };
  });
  const random = createRandom(seed);

  return {
    name: "cluster",
    restore: ({ arrays = {} }: PartState) => {
      for (const one of clustered) {
        const saved = arrays[one.weight.name];
        if (saved) setMembers(one, Int32Array.from(saved));
      }
    },
    before(step) {
      if (step < begin) return;
      for (const one of clustered) if (one.members.length === 0) assign(one, clusters, start, random);
    },
    around(forward) {
      const swaps = new Swaps();
      try {
        for (const { variable, members, count } of clustered) {
          if (members.length === 0) continue;
          const shared = sharedGradient(variable.read(), members, count);
          swaps.replace(variable, "read", () => () => shared);
        }
        return forward();
      } finally {
        swaps.undo();
      }
    },
    after() {
      for (const one of clustered) if (one.members.length > 0) shareValues(one);
    },
    settled: (step) => step >= begin,
    state: () => ({
      arrays: Object.fromEntries(
        clustered
          .filter(({ members }) => members.length > 0)
          .map(({ weight, members }) => [weight.name, Float32Array.from(members)]),
      ),
    }),
  };
}

function assign(one: Clustered, clusters: number, start: CentroidStart, random: Random): void {
  editWeight(one.weight.variable, (view) => {
    const values = view();
    const wrong = values.find((value) => !Number.isFinite(value));
    if (wrong !== undefined) {
      throw new RangeError(`cluster: wanted finite weights in ${one.weight.name}, got ${wrong}`);
    }
    const centroids = clusterNumbers(
      values.filter((value) => value !== 0),
      clusters,
      start,
      random,
    );
    const nearest = nearestCentroids(values, centroids);
    setMembers(
      one,
      nearest.map((cluster, i) => (values[i] === 0 ? NONE : cluster)),
    );
    for (let i = 0; i < values.length; i++) values[i] = values[i] === 0 ? 0 : centroids[nearest[i]];
  });
}

function setMembers(one: Clustered, members: Int32Array): void {
  one.members = members;
  one.count = members.reduce((most, cluster) => Math.max(most, cluster + 1), 0);
}

/** The weight itself, whose gradient is, for each number, the sum over its cluster. */
function sharedGradient(weight: tf.Tensor, members: Int32Array, count: number): tf.Tensor {
  const shared = tf.customGrad((value) => ({
    value: tf.clone(value as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => tf.tensor(sumsOf(dy.dataSync() as Float32Array, members, count), dy.shape),
  }));
  return shared(weight);
}

function sumsOf(gradient: Float32Array, members: Int32Array, count: number): Float32Array {
  const sums = new Float64Array(count);
  for (let i = 0; i < members.length; i++) if (members[i] !== NONE) sums[members[i]] += gradient[i];
  return Float32Array.from(members, (cluster) => (cluster === NONE ? 0 : sums[cluster]));
}

/** All members of a cluster to their mean; those that a mask took meanwhile leave it. */
function shareValues({ weight, members, count }: Clustered): void {
  editWeight(weight.variable, (view) => {
    const values = view();
    const sums = new Float64Array(count);
    const sizes = new Float64Array(count);
    for (let i = 0; i < values.length; i++) {
      if (values[i] === 0) members[i] = NONE;
      if (members[i] === NONE) continue;
      sums[members[i]] += values[i];
      sizes[members[i]] += 1;
    }
    for (let i = 0; i < values.length; i++) {
      values[i] = members[i] === NONE ? 0 : sums[members[i]] / sizes[members[i]];
    }
  });
}

function checkOptions(clusters: number, start: CentroidStart, begin: number, steps: number): void {
  if (!Number.isInteger(clusters) || clusters < 1 || clusters > 65536) {
    throw new RangeError(`cluster: clusters: wanted an integer in [1, 65536], got ${clusters}`);
  }
  if (start !== "linear" && start !== "kmeans++") {
    throw new RangeError(`cluster: start: wanted linear or kmeans++, got ${start}`);
  }
  if (!Number.isInteger(begin) || begin < 0 || begin >= steps) {
    throw new RangeError(
      `cluster: begin: wanted an integer in [0, ${steps}), the steps of this run, got ${begin}`,
    );
  }
}
