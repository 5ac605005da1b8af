/** What the study of fidelity measures on: a model, what it is calibrated on, and what it is judged by. */

import type { ModelArtifacts } from "../../src/graph/index.js";

/** Samples that calibration has not seen. */
export interface EvaluationSet {
  /** Empty where there is one alone. */
  readonly name: string;
  /** f32[count][...shape] */
  readonly x: Float32Array;
  /** The right class of each sample, where somebody knows it. */
  readonly labels?: Uint8Array;
}

export interface Samples {
  /** f32[count][...shape] */
  readonly calibration: Float32Array;
  readonly sets: readonly EvaluationSet[];
}

/** What a model has to reach beyond the bars of all. */
export interface Bars {
  /** Least share of samples with the class of f32, by evaluation set. */
  readonly agreement?: Readonly<Record<string, number>>;
  /** Least share of right answers. */
  readonly accuracy?: number;
  /** Outputs that no bar holds for, and why. */
  readonly excepted?: Readonly<Record<string, string>>;
}

export interface ZooModel {
  readonly name: string;
  readonly family: "shared" | "generated";
  readonly bars: Bars;
  /** What it needs and is not there. */
  readonly missing?: string;
  artifacts(): Promise<ModelArtifacts>;
  /** @param shape of a sample */
  samples(shape: readonly number[]): Promise<Samples>;
}
