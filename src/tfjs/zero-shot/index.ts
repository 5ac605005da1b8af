/** Classes without a single sample: known by attributes or word vectors, which other classes taught to see. */

export type { Generalized, SeenUnseenCurve } from "./curve.js";
export { type DeviseOptions, type DeviseProgress, devise } from "./devise.js";
export { classEmbeddings } from "./embeddings.js";
export { type EszslChoice, type EszslOptions, eszsl } from "./eszsl.js";
export { type ClassReport, type EvaluateOptions, evaluateZeroShot, type ZeroShotReport } from "./evaluate.js";
export type { Scores, Similarity, ZeroShotModel } from "./model.js";
export type { LabelledRows, Rows, ZeroShotData } from "./rows.js";
export { type SaeChoice, type SaeOptions, sae } from "./sae.js";
export type { Scaling } from "./scaling.js";
export {
  type ClassRounds,
  type EszslSearch,
  type SaeSearch,
  type SearchResult,
  searchCalibration,
  searchEszsl,
  searchSae,
  searchZeroShot,
} from "./search.js";
