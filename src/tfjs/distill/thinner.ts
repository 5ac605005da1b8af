/** A thinner copy of a model: the same layers with fewer units and filters, and weights of its own. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import { checkModel } from "../weights.js";
import {
  build,
  type ContainerConfig,
  containerOf,
  copyConfig,
  type LayerConfig,
  seedInitializers,
} from "./config.js";
import { keptLayers, sizeKey, wrapped } from "./kept.js";
import { checkNumber } from "./loss.js";

export interface ThinnerOptions {
  /** Share of its units or filters that each layer keeps, in (0, 1], rounded to whole ones, at least 1. */
  readonly width: number;
  /** Of the new weights, any safe integer; 0 unless given. */
  readonly seed?: number;
  /** Names of layers whose outputs keep their size, beside those of the model. */
  readonly keepOutputs?: readonly string[];
}

/**
 * Builds a thinner copy of a model; names of layers stay.
 *
 * Dense, recurrent, embedding and convolutional layers become thinner, depthwise and normalizing ones follow.
 * What must keep its size does: layers that make an output, that a Reshape of fixed sizes reads, or whose
 * output is added to something that keeps its size, such as an input.
 *
 * @param model a Sequential or functional model, with nested ones or without; it stays as it is
 * @param options width, seed, and what else keeps its size
 * @returns a model that is not compiled, whose weights are new, by the initializers of the model's layers
 * @throws TypeError where it is no LayersModel; RangeError for options out of range or a layer that is not there
 */
export function thinnerCopy(model: LayersModel, options: ThinnerOptions): LayersModel {
  checkModel(model);
  const width = checkNumber("width", options.width, { above: 0 });
  if (width > 1) throw new RangeError(`width: wanted a share in (0, 1], got ${width}`);
  const config = copyConfig(model);
  thin(config, width, keptLayers(config, options.keepOutputs ?? []));
  seedInitializers(config, options.seed ?? 0);
  return build(model, config);
}

function thin({ layers }: ContainerConfig, width: number, kept: ReadonlySet<LayerConfig>): void {
  for (const layer of layers) {
    const nested = containerOf(layer);
    if (nested) thin(nested, width, kept);
    else if (!kept.has(layer)) thinLayer(layer, width);
  }
}

function thinLayer(layer: LayerConfig, width: number): void {
  const key = sizeKey(layer);
  if (key) layer.config[key] = Math.max(1, Math.round((layer.config[key] as number) * width));
  for (const inner of wrapped(layer)) thinLayer(inner, width);
}
