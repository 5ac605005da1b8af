/** A Keras model as layers with the weights that are theirs. */

import type { Json } from "../json.js";
import { firstCalls } from "../layers-model.js";
import type { Reference } from "../references.js";
import type { LayerSpec, ModelSpec } from "../topology.js";
import { operationMark } from "./clean.js";
import { type Slot, slotsOf } from "./slots.js";
import type { KerasTensor } from "./weights.js";

export interface KerasModel {
  readonly name: string;
  readonly layers: readonly KerasLayer[];
  readonly inputs: readonly Reference[];
  readonly outputs: readonly Reference[];
}

export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Json;
  /** Calls of it that are read are counted from 0, those of a model too. */
  readonly calls: readonly (readonly Reference[])[];
  readonly model?: KerasModel;
  /** It stands for an operation, and is no layer in Keras' eyes. */
  readonly isOperation: boolean;
  readonly weights: readonly KerasWeight[];
}

/** A weight of a layer; without numbers until the file gave it some. */
export interface KerasWeight extends Slot {
  readonly tensor?: KerasTensor;
}

/** The layers of a topology, with places for their weights. */
export function kerasModel(model: ModelSpec): KerasModel {
  const first = firstCalls(model);
  const rebase = ({ layer, call, tensor }: Reference) => ({
    layer,
    call: call - (first.get(layer) ?? 0),
    tensor,
  });
  return {
    name: model.name,
    layers: model.layers.map((layer) => kerasLayer(layer, rebase)),
    inputs: model.inputs.map(rebase),
    outputs: model.outputs.map(rebase),
  };
}

function kerasLayer(layer: LayerSpec, rebase: (reference: Reference) => Reference): KerasLayer {
  const { className, name, model } = layer;
  const { [operationMark]: mark, ...config } = layer.config;
  return {
    className,
    name,
    config,
    calls: layer.calls.map((call) => call.map(rebase)),
    ...(model ? { model: kerasModel(model) } : {}),
    isOperation: mark === true,
    weights: model ? [] : slotsOf(className, config),
  };
}
