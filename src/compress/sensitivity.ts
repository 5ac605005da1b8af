/** Which layers suffer most from int8: each alone, against f32. */

import type { Graph } from "../graph/index.js";
import { fewSamples, firstSamples, relativeError } from "./input-error.js";
import { kernelNodes } from "./kernel-nodes.js";
import { pause } from "./pause.js";
import { type QuantizeOptions, quantizeGraph } from "./quantize-graph.js";

export interface Sensitivity {
  /** Of the layer. */
  readonly name: string;
  /** Relative error of the outputs when this layer alone is int8. */
  readonly error: number;
}

export interface RankOptions extends Pick<QuantizeOptions, "samples" | "open" | "ranges" | "signal"> {
  /** Called with the part done, 0 to 1. */
  readonly onLayer?: (done: number) => void;
}

/** @returns the most sensitive first */
export async function rankLayers(graph: Graph, options: RankOptions): Promise<readonly Sensitivity[]> {
  const samples = firstSamples(options.samples, fewSamples);
  const outputs = [...new Set(graph.outputs.map(({ value }) => value))];
  const results = (part: Graph) => {
    const runner = options.open(part, outputs);
    try {
      runner.run(samples.inputs);
      return outputs.map((value) => runner.value(value));
    } finally {
      runner.dispose();
    }
  };
  const wanted = results(graph);
  const names = kernelNodes(graph)
    .filter(({ onlyF32 }) => onlyF32 === undefined)
    .map(({ node }) => node.name);
  const ranked: Sensitivity[] = [];
  for (const [i, name] of names.entries()) {
    await pause(options.signal);
    const { graph: quantized } = await quantizeGraph(graph, {
      ...options,
      samples,
      biasCorrection: false,
      keepF32: new Set(names.filter((other) => other !== name)),
    });
    const got = results(quantized);
    ranked.push({ name, error: Math.max(...got.map((values, o) => relativeError(values, wanted[o]))) });
    options.onLayer?.((i + 1) / names.length);
  }
  return ranked.sort((a, b) => b.error - a.error);
}
