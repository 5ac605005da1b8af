/** Runs a model as the runtime would: weights and values rounded to their codes, statistics as they are. */

import * as tf from "@tensorflow/tfjs-core";
import type { LayerVariable } from "@tensorflow/tfjs-layers";
import type { QuantParams } from "../../graph/index.js";
import { asStored } from "../columns.js";
import { freezeLayers } from "../freeze.js";
import { Swaps } from "../swaps.js";
import type { Blueprint } from "./blueprint.js";
import { straightThrough } from "./fake-quantize.js";
import { roundLayer } from "./kernels.js";
import { matrixOf, type QuantizedLayer } from "./layers.js";
import { scaleOffsetOf } from "./normalization.js";
import type { Site } from "./sites.js";
import type { Layer } from "./trace.js";

/** What a range makes of the tensors at its sites. */
export type Rounding = (range: string, x: tf.Tensor) => tf.Tensor;

export interface RoundedOptions {
  readonly round: Rounding;
  /** Of a range; absent: weights stay as they are. */
  readonly paramsOf?: (range: string) => QuantParams;
}

/**
 * Runs f with a model that rounds. Call it within a tf.tidy: what replaces weights lives as long as that.
 *
 * @returns what f returns
 */
export function runRounded<T>(blueprint: Blueprint, { round, paramsOf }: RoundedOptions, f: () => T): T {
  // The runtime has the moving statistics folded into kernels, and training must see them there.
  const thaw = freezeLayers(blueprint.norms);
  const swaps = new Swaps();
  try {
    if (paramsOf) for (const layer of blueprint.layers) replaceWeights(blueprint, layer, paramsOf, swaps);
    for (const layer of new Set(blueprint.sites.map((site) => site.layer))) {
      const sites = blueprint.sites.filter((site) => site.layer === layer);
      replaceCall(layer, sites, blueprint.callsOf.get(layer) as number, round, swaps);
    }
    return f();
  } finally {
    swaps.undo();
    thaw();
  }
}

function replaceWeights(
  { rangeOf }: Blueprint,
  layer: QuantizedLayer,
  paramsOf: (range: string) => QuantParams,
  swaps: Swaps,
): void {
  const { name, kernel, columns, bias, input } = layer;
  const norm = layer.norm && scaleOffsetOf(layer.norm);
  const numbers = {
    kernel: matrixOf(layer),
    bias: bias?.read().dataSync() as Float32Array | undefined,
    norm,
  };
  const params = input === undefined ? undefined : paramsOf(rangeOf(input));
  const rounded = roundLayer(name, numbers, columns.outputs, params);
  replaceRead(kernel, straightThrough(kernel.read(), asStored(rounded.kernel, columns)), swaps);
  const { shift } = rounded;
  if (!shift) return;
  const { beta } = layer.norm ?? {};
  if (layer.norm && beta) replaceRead(beta, tf.add(beta.read(), tf.tensor(shift)), swaps);
  else if (bias) {
    // Before a normalization that adds nothing, what it then multiplies.
    const before = norm ? shift.map((value, c) => (norm.scale[c] === 0 ? 0 : value / norm.scale[c])) : shift;
    replaceRead(bias, tf.add(bias.read(), tf.tensor(before)), swaps);
  }
}

function replaceRead(variable: LayerVariable, tensor: tf.Tensor, swaps: Swaps): void {
  swaps.replace(variable, "read", () => () => tensor);
}

function replaceCall(
  layer: Layer,
  sites: readonly Site[],
  callsOfPass: number,
  round: Rounding,
  swaps: Swaps,
): void {
  let calls = 0;
  const siteAt = (index: number, place: Site["place"]) =>
    sites.find((site) => site.index === index && site.place === place);
  const rounded = (index: number, place: Site["place"], x: tf.Tensor) => {
    const site = siteAt(index, place);
    return site ? round(site.range, x) : x;
  };
  if (sites.some(({ place }) => place === "activation")) {
    swaps.replace(layer, "activation", (activation: Activation) => ({
      // No name of a function that tfjs would fuse.
      getClassName: () => "rounded",
      apply: (x: tf.Tensor) => activation.apply(rounded((calls - 1) % callsOfPass, "activation", x)),
    }));
  }
  swaps.replace(layer, "call", (call) => (inputs: tf.Tensor | tf.Tensor[], kwargs: object) => {
    const index = calls++ % callsOfPass;
    const read = Array.isArray(inputs)
      ? inputs.map((x, input) => rounded(index, input, x))
      : rounded(index, 0, inputs);
    const made = call(read, kwargs);
    return Array.isArray(made) ? made : rounded(index, "output", made);
  });
}

interface Activation {
  apply(x: tf.Tensor): tf.Tensor;
}
