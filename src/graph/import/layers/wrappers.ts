/** Bidirectional and TimeDistributed: layers that hold a layer. */

import { formatShape } from "../../shape.js";
import type { Builder } from "../builder.js";
import { asObject, asString, booleanOption, type Json, option } from "../json.js";
import { addAverage } from "./merge.js";
import type { Layer, LayerRule, LayerRules } from "./rule.js";

/** What a wrapper needs of the table it is in. */
export interface Rules {
  find(className: string): LayerRule | undefined;
  unsupported(className: string, config: Json): readonly string[];
}

interface Inner {
  readonly className: string;
  readonly config: Json;
}

function innerOf(config: Json, key = "layer"): Inner {
  const layer = asObject(option(config, key), `${key} of ${String(config.name)}`);
  const className = asString(option(layer, "className"), `${key}.class_name`);
  return { className, config: asObject(layer.config, `config of ${className}`) };
}

const unsupportedInner = (rules: Rules, { className, config }: Inner) => rules.unsupported(className, config);

const mergeOps: Readonly<Record<string, string>> = { sum: "add", mul: "multiply" };
const mergeModes = ["concat", "ave", ...Object.keys(mergeOps)];

function bidirectional(rules: Rules): LayerRule {
  return {
    extraInputs: "initialState",
    unsupported(config) {
      const inner = innerOf(config);
      const mode = config.merge_mode ?? config.mergeMode;
      return [
        ...(["SimpleRNN", "LSTM", "GRU"].includes(inner.className)
          ? unsupportedInner(rules, inner)
          : [inner.className]),
        ...(booleanOption(inner.config, "returnState", false) ? ["returnState"] : []),
        ...(typeof mode !== "string" || mergeModes.includes(mode) ? [] : [`merge_mode ${mode}`]),
      ];
    },
    add(layer, [input], builder) {
      const forward = innerOf(layer.config);
      const hasOwn = option(layer.config, "backwardLayer") !== undefined;
      const given = hasOwn ? innerOf(layer.config, "backwardLayer") : forward;
      const goBackwards = !booleanOption(forward.config, "goBackwards", false);
      const backward = { ...given, config: { ...given.config, goBackwards, go_backwards: goBackwards } };
      const [ahead, back] = [
        { side: "forward", inner: forward },
        { side: "backward", inner: backward },
      ].map(({ side, inner }) => addSide(rules, layer, side, inner, input, builder));
      const sequences = booleanOption(forward.config, "returnSequences", false);
      const aligned = sequences ? reverseTime(builder, `${layer.name}/reversed`, back) : back;
      return mergeSides(layer, ahead, aligned, builder);
    },
  };
}

/** One of the two layers; its weights lie under its own name within the wrapper's. */
function addSide(
  rules: Rules,
  { name, weightNames = [name], path }: Layer,
  side: string,
  { className, config }: Inner,
  input: string,
  builder: Builder,
): string {
  const own = String(config.name);
  const names = own.startsWith(`${side}_`) ? [own] : [`${side}_${own}`, own];
  const layer: Layer = {
    className,
    name: `${name}/${side}`,
    weightNames: [...weightNames.flatMap((wrapper) => names.map((end) => `${wrapper}/${end}`)), ...names],
    config,
    path,
  };
  const rule = rules.find(className) as LayerRule;
  return rule.add(layer, [input], builder)[0];
}

function reverseTime(builder: Builder, name: string, value: string): string {
  const [, time, ...rest] = builder.shapeOf(value) as readonly number[];
  const attrs = {
    begin: [time - 1, ...rest.map(() => 0)],
    size: [time, ...rest],
    strides: [-1, ...rest.map(() => 1)],
  };
  return builder.add(name, "slice", [value], { attrs });
}

function mergeSides(
  { name, config }: Layer,
  ahead: string,
  back: string,
  builder: Builder,
): readonly string[] {
  const mode = config.merge_mode === undefined ? config.mergeMode : config.merge_mode;
  // Two values: what null says, and what is left out does not.
  if (mode === null) return [ahead, back];
  if (mode === "ave") return [addAverage(builder, name, [ahead, back])];
  if (Object.hasOwn(mergeOps, String(mode)))
    return [builder.add(name, mergeOps[String(mode)], [ahead, back])];
  const axis = builder.shapeOf(ahead).length - 1;
  return [builder.add(name, "concat", [ahead, back], { attrs: { axis } })];
}

/** Layers that do to the last axis, or to each element, what they do without a time axis before it. */
const timeless = new Set(
  "Activation ActivityRegularization AlphaDropout Dense Dropout ELU Embedding GaussianDropout GaussianNoise LeakyReLU ReLU Rescaling ThresholdedReLU".split(
    " ",
  ),
);

function timeDistributed(rules: Rules): LayerRule {
  return {
    unsupported: (config) => unsupportedInner(rules, innerOf(config)),
    add(layer, [input], builder) {
      const { className, config } = innerOf(layer.config);
      const rule = rules.find(className) as LayerRule;
      // tfjs and Keras write the weights under the wrapper's name, the outermost one's.
      const weightNames = [...(layer.weightNames ?? [layer.name]), String(config.name)];
      const inner: Layer = { className, config, name: layer.name, weightNames, path: layer.path };
      if (timeless.has(className)) return rule.add(inner, [input], builder);
      return [
        eachStep(layer, input, builder, (name, step) => rule.add({ ...inner, name }, [step], builder)[0]),
      ];
    },
  };
}

/** One call a step, since a graph has no batch but the first axis. */
function eachStep(
  { name }: Layer,
  input: string,
  builder: Builder,
  add: (name: string, step: string) => string,
): string {
  const shape = builder.shapeOf(input);
  if (shape.length < 3)
    throw new RangeError(`layer ${name}: wanted [null, time, ...], got ${formatShape(shape)}`);
  const [batch, time, ...rest] = shape as readonly number[];
  const results = Array.from({ length: time }, (_, t) => {
    const attrs = {
      begin: [t, ...rest.map(() => 0)],
      size: [1, ...rest],
      strides: shape.slice(1).map(() => 1),
    };
    const part = builder.add(`${name}/${t}/slice`, "slice", [input], { attrs });
    const step = builder.add(`${name}/${t}/step`, "reshape", [part], { attrs: { shape: [batch, ...rest] } });
    const made = add(`${name}/${t}`, step);
    const [, ...sizes] = builder.shapeOf(made);
    return builder.add(`${name}/${t}/row`, "reshape", [made], { attrs: { shape: [batch, 1, ...sizes] } });
  });
  return builder.add(name, "concat", results, { attrs: { axis: 1 } });
}

export function wrapperLayers(rules: Rules): LayerRules {
  return { Bidirectional: bidirectional(rules), TimeDistributed: timeDistributed(rules) };
}
