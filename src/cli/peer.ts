/** tfjs on its wasm backend: what pare is measured against. Loaded on demand, for it may not be there. */

// biome-ignore lint/style/noRestrictedImports: its types; they are gone when this runs
import type * as Tfjs from "@tensorflow/tfjs";
import { inferShapes, type ModelArtifacts } from "../index.js";
import type { ValueInfo } from "../runtime.js";
import { importWith } from "./import.js";
import type { InputShapes } from "./options.js";
import type { Predictor } from "./predict.js";
import { sizeOf } from "./samples.js";

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
  { modelTopology, weightSpecs, weightData, format, signature }: ModelArtifacts,
): Promise<Tfjs.LayersModel | Tfjs.GraphModel> {
  const topology = typeof modelTopology === "string" ? JSON.parse(modelTopology) : modelTopology;
  const source = tf.io.fromMemory({
    modelTopology: topology as object,
    weightSpecs: weightSpecs as Tfjs.io.WeightsManifestEntry[],
    // A copy of its own: tfjs wants an ArrayBuffer that begins with the weights.
    weightData: weightData.slice().buffer as ArrayBuffer,
    ...(signature === undefined ? {} : { signature }),
  });
  const isGraph = format === "graph-model" || "node" in (topology as object);
  return isGraph ? tf.loadGraphModel(source) : tf.loadLayersModel(source);
}

export interface TfjsPredictor extends Predictor {
  /** tfjs' best setting for latency: its tensors are there already, only its outputs are read. */
  prepare(data: Readonly<Record<string, Float32Array>>): () => void;
}

/**
 * A model on tfjs behind the face of pare's.
 *
 * @param inputShapes of inputs whose sizes the model leaves open
 * @throws what `importModel` throws, where sizes are given or tfjs does not know them
 */
export async function tfjsPredictor(
  tf: typeof Tfjs,
  artifacts: ModelArtifacts,
  inputShapes: InputShapes = {},
): Promise<TfjsPredictor> {
  const model = await loadTfjsModel(tf, artifacts);
  const asWritten = Object.keys(inputShapes).length === 0 && "layers" in model;
  const { inputs, outputs } = (asWritten && knownEnds(model)) || importedEnds(artifacts, inputShapes);
  const { batch, dtypes, call } =
    "layers" in model ? layersCall(model) : graphCall(model, artifacts.signature, { inputs, outputs });

  function tensorsOf(data: Readonly<Record<string, Float32Array>>): Tensor[][] {
    const count = data[inputs[0].name].length / sizeOf(inputs[0].shape);
    const part = batch ?? count;
    if (count % part !== 0) {
      throw new RangeError(`tfjs: wanted samples by ${part}, the batch of the model, got ${count}`);
    }
    return Array.from({ length: count / part }, (_, i) =>
      inputs.map(({ name, shape }, k) => {
        const size = part * sizeOf(shape);
        return tf.tensor(data[name].subarray(i * size, (i + 1) * size), [part, ...shape], dtypes?.[k]);
      }),
    );
  }

  function read(tensors: Tensor[]): Float32Array[] {
    const results = call(tensors);
    const numbers = results.map((tensor) => tensor.dataSync() as Float32Array);
    // By hand, not by tidy, which would walk a returned array number by number.
    tf.dispose(results);
    return numbers;
  }

  return {
    inputs,
    outputs,
    run(data) {
      const parts = tensorsOf(data);
      const results = parts.map(read);
      tf.dispose(parts);
      return Object.fromEntries(outputs.map(({ name }, i) => [name, joined(results.map((one) => one[i]))]));
    },
    prepare(data) {
      const parts = tensorsOf(data);
      return () => {
        for (const tensors of parts) read(tensors);
      };
    },
    dispose: () => model.dispose(),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How a model is called: tensors of its inputs in, tensors of its outputs out. */
interface Call {
  /** Samples that it takes at a time; undefined where that is open. */
  readonly batch?: number | undefined;
  /** Of its inputs; undefined where tfjs casts them itself. */
  readonly dtypes?: readonly (Tfjs.DataType | undefined)[];
  call(tensors: Tensor[]): Tensor[];
}

function layersCall(model: Tfjs.LayersModel): Call {
  return { call: (tensors) => [model.predict(tensors.length === 1 ? tensors[0] : tensors)].flat() };
}

/** By the keys of its signature, for the order of a graph model's own nodes is another. */
function graphCall(model: Tfjs.GraphModel, signature: unknown, { inputs, outputs }: Ends): Call {
  const sides = (signature ?? {}) as Partial<Record<"inputs" | "outputs", Record<string, { name?: string }>>>;
  // pare's names are without the ":0" that keys of converters end with.
  const keyOf = (side: "inputs" | "outputs", name: string) =>
    Object.keys(sides[side] ?? {}).find((key) => key.replace(/:0$/, "") === name) ?? name;
  const inputKeys = inputs.map(({ name }) => keyOf("inputs", name));
  const outputKeys = outputs.map(({ name }) => keyOf("outputs", name));
  const placeholders = inputKeys.map((key) => {
    const node = (sides.inputs?.[key]?.name ?? key).replace(/:0$/, "");
    return model.inputs.find(({ name }) => name === node);
  });
  return {
    batch: placeholders.map((node) => node?.shape?.[0]).find((size) => size !== undefined && size > 0),
    dtypes: placeholders.map((node) => node?.dtype),
    call: (tensors) =>
      [model.execute(Object.fromEntries(inputKeys.map((key, i) => [key, tensors[i]])), outputKeys)].flat(),
  };
}

type Ends = Pick<Predictor, "inputs" | "outputs">;

/** As tfjs has them, which knows layers that pare has not; undefined where the model leaves a size open. */
function knownEnds(model: Tfjs.LayersModel): Ends | undefined {
  const inputs = valueInfos(model.inputs, model.inputNames);
  const outputs = valueInfos(model.outputs, model.outputNames);
  return inputs && outputs && { inputs, outputs };
}

function valueInfos(
  values: readonly Tfjs.SymbolicTensor[],
  names: readonly string[] | undefined,
): readonly ValueInfo[] | undefined {
  if (values.some(({ shape }) => shape.slice(1).includes(null))) return undefined;
  // A Sequential has no list of names: then it is the layer that gives one.
  return values.map(({ name, shape, sourceLayer }, i) => ({
    name: names?.[i] ?? sourceLayer?.name ?? name,
    shape: shape.slice(1) as number[],
  }));
}

/** As pare reads them, of graph models too, which do not say what shapes they give out. */
function importedEnds(artifacts: ModelArtifacts, inputShapes: InputShapes): Ends {
  const graph = importWith(artifacts, inputShapes);
  const shapes = inferShapes(graph);
  const info = (name: string, value: string) => ({ name, shape: shapes.get(value)?.slice(1) as number[] });
  return {
    inputs: graph.inputs.map(({ name }) => info(name, name)),
    outputs: graph.outputs.map(({ name, value }) => info(name, value)),
  };
}
