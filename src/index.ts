/** `pare`: compresses tfjs models, reads, writes and runs `.pare` files. */

export { type LayerReport, macsOf, type Pattern, type Ranges, type Sensitivity } from "./compress/index.js";
export { type CompressResult, type CompressSource, compress, sensitivity } from "./compress.js";
export type { CompressOptions, CompressProgress } from "./compress-options.js";
export {
  type ArtifactsOptions,
  describePare,
  detectFormat,
  encodePare,
  FormatError,
  findModel,
  type ModelFormat,
  type PareSummary,
  type Provenance,
  type ReadArtifacts,
  readArtifacts,
  readKeras,
  type SaveOptions,
  saveFile,
  saveModel,
  type WeightSummary,
} from "./file/index.js";
export {
  type AttrValue,
  type Bytes,
  type Dim,
  type F32Weight,
  type Graph,
  GraphError,
  type GraphInput,
  type GraphOutput,
  type I32Weight,
  type ImportedGraph,
  importModel,
  inferShapes,
  type ModelArtifacts,
  type Node,
  parameterCount,
  type QuantParams,
  type S8Weight,
  type SavedArtifacts,
  type Shape,
  simplify,
  type U7Weight,
  UnsupportedError,
  type Weight,
  type WeightSpec,
} from "./graph/index.js";
export {
  createModel,
  type InputData,
  LoadedModel,
  type LoadOptions,
  type LoadSource,
  load,
  Model,
  type ModelOptions,
  type ValueInfo,
} from "./runtime/index.js";
export type { Variant } from "./wasm/index.js";
