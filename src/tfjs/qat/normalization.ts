/** A batch normalization as the graph has it: one scale and offset a channel, folded into the layer before. */

import type { LayerVariable } from "@tensorflow/tfjs-layers";
import type { Layer } from "./trace.js";

/** What a BatchNormalization of tfjs keeps to itself. */
export interface Normalization extends Layer {
  readonly gamma?: LayerVariable;
  readonly beta?: LayerVariable;
  readonly movingMean: LayerVariable;
  readonly movingVariance: LayerVariable;
  readonly epsilon: number;
}

export function isNormalization(layer: Layer): layer is Normalization {
  return layer.getClassName() === "BatchNormalization";
}

export interface ScaleOffset {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
}

/** By the moving statistics, in f64 and rounded once, as the importer of `compress` does it. */
export function scaleOffsetOf(layer: Normalization): ScaleOffset {
  const numbers = (variable: LayerVariable | undefined) => variable?.read().dataSync();
  const [gamma, beta] = [numbers(layer.gamma), numbers(layer.beta)];
  const [mean, variance] = [layer.movingMean, layer.movingVariance].map((v) => v.read().dataSync());
  const scale = new Float32Array(mean.length);
  const offset = new Float32Array(mean.length);
  for (let c = 0; c < mean.length; c++) {
    const exact = (gamma?.[c] ?? 1) / Math.sqrt(variance[c] + layer.epsilon);
    scale[c] = exact;
    offset[c] = (beta?.[c] ?? 0) - mean[c] * exact;
  }
  return { scale, offset };
}
