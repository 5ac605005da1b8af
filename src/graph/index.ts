/** The model as data: its types, its ops, its importer, its passes. The only door of this folder. */

export { type Bytes, bytesOf, kindOf } from "./bytes.js";
export { isNormalScale } from "./check/numbers.js";
export { maxDepth } from "./check/quant.js";
export { type CheckOptions, checkGraph, defaultMemoryCap } from "./check.js";
export { GraphError, type GraphErrorCode, UnsupportedError } from "./errors.js";
export { refuseNotFinite } from "./finite.js";
export {
  consumers,
  freshName,
  type GraphChange,
  outputValues,
  parameterCount,
  replaceNodes,
  soleConsumers,
  weightsOf,
  withNodes,
} from "./graph.js";
export {
  halfToSingle,
  type ImportedGraph,
  type ImportOptions,
  type InputShapes,
  importModel,
  joinArtifacts,
  type KerasFile,
  type KerasGroup,
  type KerasTensor,
  kerasArtifacts,
  type ModelArtifacts,
  refuseForTfjs,
  type SavedArtifacts,
  type WeightSpec,
} from "./import/index.js";
export { inferShapes, nodeShape } from "./infer.js";
export { opNames, opRule } from "./ops/index.js";
export type { AttrRule, AttrRules, OpRule, WeightRule, WeightShapes } from "./ops/rule.js";
export {
  hasIntegerForm,
  isUnaryFunctionName,
  type UnaryFunctionName,
  type UnaryNumber,
  type UnaryNumbers,
  unaryFunctionNames,
  unaryFunctions,
  unaryNumberRules,
  unaryNumbers,
} from "./ops/unary-functions.js";
export {
  arithmeticToAffine,
  foldAffine,
  foldFrames,
  foldInputAffine,
  fuseActivation,
  fuseGates,
  fuseResidual,
  mergeMoves,
  removeDead,
  removeNoOps,
  simplify,
  wholeWindows,
} from "./passes/index.js";
export { formatShape, isValueShape, isWeightShape, maxRank, sameShape, sizeOf } from "./shape.js";
export type {
  AttrValue,
  Dim,
  F32Weight,
  Graph,
  GraphInput,
  GraphOutput,
  I32Weight,
  Node,
  QuantParams,
  S8Weight,
  Shape,
  U7Weight,
  Weight,
} from "./types.js";
