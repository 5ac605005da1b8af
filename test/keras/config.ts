/** Configurations as Keras 3 and Keras 2 write them. */

type Json = Record<string, unknown>;

export const float32 = {
  module: "keras",
  class_name: "DTypePolicy",
  config: { name: "float32" },
  registered_name: null,
};

const initializer = (className: string) => ({
  module: "keras.initializers",
  class_name: className,
  config: className === "Zeros" ? {} : { seed: null },
  registered_name: null,
});

/** What layers with a kernel have besides. */
export const kernel3: Json = {
  use_bias: true,
  kernel_initializer: initializer("GlorotUniform"),
  bias_initializer: initializer("Zeros"),
  kernel_regularizer: null,
  bias_regularizer: null,
  kernel_constraint: null,
  bias_constraint: null,
};

/** A layer of Keras 3; with `reads` one of a functional model. */
export function layer3(className: string, name: string, config: Json = {}, reads?: readonly unknown[]): Json {
  return {
    module: "keras.layers",
    class_name: className,
    config: { name, trainable: true, dtype: float32, ...config },
    registered_name: null,
    build_config: { input_shape: [null, 3] },
    ...(reads && { name, inbound_nodes: reads.map((args) => ({ args, kwargs: {} })) }),
  };
}

export function input3(name: string, shape: readonly number[], dtype = "float32", functional = true): Json {
  return {
    module: "keras.layers",
    class_name: "InputLayer",
    config: { batch_shape: [null, ...shape], dtype, sparse: false, ragged: false, name },
    registered_name: null,
    ...(functional && { name, inbound_nodes: [] }),
  };
}

/** A tensor among the arguments of a call. */
export function tensor3(layer: string, node = 0, index = 0): Json {
  return {
    class_name: "__keras_tensor__",
    config: { shape: [null, 3], dtype: "float32", keras_history: [layer, node, index] },
  };
}

/** An operation that is no layer. */
export function operation3(
  className: string,
  name: string,
  args: readonly unknown[],
  config: Json = {},
): Json {
  return {
    module: "keras.src.ops.numpy",
    class_name: className,
    config: { name, ...config },
    registered_name: className,
    name,
    inbound_nodes: [{ args, kwargs: {} }],
  };
}

export function sequential3(name: string, layers: readonly Json[]): Json {
  return {
    module: "keras",
    class_name: "Sequential",
    config: { name, trainable: true, dtype: float32, layers },
    registered_name: null,
    build_config: { input_shape: [null, 3] },
    compile_config: { optimizer: { class_name: "Adam" }, loss: "mse" },
  };
}

export function functional3(
  name: string,
  layers: readonly Json[],
  inputs: readonly string[],
  outputs: readonly string[],
): Json {
  const places = (names: readonly string[]) =>
    names.length === 1 ? [names[0], 0, 0] : names.map((one) => [one, 0, 0]);
  return {
    module: "keras.src.models.functional",
    class_name: "Functional",
    config: { name, trainable: true, layers, input_layers: places(inputs), output_layers: places(outputs) },
    registered_name: "Functional",
    build_config: { input_shape: null },
  };
}

/** A layer of Keras 2; with `reads`, names of layers, one of a functional model. */
export function layer2(className: string, name: string, config: Json = {}, reads?: readonly string[]): Json {
  return {
    class_name: className,
    config: { name, trainable: true, dtype: "float32", ...config },
    ...(reads && { name, inbound_nodes: reads.length === 0 ? [] : [reads.map((one) => [one, 0, 0, {}])] }),
  };
}

export function functional2(
  name: string,
  layers: readonly Json[],
  inputs: readonly string[],
  outputs: readonly string[],
): Json {
  const places = (names: readonly string[]) => names.map((one) => [one, 0, 0]);
  return {
    class_name: "Functional",
    config: { name, layers, input_layers: places(inputs), output_layers: places(outputs) },
  };
}
