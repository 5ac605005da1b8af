/** The weights of each of Keras' layers, in Keras' order, and where a `.keras` file has them. */

import { asObject, booleanOption, isObject, type Json, option } from "../json.js";

/** A weight that a layer has. */
export interface Slot {
  /** tfjs' name for it, after the layer's: "kernel", "forward_lstm/kernel". */
  readonly name: string;
  readonly role: string;
  /** Of Bidirectional: which of the two layers it is of. */
  readonly side?: "forward" | "backward";
  /** Groups below that of the layer, down to that of the variables: ["cell"]. */
  readonly path: readonly string[];
  /** Its number among the variables there. */
  readonly index: number;
  /** Not trained, whatever the layer's `trainable` says: these come last. */
  readonly isState: boolean;
}

interface Roles {
  readonly trained: readonly string[];
  readonly state?: readonly string[];
  /** Recurrent layers leave their weights to a cell. */
  readonly hasCell?: boolean;
}

const kernelAndBias =
  (...kernels: readonly string[]) =>
  (config: Json): Roles => ({
    trained: [...kernels, ...(booleanOption(config, "useBias", true) ? ["bias"] : [])],
  });

const recurrent = (config: Json): Roles => ({
  ...kernelAndBias("kernel", "recurrent_kernel")(config),
  hasCell: true,
});

const scaled = (config: Json): readonly string[] => [
  ...(booleanOption(config, "scale", true) ? ["gamma"] : []),
  ...(booleanOption(config, "center", true) ? ["beta"] : []),
];

/** By class; a layer that is not here has no weights, or is not supported. */
const rolesOf: Readonly<Record<string, (config: Json) => Roles>> = {
  BatchNormalization: (config) => ({ trained: scaled(config), state: ["moving_mean", "moving_variance"] }),
  Conv1D: kernelAndBias("kernel"),
  Conv1DTranspose: kernelAndBias("kernel"),
  Conv2D: kernelAndBias("kernel"),
  Conv2DTranspose: kernelAndBias("kernel"),
  Conv3D: kernelAndBias("kernel"),
  Conv3DTranspose: kernelAndBias("kernel"),
  ConvLSTM2D: recurrent,
  Dense: kernelAndBias("kernel"),
  DepthwiseConv1D: kernelAndBias("depthwise_kernel"),
  DepthwiseConv2D: kernelAndBias("depthwise_kernel"),
  Embedding: () => ({ trained: ["embeddings"] }),
  GRU: recurrent,
  GroupNormalization: (config) => ({ trained: scaled(config) }),
  LSTM: recurrent,
  LayerNormalization: (config) => ({ trained: scaled(config) }),
  // Without an axis, or with numbers given by hand, it has none.
  Normalization: (config) =>
    option(config, "mean") === undefined
      ? { trained: [], state: ["mean", "variance", "count"] }
      : { trained: [] },
  PReLU: () => ({ trained: ["alpha"] }),
  SeparableConv1D: kernelAndBias("depthwise_kernel", "pointwise_kernel"),
  SeparableConv2D: kernelAndBias("depthwise_kernel", "pointwise_kernel"),
  SimpleRNN: recurrent,
};

/**
 * The weights of a layer that is no model.
 *
 * @returns in the order in which Keras lists them: what is trained first
 */
export function slotsOf(className: string, config: Json): readonly Slot[] {
  if (className === "TimeDistributed") {
    const inner = innerOf(config, "layer");
    return slotsOf(inner.className, inner.config).map((slot) => ({ ...slot, path: ["layer", ...slot.path] }));
  }
  if (className === "Bidirectional") {
    const forward = innerOf(config, "layer");
    const backward = isObject(config.backward_layer) ? innerOf(config, "backward_layer") : forward;
    return (
      [
        ["forward", forward],
        ["backward", backward],
      ] as const
    ).flatMap(([side, inner]) =>
      slotsOf(inner.className, inner.config).map((slot) => ({
        ...slot,
        name: `${sideName(side, inner.config)}/${slot.name}`,
        side,
        path: [`${side}_layer`, ...slot.path],
      })),
    );
  }
  const roles = Object.hasOwn(rolesOf, className) ? rolesOf[className](config) : { trained: [] };
  const { trained, state = [], hasCell = false } = roles;
  const path = hasCell ? ["cell"] : [];
  return [...trained, ...state].map((role, index) => ({
    name: role,
    role,
    path,
    index,
    isState: index >= trained.length,
  }));
}

/** As tfjs names the two layers of a Bidirectional: "forward_lstm". */
function sideName(side: "forward" | "backward", { name }: Json): string {
  const own = String(name).replace(/^(?:forward|backward)_/, "");
  return `${side}_${own}`;
}

function innerOf(config: Json, key: string): { className: string; config: Json } {
  const layer = asObject(config[key], `${key} of ${String(config.name)}`);
  return { className: String(layer.class_name), config: asObject(layer.config, `config of ${key}`) };
}
