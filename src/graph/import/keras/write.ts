/** A Keras model as artifacts: the JSON that Keras 2 would write, and weights under tfjs' names for them. */

import type { ModelArtifacts, WeightSpec } from "../artifacts.js";
import type { Json } from "../json.js";
import type { Reference } from "../references.js";
import type { KerasLayer, KerasModel, KerasWeight } from "./model.js";

export function writeArtifacts(model: KerasModel): ModelArtifacts {
  const named = weightsOf(model);
  const data = new Uint8Array(named.reduce((sum, { weight }) => sum + (weight.tensor?.data.length ?? 0), 0));
  const specs: WeightSpec[] = [];
  let at = 0;
  for (const { name, weight } of named) {
    if (!weight.tensor) continue;
    const { shape, dtype, data: bytes } = weight.tensor;
    specs.push({ name, shape, dtype });
    data.set(bytes, at);
    at += bytes.length;
  }
  return {
    modelTopology: { backend: "tensorflow", model_config: writeModel(model) },
    weightSpecs: specs,
    weightData: data,
    format: "layers-model",
  };
}

function weightsOf(model: KerasModel): readonly { readonly name: string; readonly weight: KerasWeight }[] {
  return model.layers.flatMap((layer) =>
    layer.model
      ? weightsOf(layer.model)
      : layer.weights.map((weight) => ({ name: `${layer.name}/${weight.name}`, weight })),
  );
}

function writeModel(model: KerasModel): Json {
  const inner = new Set(model.layers.filter((layer) => layer.model).map(({ name }) => name));
  // The construction of a model counts as its call 0.
  const number = ({ layer, call }: Reference) => (inner.has(layer) ? call + 1 : call);
  const place = (reference: Reference) => [reference.layer, number(reference), reference.tensor];
  const writeLayer = (layer: KerasLayer): Json => ({
    ...(layer.model ? writeModel(layer.model) : { class_name: layer.className, config: layer.config }),
    name: layer.name,
    inbound_nodes: layer.calls.map((call) => call.map((reference) => [...place(reference), {}])),
  });
  return {
    class_name: "Functional",
    config: {
      name: model.name,
      layers: model.layers.map(writeLayer),
      input_layers: model.inputs.map(place),
      output_layers: model.outputs.map(place),
    },
  };
}
