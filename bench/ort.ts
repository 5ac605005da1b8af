/** The peer onnxruntime-web, on one thread of its wasm build, as its Node users get it. */

import * as ort from "onnxruntime-web";
import { type Graph, inferShapes } from "../src/graph/index.js";
import { onnxFromGraph } from "./onnx/from-graph.js";
import { encodeOnnx } from "./onnx/model.js";

export interface OrtModel {
  /** All outputs, in the order of the graph's, [1, h, w, c]. */
  run(): Promise<readonly Float32Array[]>;
  dispose(): Promise<void>;
}

/**
 * A session of a graph in int8, its input made beforehand.
 *
 * Its best setting, tried with kws-dscnn, ResNet8, tinyvgg and MobileNetV2: signed activations take 2 to 10 times as
 * long; its own ops for [h, w, c] take as long, for it makes them of the others itself.
 *
 * @param graph int8, of one input
 * @param sample one, as the graph gets it
 */
export async function openOrt(graph: Graph, sample: Float32Array): Promise<OrtModel> {
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(encodeOnnx(onnxFromGraph(graph)), {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "all",
  });
  const [{ name }] = graph.inputs;
  const shape = (inferShapes(graph).get(name) as readonly (number | null)[]).map((dim) => dim ?? 1);
  const feeds = { [name]: new ort.Tensor("float32", sample, shape) };
  const names = session.outputNames;
  return {
    async run() {
      const outputs = await session.run(feeds);
      return names.map((output) => outputs[output].data as Float32Array);
    },
    dispose: () => session.release(),
  };
}
