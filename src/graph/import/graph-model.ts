/** Graph models: TensorFlow GraphDefs as tfjs' converter writes them. */

import { UnsupportedError } from "../errors.js";
import type { Graph } from "../types.js";
import type { ModelArtifacts } from "./artifacts.js";
import { isObject } from "./json.js";

/** Old files have no `format`, but a GraphDef has nodes where a layers model has a class name. */
export function isGraphModel({ modelTopology, format }: ModelArtifacts): boolean {
  return format === "graph-model" || (isObject(modelTopology) && Array.isArray(modelTopology.node));
}

/** @throws UnsupportedError always, until pare reads GraphDefs */
export function importGraphModel(_artifacts: ModelArtifacts): Graph {
  throw new UnsupportedError(["graph model"]);
}
