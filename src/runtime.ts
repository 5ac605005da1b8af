/** `pare/runtime`: loads a `.pare` file and runs it. No dependencies. */

export { FormatError } from "./file/index.js";
export {
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
