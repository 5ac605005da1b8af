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
  /** Options of this layer that pare has not: "activation foo". */
  unsupported?(config: Json): readonly string[];
  /**
   * Adds the nodes of one call of the layer.
   *
   * @param inputs names of the values it reads
   * @returns names of the values it makes
   */
  add(layer: Layer, inputs: readonly string[], builder: Builder): readonly string[];
}

export type LayerRules = Readonly<Record<string, LayerRule>>;
