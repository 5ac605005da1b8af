/** tfjs on its wasm backend: what pare is measured against. Loaded on demand, for it may not be there. */

// biome-ignore lint/style/noRestrictedImports: its types; they are gone when this runs
import type * as Tfjs from "@tensorflow/tfjs";
import type { ModelArtifacts } from "../index.js";
import type { ValueInfo } from "../runtime.js";
import type { Predictor } from "./predict.js";

export type { Tfjs };

type Tensor = Tfjs.Tensor;

/**
 * tfjs with the wasm backend active.
 *
 * @throws Error that says what to install
 */
export async function loadTfjs(): Promise<typeof Tfjs> {
  let tf: typeof Tfjs;
  try {
    // biome-ignore lint/style/noRestrictedImports: on demand, as the peer that pare is measured against
    tf = await import("@tensorflow/tfjs");
    // biome-ignore lint/style/noRestrictedImports: likewise
    await import("@tensorflow/tfjs-backend-wasm");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error("this needs tfjs: npm install @tensorflow/tfjs@4.22 @tensorflow/tfjs-backend-wasm@4.22", {
      cause: error,
    });
  }
  if (!(await tf.setBackend("wasm"))) throw new Error("tfjs could not start its wasm backend");
  await tf.ready();
  return tf;
}

/** A tfjs model, as its owner would load it. */
export async function loadTfjsModel(
  tf: typeof Tfjs,
  { modelTopology, weightSpecs, weightData, format }: ModelArtifacts,
): Promise<Tfjs.LayersModel | Tfjs.GraphModel> {
  const topology = typeof modelTopology === "string" ? JSON.parse(modelTopology) : modelTopology;
  const source = tf.io.fromMemory({
    modelTopology: topology as object,
    weightSpecs: weightSpecs as Tfjs.io.WeightsManifestEntry[],
    // A copy of its own: tfjs wants an ArrayBuffer that begins with the weights.
    weightData: weightData.slice().buffer as ArrayBuffer,
  });
  const isGraph = format === "graph-model" || "node" in (topology as object);
  return isGraph ? tf.loadGraphModel(source) : tf.loadLayersModel(source);
}

/** A model on tfjs behind the face of pare's. */
export async function tfjsPredictor(tf: typeof Tfjs, artifacts: ModelArtifacts): Promise<Predictor> {
  const model = await loadTfjsModel(tf, artifacts);
  const inputs = valueInfos(model.inputs as readonly Named[], (model as Tfjs.LayersModel).inputNames);
  const outputs = valueInfos(model.outputs as readonly Named[], (model as Tfjs.LayersModel).outputNames);
  return {
    inputs,
    outputs,
    run(data) {
      const tensors = inputs.map((input) => tensorOf(tf, data[input.name], input));
      const results = toArray(
        model.predict(tensors.length === 1 ? tensors[0] : tensors) as Tensor | Tensor[],
      );
      const read = results.map((tensor) => tensor.dataSync() as Float32Array);
      // By hand, not by tidy, which would walk a returned array number by number.
      tf.dispose([tensors, results]);
      return Object.fromEntries(outputs.map(({ name }, i) => [name, read[i]]));
    },
    dispose: () => model.dispose(),
  };
}

/** tfjs' best setting for latency: its tensors are there already, only its output is read. */
export function tfjsRun(
  tf: typeof Tfjs,
  model: Tfjs.LayersModel | Tfjs.GraphModel,
  data: Readonly<Record<string, Float32Array>>,
  inputs: readonly ValueInfo[],
): () => void {
  const tensors = inputs.map((input) => tensorOf(tf, data[input.name], input));
  const argument = tensors.length === 1 ? tensors[0] : tensors;
  return () => {
    const results = toArray(model.predict(argument) as Tensor | Tensor[]);
    for (const tensor of results) {
      tensor.dataSync();
      tensor.dispose();
    }
  };
}

interface Named {
  readonly name: string;
  /** Of a layers model. */
  readonly sourceLayer?: { readonly name: string };
  readonly shape?: readonly (number | null)[];
}

function valueInfos(values: readonly Named[], names: readonly string[] | undefined): ValueInfo[] {
  // A Sequential has no list of names: then it is the layer that gives one.
  return values.map(({ name, shape, sourceLayer }, i) => ({
    name: names?.[i] ?? sourceLayer?.name ?? name,
    shape: (shape ?? []).slice(1).map((dim) => dim ?? 1),
  }));
}

function tensorOf(tf: typeof Tfjs, data: Float32Array, { shape }: ValueInfo): Tensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(data, [data.length / size, ...shape]);
}

function toArray(result: Tensor | Tensor[]): Tensor[] {
  return Array.isArray(result) ? result : [result];
}
