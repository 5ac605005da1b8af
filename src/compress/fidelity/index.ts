/** int8 measured against f32, and made as near to it as is asked for. The only door of this folder. */

export { type FaithfulGraph, type FidelityReport, quantizeFaithfully } from "./faithful.js";
export { type FidelityGoal, goalOf } from "./goal.js";
export { type LayerErrors, measureLayers, samplesToMeasure } from "./layer-errors.js";
export { compareGraphs, type OutputFidelity } from "./measure.js";
