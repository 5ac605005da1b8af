/** Plan and run: the whole of what a device needs. */

export { LoadedModel, type LoadOptions, type LoadSource, load } from "./load.js";
export { type InputData, Model, type ModelOptions, type ValueInfo } from "./model.js";

import type { Graph } from "../graph/index.js";
import { Model, type ModelOptions } from "./model.js";

/** A model straight from a graph, such as an imported one. */
export function createModel(graph: Graph, options?: ModelOptions): Model {
  return new Model(graph, options);
}
