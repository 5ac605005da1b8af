/** Layers that make one value of several. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { Builder } from "../builder.js";
import { booleanOption, describe, type Json, numberOption, option } from "../json.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

const several = { min: 2, max: Number.POSITIVE_INFINITY };

/** Values of lower ranks get axes of 1 after the batch, as tfjs has it. */
function sameRanks({ name }: Layer, inputs: readonly string[], builder: Builder): readonly string[] {
  const rank = Math.max(...inputs.map((input) => builder.shapeOf(input).length));
  return inputs.map((input) => {
    const [batch, ...sample] = builder.shapeOf(input);
    if (sample.length === rank - 1) return input;
    const shape = [batch, ...new Array<number>(rank - 1 - sample.length).fill(1), ...sample];
    return builder.add(`${name}/reshape`, "reshape", [input], { attrs: { shape } });
  });
}

/** From the left, two at a time; `last` is the name of the result. */
export function addChain(
  builder: Builder,
  name: string,
  op: string,
  inputs: readonly string[],
  last = name,
): string {
  return inputs.reduce((sum, input, i) =>
    builder.add(i === inputs.length - 1 ? last : `${name}/${i}`, op, [sum, input]),
  );
}

function chain(op: string, arity = several): LayerRule {
  return {
    inputs: arity,
    add: (layer, inputs, builder) => [addChain(builder, layer.name, op, sameRanks(layer, inputs, builder))],
  };
}

/** The mean of values: their sum times 1 / n. */
export function addAverage(builder: Builder, name: string, inputs: readonly string[]): string {
  const sum = addChain(builder, name, "add", inputs, `${name}/sum`);
  const factor = Float32Array.of(1 / inputs.length);
  const operand = builder.put(`1/${inputs.length}`, { dtype: "f32", shape: [], data: factor });
  return builder.add(name, "multiply", [sum], { weights: { operand } });
}

const average: LayerRule = {
  inputs: several,
  add: (layer, inputs, builder) => [addAverage(builder, layer.name, sameRanks(layer, inputs, builder))],
};

const concatenate: LayerRule = {
  inputs: { min: 1, max: Number.POSITIVE_INFINITY },
  add({ name, config }, inputs, builder) {
    const given = numberOption(config, "axis") ?? -1;
    const rank = builder.shapeOf(inputs[0]).length;
    const axis = given < 0 ? given + rank : given;
    if (axis === 0) throw new UnsupportedError(["Concatenate: axis 0, the batch"]);
    return [builder.add(name, "concat", inputs, { attrs: { axis } })];
  },
};

/** Two vectors, or two matrices over either axis. */
const dot: LayerRule = {
  inputs: { min: 2, max: 2 },
  unsupported: (config) => (booleanOption(config, "normalize", false) ? ["normalize"] : []),
  add({ name, config }, inputs, builder) {
    const shapes = inputs.map((input) => builder.shapeOf(input));
    const ranks = shapes.map(({ length }) => length);
    const [a, b] = dotAxes(config, ranks);
    if (ranks[0] === 2 && ranks[1] === 2 && a === 1 && b === 1) {
      const products = builder.add(`${name}/products`, "multiply", inputs);
      return [builder.add(name, "reduce", [products], { attrs: { fn: "sum", axes: [1], keepDims: true } })];
    }
    if (ranks[0] === 3 && ranks[1] === 3 && a > 0 && b > 0) {
      const attrs = { transposeA: a === 1, transposeB: b === 2 };
      return [builder.add(name, "matmul", inputs, { attrs })];
    }
    throw new UnsupportedError([`Dot: axes ${a}, ${b} of ${shapes.map(formatShape).join(" and ")}`]);
  },
};

function dotAxes(config: Json, ranks: readonly number[]): readonly number[] {
  const value = option(config, "axes");
  const axes = typeof value === "number" ? [value, value] : value;
  if (!Array.isArray(axes) || axes.length !== 2 || !axes.every(Number.isSafeInteger)) {
    throw new TypeError(`${describe(config.name)}: axes wants an integer or two, got ${describe(value)}`);
  }
  return axes.map((axis, i) => (axis < 0 ? axis + ranks[i] : axis));
}

export const mergeLayers: LayerRules = {
  Add: chain("add"),
  Average: average,
  Concatenate: concatenate,
  Dot: dot,
  Maximum: chain("maximum"),
  Minimum: chain("minimum"),
  Multiply: chain("multiply"),
  Subtract: chain("subtract", { min: 2, max: 2 }),
};
