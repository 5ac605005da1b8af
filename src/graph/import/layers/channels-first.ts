/** data_format channels_first: the layer as it is with channels last, between two transposes that the passes cancel. */

import { addActivation, readActivation } from "../activation.js";
import type { Builder } from "../builder.js";
import { type Json, option } from "../json.js";
import type { LayerRule, LayerRules } from "./rule.js";

export function isChannelsFirst(config: Json): boolean {
  const format = option(config, "dataFormat");
  return format === "channels_first" || format === "channelsFirst";
}

/** Axis `axis` becomes the last one. */
export function addMoveLast(builder: Builder, name: string, input: string, axis = 1): string {
  const axes = builder.shapeOf(input).map((_, i) => i);
  const perm = [...axes.filter((other) => other !== axis), axis];
  return builder.add(name, "transpose", [input], { attrs: { perm } });
}

/** The last axis becomes axis `axis`: undoes `addMoveLast`. */
export function addMoveBack(builder: Builder, name: string, input: string, axis = 1): string {
  const rank = builder.shapeOf(input).length;
  const others = Array.from({ length: rank - 1 }, (_, i) => i);
  const perm = [...others.slice(0, axis), rank - 1, ...others.slice(axis)];
  return builder.add(name, "transpose", [input], { attrs: { perm } });
}

/**
 * Rules that know of channels_first too. A value of their layers without axes besides the channels, such as that of a
 * global pool, has no other order.
 */
export function withChannelsFirst(rules: LayerRules): LayerRules {
  return Object.fromEntries(
    Object.entries(rules).map(([className, rule]) => [className, eitherFormat(rule)]),
  );
}

function eitherFormat(rule: LayerRule): LayerRule {
  return {
    ...rule,
    hasChannelsFirst: true,
    add(layer, inputs, builder) {
      const { name, config } = layer;
      if (!isChannelsFirst(config)) return rule.add(layer, inputs, builder);
      const [input] = inputs;
      // A flatten of vectors has no channels.
      if (builder.shapeOf(input).length < 3) return rule.add(layer, inputs, builder);
      const last = addMoveLast(builder, `${name}/channels_last`, input);
      // Over the last axis, whatever it is: that of the width.
      const activation = config.activation === undefined ? undefined : readActivation(config);
      const isWide = activation === "softmax" || activation === "logSoftmax";
      const plain = {
        ...config,
        data_format: null,
        dataFormat: null,
        ...(isWide && { activation: "linear" }),
      };
      // The layer's name is for what it makes.
      const parts = { ...layer, weightNames: layer.weightNames ?? [name], config: plain };
      const shape = builder.shapeOf(input);
      if (isFlat(layer.className, config)) return rule.add(parts, [last], builder);
      const [made] = rule.add({ ...parts, name: `${name}/${shape.length - 2}d` }, [last], builder);
      const back = addMoveBack(builder, isWide ? `${name}/channels_first` : name, made);
      return [isWide ? addActivation(builder, name, activation, back) : back];
    },
  };
}

/** Whether what it makes is of [null, channels] or [null, size]. */
function isFlat(className: string, config: Json): boolean {
  return className === "Flatten" || (/^Global/.test(className) && !option(config, "keepdims"));
}
