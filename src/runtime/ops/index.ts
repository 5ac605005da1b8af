/** How each op of the graph runs. Its shape rule and attributes are in src/graph/ops, same name. */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";
import { lowerDense } from "./dense.js";
import {
  lowerAffine,
  lowerLogSoftmax,
  lowerPrelu,
  lowerReshape,
  lowerSoftmax,
  lowerUnary,
} from "./elementwise.js";

const lowerings: Readonly<Record<string, (to: Lowering, node: Node) => void>> = {
  affine: lowerAffine,
  dense: lowerDense,
  logSoftmax: lowerLogSoftmax,
  prelu: lowerPrelu,
  reshape: lowerReshape,
  softmax: lowerSoftmax,
  unary: lowerUnary,
};

/** Emits the steps of a node. @throws RangeError for an op that has no lowering */
export function lowerNode(to: Lowering, node: Node): void {
  if (!Object.hasOwn(lowerings, node.op)) throw new RangeError(`${node.name}: op ${node.op} does not run`);
  lowerings[node.op](to, node);
}
