/** From a tfjs model, as files or live, to a graph. */

import { type CheckOptions, checkGraph } from "../check.js";
import { refuseNotFinite } from "../finite.js";
import type { Graph } from "../types.js";
import { joinArtifacts, type SavedArtifacts } from "./artifacts.js";
import { buildGraphModel, isGraphModel } from "./graph-model.js";
import type { InputShapes } from "./input-shapes.js";
import { buildModel } from "./layers-model.js";
import { readTopology } from "./topology.js";
import { createWeightStore } from "./weight-store.js";

export { joinArtifacts, type ModelArtifacts, type SavedArtifacts, type WeightSpec } from "./artifacts.js";
export { halfToSingle } from "./half.js";
export type { InputShapes } from "./input-shapes.js";
export {
  type KerasFile,
  type KerasGroup,
  type KerasTensor,
  kerasArtifacts,
  refuseForTfjs,
} from "./keras/index.js";

export interface ImportOptions extends CheckOptions {
  /** Shapes of samples, for inputs whose sizes the model leaves open; they may repeat those it has. */
  readonly inputShapes?: InputShapes;
}

export interface ImportedGraph extends Graph {
  /** Tensors of the file that no layer reads; not an error, and not in the graph. */
  readonly unused: readonly string[];
}

/**
 * Imports a tfjs model. A live one goes the same way: `model.save(tf.io.withSaveHandler(...))` gives
 * its artifacts.
 *
 * @param saved topology and weights
 * @param options memoryCap in bytes, as for `checkGraph`; inputShapes, without batch, of open inputs
 * @returns a graph that passed `checkGraph`; its inputs and outputs have tfjs' names for them
 * @throws UnsupportedError listing all layers and options that pare has not
 * @throws TypeError, RangeError for artifacts that do not hold together, and weights that are not finite;
 *   GraphError is a RangeError
 */
export function importModel(saved: SavedArtifacts, options: ImportOptions = {}): ImportedGraph {
  const artifacts = joinArtifacts(saved);
  const store = createWeightStore(artifacts);
  const inputShapes = options.inputShapes ?? {};
  const { inputs, outputs, nodes, weights } = isGraphModel(artifacts)
    ? buildGraphModel(artifacts, store, inputShapes)
    : buildModel(readTopology(artifacts.modelTopology), store, inputShapes);
  const unknown = Object.keys(inputShapes).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    const names = inputs.map(({ name }) => name).join(", ");
    throw new RangeError(`inputShapes: wanted names of inputs (${names}), got ${unknown}`);
  }
  const graph: Graph = { inputs, outputs, nodes, weights: readWeights(nodes, weights), quant: new Map() };
  checkGraph(graph, options);
  refuseNotFinite(graph);
  return { ...graph, unused: store.unused() };
}

/** Without those that the importer read to compute others, such as a moving variance. */
function readWeights(nodes: Graph["nodes"], weights: Graph["weights"]): Graph["weights"] {
  const keys = new Set(nodes.flatMap((node) => Object.values(node.weights)));
  return new Map([...weights].filter(([key]) => keys.has(key)));
}
