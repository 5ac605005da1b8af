/** What tfjs 4.22 has of Keras, for whoever hands it the model: it drops options that it does not know without a word. */

import { UnsupportedError } from "../../errors.js";
import { readActivation } from "../activation.js";
import type { ModelArtifacts } from "../artifacts.js";
import { isObject, type Json, option } from "../json.js";
import { layerRule, unsupportedIn } from "../layers/index.js";
import { type LayerSpec, type ModelSpec, readTopology } from "../topology.js";

/** Layers that its registry has, models and cells aside. */
export const tfjsLayers: ReadonlySet<string> = new Set(
  `Activation Add AlphaDropout Average AveragePooling1D AveragePooling2D AveragePooling3D BatchNormalization
  Bidirectional CategoryEncoding CenterCrop Concatenate Conv1D Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM2D
  Cropping2D Dense DepthwiseConv2D Dot Dropout ELU Embedding Flatten GRU GaussianDropout GaussianNoise
  GlobalAveragePooling1D GlobalAveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D InputLayer LSTM
  LayerNormalization LeakyReLU Masking MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply PReLU Permute
  ReLU RepeatVector Rescaling Reshape Resizing SeparableConv2D SimpleRNN Softmax SpatialDropout1D ThresholdedReLU
  TimeDistributed UpSampling2D ZeroPadding2D`.split(/\s+/),
);

/**
 * @param artifacts of `kerasArtifacts`
 * @throws UnsupportedError listing layers that tfjs has not, and options that it would drop or read otherwise
 */
export function refuseForTfjs({ modelTopology }: ModelArtifacts): void {
  const what = allLayers(readTopology(modelTopology)).flatMap(lackingIn);
  if (what.length > 0) throw new UnsupportedError(what.map((one) => `${one} (of tfjs)`));
}

function allLayers({ layers }: ModelSpec): readonly LayerSpec[] {
  return layers.flatMap((layer) => [layer, ...(layer.model ? allLayers(layer.model) : [])]);
}

function lackingIn(layer: LayerSpec): readonly string[] {
  const { className, config, model } = layer;
  if (model) return [];
  if (!tfjsLayers.has(className)) return [className];
  // What pare refuses of a layer that both have, it refuses for the sake of being equal to tfjs.
  const refused = layerRule(className) ? unsupportedIn(layer) : [];
  return [...refused, ...optionsLacking(className, config).map((one) => `${className}: ${one}`)];
}

function optionsLacking(className: string, config: Json): readonly string[] {
  const inner = isObject(config.layer) && isObject(config.layer.config) ? config.layer : undefined;
  const name = String(inner?.class_name);
  return [
    ...(className === "GRU" && option(config, "resetAfter") === true ? ["reset_after"] : []),
    ...(option(config, "halfPixelCenters") === true
      ? ["interpolation bilinear, of pixels at their centers"]
      : []),
    ...(option(config, "backwardLayer") === undefined ? [] : ["backward_layer"]),
    ...(option(config, "outputPadding") === undefined ? [] : ["output_padding"]),
    ...(readActivation(config) === "geluNew" ? ["activation gelu_new"] : []),
    ...(inner ? (tfjsLayers.has(name) ? optionsLacking(name, inner.config as Json) : [name]) : []),
  ];
}
