/** What the importer knows of a layer class. */

import type { Builder } from "../builder.js";
import type { Json } from "../json.js";
import type { LayerPath } from "../weight-store.js";

export interface Layer extends LayerPath {
  readonly className: string;
  readonly config: Json;
}

export interface LayerRule {
  /** Values one call reads; absent: one. */
  readonly inputs?: { readonly min: number; readonly max: number };
  /** What a call reads beyond `inputs`, for a layer that may be given what pare has not: "initialState". */
  readonly extraInputs?: string;
  /** Whether it knows data_format channels_first. */
  readonly hasChannelsFirst?: boolean;
  /** Options of this layer that pare has not: "activation foo". */
  unsupported?(config: Json): readonly string[];
  /**
   * Adds the nodes of one call of the layer.
   *
   * @param inputs names of the values it reads
   * @returns names of the values it makes
   * @throws UnsupportedError where shapes show that pare has not what it takes
   */
  add(layer: Layer, inputs: readonly string[], builder: Builder): readonly string[];
}

/** How many values one call of a layer reads. */
export function arityOf({ inputs = { min: 1, max: 1 } }: LayerRule) {
  return inputs;
}

export type LayerRules = Readonly<Record<string, LayerRule>>;
