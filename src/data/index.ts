// The door of data: reading arrays, drawing digits, random numbers, batches.

export { type Augment, type AugmentOptions, augmenter } from "./augment.js";
export {
  applyScale,
  batchesOf,
  type Dataset,
  type FeatureStatistics,
  measureFeatures,
  sampleCount,
  sampleSize,
  standardize,
  takeSamples,
} from "./batches.js";
export { type CsvOptions, type CsvTable, parseCsv, parseNumber } from "./csv.js";
export {
  type Categories,
  type ColumnChoice,
  type ColumnKey,
  categoricalColumn,
  columnIndex,
  csvMatrix,
  numericColumn,
  oneHot,
} from "./csv-columns.js";
export { DIGIT_SIZE, type DrawnDigits, type DrawOptions, drawDigits } from "./digits.js";
export type { ElasticOptions } from "./elastic.js";
export { encodeIdx, isIdx, parseIdx } from "./idx.js";
export { checkKeys } from "./keys.js";
export type { ArrayOf, DType, NdArray, NumberArray } from "./ndarray.js";
export { encodeNpy, isNpy, parseNpy } from "./npy.js";
export { createRandom, type Random, type RandomState } from "./random.js";
export { type DigitSet, parseArray, type ReadOptions, readArray, readCsv, readDigits } from "./read.js";
