/**
 * The door of tfjs: everything that imports it.
 *
 * At run time pare imports `@tensorflow/tfjs-core` alone, which is there with `@tensorflow/tfjs` and
 * without, once an install; its engine and registries are global, so even a second copy meets the same
 * tensors and backends. Layers, models and their losses come from the model that is passed in, and of
 * `@tensorflow/tfjs-layers` only types are used. Chained methods (`x.flatten()`), which tfjs-core does
 * not have by itself, are never called.
 */

export type { Ranges } from "../compress/index.js";
export { type Augment, type AugmentOptions, augmenter, type ElasticOptions } from "../data/index.js";
export { type Acceleration, accelerate } from "./accelerate/index.js";
export { modelArtifacts } from "./artifacts.js";
export { type CheckpointStore, fileCheckpoint } from "./checkpoint.js";
export type { ClusterOptions } from "./cluster/clustering.js";
export type { CentroidStart } from "./cluster/k-means.js";
export {
  type AttentionOptions,
  type AttentionPair,
  attentionTransfer,
  type DecoupledOptions,
  type DistillationLoss,
  type DistillOptions,
  type DistillResult,
  decoupled,
  distill,
  type HintOptions,
  hint,
  type Kind,
  type RelationalOptions,
  relational,
  type SoftTargetsOptions,
  softTargets,
  type TeacherChoice,
  type TeacherLayer,
  type ThinnerOptions,
  thinnerCopy,
  type WeightedTeacher,
} from "./distill/index.js";
export type { EarlyStoppingOptions } from "./early-stopping.js";
export { featuresOf } from "./features.js";
export { fineTune } from "./fine-tune.js";
export { constantPart, freezeLayers, freezeNormalization, frozenPart, normalizations } from "./freeze.js";
export type { GradualPruneOptions, PrunedTensor } from "./gradual.js";
export type { LossFunction, LossName } from "./losses.js";
export type { EpochFigures, FineTuneOptions, FineTuneResult, Progress } from "./options.js";
export { accuracyOf, type Predictions, predictAll } from "./predict.js";
export { type Pattern, type PrunedWeight, type PruneOptions, type PruneReport, pruneModel } from "./prune.js";
export type { QuantizeTrainingOptions } from "./qat/options.js";
export { type QuantizedPredictOptions, quantizedPredict } from "./qat/predict.js";
export {
  type QuantizedWeight,
  type QuantizeOptions,
  type QuantizeReport,
  quantizeModel,
} from "./quantize.js";
export {
  type CosineRateOptions,
  constantRate,
  cosineRate,
  type ExponentialRateOptions,
  exponentialRate,
  type RateSchedule,
  type StepRateOptions,
  stepRate,
} from "./rates.js";
export type { CheckpointOptions } from "./resume.js";
export type { TrainingData } from "./samples.js";
export {
  constantSparsity,
  cosine,
  type PolynomialOptions,
  polynomialDecay,
  type Schedule,
} from "./schedules.js";
export { type SeedOptions, type SeedPruneReport, type SeedQuantizeReport, seed } from "./seed.js";
export type { SeedDistillOptions, SeedDistillReport } from "./seed-distill.js";
export type { LossTerm, PartState, StepBatch, StepPart } from "./step.js";
export {
  type PhaseResult,
  type TransferOptions,
  type TransferProgress,
  type TransferResult,
  transfer,
} from "./transfer.js";
export { type HeadOptions, headFor } from "./transfer-head.js";
export { cutModel, joinModels } from "./transfer-model.js";
export type { TransferPhase } from "./transfer-phases.js";
export type { Figures } from "./validation.js";
export type { ModelWeight, WeightChoice, WeightPattern } from "./weights.js";
export * from "./zero-shot/index.js";
