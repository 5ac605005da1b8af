/** A live model in the form that its files have, so that one importer reads both. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { ModelArtifacts, WeightSpec } from "../graph/index.js";
import { checkModel } from "./weights.js";

/**
 * What `model.save` would write: give it to `importModel` or `compress`.
 *
 * @param model any LayersModel, on any backend; it stays as it is
 * @returns topology and weights, copied, without the state of an optimizer
 * @throws TypeError where it is no LayersModel
 */
export async function modelArtifacts(model: LayersModel): Promise<ModelArtifacts> {
  checkModel(model);
  type Saved = Parameters<NonNullable<Exclude<Parameters<LayersModel["save"]>[0], string>["save"]>>[0];
  let saved: Saved = { modelTopology: {} };
  await model.save({
    save: async (artifacts: Saved) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: "JSON" } };
    },
  });
  return {
    modelTopology: saved.modelTopology,
    weightSpecs: (saved.weightSpecs ?? []) as readonly WeightSpec[],
    weightData: joinBuffers(saved.weightData),
    format: "layers-model",
  };
}

function joinBuffers(data: ArrayBuffer | ArrayBuffer[] | undefined): Uint8Array {
  if (data === undefined) return new Uint8Array();
  if (!Array.isArray(data)) return new Uint8Array(data);
  const joined = new Uint8Array(data.reduce((size, buffer) => size + buffer.byteLength, 0));
  let at = 0;
  for (const buffer of data) {
    joined.set(new Uint8Array(buffer), at);
    at += buffer.byteLength;
  }
  return joined;
}
