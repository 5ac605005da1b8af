/** Where in a model the runtime has codes: the plan of `compress`, brought back to the layers. */

import { isMadeInCodes, type QuantizePlan, rangedValues, readsCodes } from "../../compress/index.js";
import { consumers, type Node } from "../../graph/index.js";
import type { Match } from "./match.js";
import type { Call, Layer } from "./trace.js";

/** A tensor of one call of a layer that is rounded to the codes of a range. */
export interface Site {
  readonly layer: Layer;
  /** Which of the calls in a pass. */
  readonly index: number;
  /** What the call makes, one of what it reads, or what its activation is given. */
  readonly place: "output" | "activation" | number;
  /** Names the range: the first of the values that share it. */
  readonly range: string;
}

/**
 * Where the values of a plan are rounded.
 *
 * @throws RangeError naming the values in codes that no layer shows
 */
export function findSites(plan: QuantizePlan, match: Match): readonly Site[] {
  const nodes = new Map(plan.graph.nodes.map((node) => [node.name, node]));
  const hidden: string[] = [];
  const sites = rangedValues(plan).groups.flatMap((values) =>
    values.flatMap((value): Site[] => {
      const node = nodes.get(value);
      const found = node && isMadeInCodes(plan, node) ? madeAt(match, value) : readAt(plan, match, value);
      if (found.length === 0) hidden.push(value);
      return found.map((site) => ({ ...site, range: values[0] }));
    }),
  );
  if (hidden.length === 0) return sites;
  throw new RangeError(
    `quantize: wanted layers that show all values that the runtime has in codes, got none for ${hidden.join(", ")}`,
  );
}

/**
 * Where the products of layers are rounded whose activations are tables.
 *
 * @param products name of the range by name of the layer
 * @param paths for each layer of the plan, the calls that make its value, the first multiplying by its kernel
 */
export function productSites(
  products: ReadonlyMap<string, string>,
  paths: ReadonlyMap<string, readonly Call[]>,
): readonly Site[] {
  return [...products].map(([name, range]) => {
    const calls = paths.get(name) as readonly Call[];
    const { layer, index } = calls[calls.length - 1];
    // An activation of its own behind the layer reads the product.
    return { layer, index, place: calls.length === 1 ? "activation" : 0, range };
  });
}

type Place = Omit<Site, "range">;

function madeAt(match: Match, value: string): Place[] {
  const call = match.makerOf(value);
  return call ? [{ layer: call.layer, index: call.index, place: "output" }] : [];
}

/** Of a value in f32 those alone see the codes that read codes. */
function readAt(plan: QuantizePlan, match: Match, value: string): Place[] {
  const readers = codeReaders(plan, value);
  return match
    .readsOf(value)
    .filter(({ call }) => readers.some((node) => match.pathTo(call, node)))
    .map(({ call: { layer, index }, input }) => ({ layer, index, place: input }));
}

/** Reshapes have the same numbers: who reads them reads the value. */
function codeReaders(plan: QuantizePlan, value: string): readonly Node[] {
  return (consumers(plan.graph).get(value) ?? []).flatMap((node) => {
    if (!readsCodes(plan, node)) return [];
    return node.op === "reshape" ? [node, ...codeReaders(plan, node.name)] : [node];
  });
}
