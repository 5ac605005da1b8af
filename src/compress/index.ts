/** Prune, calibrate, quantize: arrays and graphs only. The only door of this folder. */

export { activationFunction } from "./activation.js";
export {
  allocateSparsity,
  type BlockShape,
  blockSizes,
  blockSquares,
  describeShare,
  noRoomFor,
  type PrunableLayer,
  type PruneScope,
  pruneScopes,
  spareLayers,
} from "./allocation.js";
export { measureShifts, type Shifts } from "./bias-correction.js";
export {
  type CollectOptions,
  collectStatistics,
  type OpenRunner,
  type Runner,
  readSamples,
  type Samples,
} from "./calibrate.js";
export {
  compareGraphs,
  type FidelityGoal,
  type FidelityReport,
  goalOf,
  type OutputFidelity,
  quantizeFaithfully,
} from "./fidelity/index.js";
export { mergeStatistics, type Statistics, StatisticsBuilder } from "./histogram.js";
export { type KernelForm, type KernelNode, kernelNodes } from "./kernel-nodes.js";
export { joinNotes, namesOf } from "./layer-notes.js";
export { paramsOf, type Range, roundHalfEven } from "./params.js";
export { pause } from "./pause.js";
export {
  checkPruneSettings,
  type Pattern,
  type PrunedGraph,
  type PruneKernels,
  type PruneSettings,
  pruneGraph,
} from "./prune.js";
export {
  buildQuantized,
  hasTable,
  type QuantizeParams,
  storesCodes,
} from "./quantize.js";
export {
  type QuantizedGraph,
  type QuantizeOptions,
  quantizeGraph,
} from "./quantize-graph.js";
export { isMadeInCodes, planQuantization, type QuantizePlan, readsCodes } from "./quantize-plan.js";
export {
  paramsFromRanges,
  quantizeByRanges,
  type RangedValues,
  type Ranges,
  rangedValues,
} from "./quantize-ranges.js";
export { codesToStore, quantizeLayer } from "./quantize-weights.js";
export { chooseParams, percentileRange, type RangeMethod, searchParams } from "./range.js";
export type { RangeChoice } from "./range-choice.js";
export { type LayerReport, macsOf, reportLayers } from "./report.js";
export { rankLayers, type Sensitivity } from "./sensitivity.js";
export { version } from "./version.js";
