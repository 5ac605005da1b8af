/**
 * Masks, which Keras 3 writes out: `NotEqual` of the words and 0 as an operation, and what it makes as the argument
 * `mask` of each layer after it. Keras 2, tfjs and this importer know of the mask by the layer that began it.
 */

import { isObject, type Json } from "../json.js";
import { type Argument, readCall } from "./nodes.js";
import { isOperation, referencesOf } from "./operations.js";

/** The layers of a functional model, in JSON, without masks that follow from its layers. */
export function withoutMasks(layers: readonly unknown[]): readonly unknown[] {
  const byName = new Map(layers.filter(isObject).map((layer) => [nameOf(layer), layer]));
  const words = new Set([...byName.values()].filter(beginsMask).flatMap(readsOf));
  const masks = new Set([...byName.values()].filter((layer) => isMask(layer, byName, words)).map(nameOf));
  if (masks.size === 0) return layers;
  const rest = layers.map((layer) =>
    isObject(layer) && !masks.has(nameOf(layer)) ? withoutMask(layer, masks) : layer,
  );
  const read = new Set(
    rest
      .filter(isObject)
      .filter((layer) => !masks.has(nameOf(layer)))
      .flatMap(readsOf),
  );
  // Those that something else reads are more than masks.
  return rest.filter((layer) => !isObject(layer) || !masks.has(nameOf(layer)) || read.has(nameOf(layer)));
}

const nameOf = (layer: Json): string =>
  String(layer.name ?? (isObject(layer.config) ? layer.config.name : undefined) ?? "");

const callsOf = (layer: Json) =>
  (Array.isArray(layer.inbound_nodes) ? layer.inbound_nodes : []).map(readCall);

const readsOf = (layer: Json): readonly string[] =>
  callsOf(layer).flatMap((call) => referencesOf(call).map((reference) => reference.layer));

/** NotEqual of what an Embedding or a Masking reads, which `words` has, or Any over it. */
function isMask(layer: Json, layers: ReadonlyMap<string, Json>, words: ReadonlySet<string>): boolean {
  if (!isOperation(layer)) return false;
  const [source = ""] = readsOf(layer);
  if (layer.class_name === "NotEqual") return words.has(source);
  const before = layer.class_name === "Any" ? layers.get(source) : undefined;
  return before?.class_name === "NotEqual" && isMask(before, layers, words);
}

function beginsMask({ class_name: className, config }: Json): boolean {
  return (
    className === "Masking" || (className === "Embedding" && isObject(config) && config.mask_zero === true)
  );
}

function withoutMask(layer: Json, masks: ReadonlySet<string>): Json {
  const nodes = Array.isArray(layer.inbound_nodes) ? layer.inbound_nodes : [];
  const isOf = (argument: Argument | undefined) =>
    argument !== undefined && "reference" in argument && masks.has(argument.reference.layer);
  const clean = nodes.map((node) => {
    if (!isObject(node) || !isObject(node.kwargs)) return node;
    const { kwargs } = readCall(node);
    const kept = Object.entries(node.kwargs).filter(([key]) => key !== "mask" || !isOf(kwargs.get(key)));
    return { ...node, kwargs: Object.fromEntries(kept) };
  });
  return { ...layer, inbound_nodes: clean };
}
