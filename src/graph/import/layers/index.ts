/** The layers that pare imports. A new one is a row in a file beside this. */

import type { Json } from "../json.js";
import { booleanOption, option } from "../json.js";
import type { LayerSpec } from "../topology.js";
import { activationLayers } from "./activations.js";
import { isChannelsFirst, withChannelsFirst } from "./channels-first.js";
import { convolutionLayers } from "./convolution.js";
import { coreLayers } from "./core.js";
import { maskingLayers } from "./masks.js";
import { mergeLayers } from "./merge.js";
import { normalizationLayers } from "./normalization.js";
import { poolingLayers } from "./pooling.js";
import { imagePreprocessingLayers, preprocessingLayers } from "./preprocessing.js";
import { recurrentLayers } from "./recurrent.js";
import { arityOf, type LayerRule } from "./rule.js";
import { imageLayers, shapeLayers } from "./shapes.js";
import { wrapperLayers } from "./wrappers.js";

const rules: Readonly<Record<string, LayerRule>> = {
  ...activationLayers,
  ...withChannelsFirst(convolutionLayers),
  ...coreLayers,
  ...maskingLayers,
  ...mergeLayers,
  ...normalizationLayers,
  ...withChannelsFirst(poolingLayers),
  ...preprocessingLayers,
  ...withChannelsFirst(imagePreprocessingLayers),
  ...recurrentLayers,
  ...shapeLayers,
  ...withChannelsFirst(imageLayers),
  ...wrapperLayers({
    find: layerRule,
    unsupported: (className, config) => unsupportedIn({ className, config, calls: [] }),
  }),
};

export function layerRule(className: string): LayerRule | undefined {
  return Object.hasOwn(rules, className) ? rules[className] : undefined;
}

/** What pare has not of one layer: its class, or options of it, or what its calls read. */
export function unsupportedIn({
  className,
  config,
  model,
  calls,
}: Omit<LayerSpec, "name">): readonly string[] {
  if (model) return [];
  if (className === "InputLayer") return unsupportedInput(config).map((what) => `InputLayer: ${what}`);
  const rule = layerRule(className);
  if (!rule) return [className];
  return [
    ...unsupportedAnywhere(rule, config),
    ...(rule.unsupported?.(config) ?? []),
    ...unsupportedCalls(rule, calls),
  ].map((what) => `${className}: ${what}`);
}

function unsupportedCalls(rule: LayerRule, calls: LayerSpec["calls"]): readonly string[] {
  const { max } = arityOf(rule);
  return rule.extraInputs && calls.some(({ length }) => length > max) ? [rule.extraInputs] : [];
}

/** Options that mean the same for every layer that has them. */
function unsupportedAnywhere({ hasChannelsFirst }: LayerRule, config: Json): readonly string[] {
  return [
    ...(isChannelsFirst(config) && !hasChannelsFirst ? ["data_format channels_first"] : []),
    ...(booleanOption(config, "stateful", false) ? ["stateful"] : []),
  ];
}

function unsupportedInput(config: Json): readonly string[] {
  const dtype = option(config, "dtype");
  return [
    ...(dtype === "string" || dtype === "complex64" ? [`dtype ${dtype}`] : []),
    ...["sparse", "ragged"].filter((name) => booleanOption(config, name, false)),
  ];
}
