/** The layers that are activations with numbers or weights of their own. */

import { UnsupportedError } from "../../errors.js";
import type { AttrValue } from "../../types.js";
import { type Json, numberOption, option } from "../json.js";
import { addMoveBack, addMoveLast } from "./channels-first.js";
import type { LayerRule, LayerRules } from "./rule.js";

type Attrs = Readonly<Record<string, AttrValue>>;

/** A layer that is one unary node. */
function unaryLayer(attrs: (config: Json) => Attrs, unsupported?: LayerRule["unsupported"]): LayerRule {
  return {
    ...(unsupported ? { unsupported } : {}),
    add: ({ name, config }, [input], builder) => [
      builder.add(name, "unary", [input], { attrs: attrs(config) }),
    ],
  };
}

function reluAttrs(config: Json): Attrs {
  const maxValue = numberOption(config, "maxValue");
  if (maxValue === undefined) return { fn: "relu" };
  return maxValue === 6 ? { fn: "relu6" } : { fn: "relu", maxValue };
}

/** tfjs drops these two without a word: to obey them would differ from tfjs, to drop them from Keras. */
function reluUnsupported(config: Json): readonly string[] {
  return ["negativeSlope", "threshold"].flatMap((name) => {
    const value = numberOption(config, name) ?? 0;
    return value === 0 ? [] : [`${name} ${value}`];
  });
}

const leakyRelu = unaryLayer((config) => ({
  fn: "leakyRelu",
  // Keras 3 calls it negative_slope.
  alpha: numberOption(config, "alpha") ?? numberOption(config, "negativeSlope") ?? 0.3,
}));

const prelu: LayerRule = {
  add(layer, [input], builder) {
    const { key: alpha } = builder.weight(layer, "alpha", 0);
    return [builder.add(layer.name, "prelu", [input], { weights: { alpha } })];
  },
};

const softmax: LayerRule = {
  unsupported(config) {
    const axis = option(config, "axis");
    return Array.isArray(axis) && axis.length !== 1 ? [`axes ${axis.join(", ")}`] : [];
  },
  add({ name, config }, [input], builder) {
    const axis = option(config, "axis");
    // 1 is the default of tfjs; Keras' is -1, and it always writes it.
    const wanted = Number((Array.isArray(axis) ? axis[0] : axis) ?? 1);
    const rank = builder.shapeOf(input).length;
    const place = wanted < 0 ? wanted + rank : wanted;
    if (place === rank - 1) return [builder.add(name, "softmax", [input], { attrs: { axis: -1 } })];
    if (!(Number.isInteger(place) && place >= 1 && place < rank)) {
      throw new UnsupportedError([`Softmax: axis ${wanted} of rank ${rank}`]);
    }
    const last = addMoveLast(builder, `${name}/last`, input, place);
    const made = builder.add(`${name}/softmax`, "softmax", [last], { attrs: { axis: -1 } });
    return [addMoveBack(builder, name, made, place)];
  },
};

export const activationLayers: LayerRules = {
  ReLU: unaryLayer(reluAttrs, reluUnsupported),
  LeakyReLU: leakyRelu,
  PReLU: prelu,
  ELU: unaryLayer((config) => ({ fn: "elu", alpha: numberOption(config, "alpha") ?? 1 })),
  Softmax: softmax,
  ThresholdedReLU: unaryLayer((config) => ({
    fn: "thresholdedRelu",
    theta: numberOption(config, "theta") ?? 1,
  })),
};
