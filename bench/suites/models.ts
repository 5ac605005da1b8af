/** Whole models, one sample at a time: a `.pare` file against the tfjs model that it was made of. */

import type { Tensor } from "@tensorflow/tfjs";
import { pruneGraph } from "../../src/compress/index.js";
import { type Graph, importModel, simplify } from "../../src/graph/index.js";
import { compress, load } from "../../src/index.js";
import { createKernels } from "../../src/kernels/index.js";
import type { Contest, TimeCase } from "../contest.js";
import { buildFused } from "../fused.js";
import { matchAll, matchExact, matchRelative } from "../match.js";
import { type Net, type NetName, nets } from "../nets/index.js";
import { openTfjs, readingSide, readTensor } from "../tfjs.js";

export interface ModelCase {
  readonly net: NetName;
  readonly zeros: number;
  readonly pattern?: "1x4" | "4x4";
  readonly peers: readonly Peer[];
}

type Peer = "tfjs-wasm layers" | "tfjs-wasm fused";

const both: readonly Peer[] = ["tfjs-wasm layers", "tfjs-wasm fused"];
const layers: readonly Peer[] = ["tfjs-wasm layers"];
const fused: readonly Peer[] = ["tfjs-wasm fused"];

export const models: readonly ModelCase[] = [
  { net: "lenet-300-100", zeros: 0, peers: layers },
  { net: "lenet-300-100", zeros: 90, pattern: "1x4", peers: layers },
  { net: "lenet-300-100", zeros: 90, pattern: "4x4", peers: layers },
  { net: "mlperf-kws-dscnn", zeros: 0, peers: both },
  { net: "mnist-lenet-v2", zeros: 0, peers: layers },
  { net: "tinyvgg-cnn-explainer", zeros: 0, peers: layers },
  { net: "teachable-tiny-image", zeros: 0, peers: both },
  { net: "imdb-gru3", zeros: 0, peers: layers },
  { net: "resnet8", zeros: 0, peers: both },
  { net: "resnet8", zeros: 75, pattern: "1x4", peers: fused },
  { net: "resnet8", zeros: 90, pattern: "1x4", peers: fused },
  { net: "mobilenetv2-1.0-224", zeros: 0, peers: both },
  { net: "mobilenetv2-1.0-224", zeros: 75, pattern: "1x4", peers: fused },
  { net: "mobilenetv2-1.0-224", zeros: 90, pattern: "1x4", peers: fused },
];

export const modelName = ({ net, zeros, pattern }: ModelCase): string =>
  `${net} s${zeros}${pattern ? ` ${pattern}` : ""}`;

export const modelCases: readonly TimeCase[] = models.flatMap((entry) =>
  entry.peers.map((peer) => {
    const { missing } = nets[entry.net] as Net;
    return {
      suite: "models" as const,
      name: modelName(entry),
      subject: "pare",
      peer,
      ...(missing !== undefined && { missing }),
      prepare: () => prepare(entry, peer),
    };
  }),
);

export const modelNote =
  "models: batch 1, one thread. Nets that are not of ../shared/models have He-normal weights of a seed (speed does not " +
  "depend on training). int8 by compress() on 16 samples, with its zeros where there are any, written, loaded, run. " +
  "layers: the tfjs model as its users load it. fused: the same f32 graph, equally sparse, batch normalization folded " +
  "into tfjs' fused ops. tfjs: the first output by dataSync(), tensors disposed, its input made beforehand.";

// Of a network that nobody trained, rounding the values of each layer to 7 bits moves the outputs by some per cent.
const outputBound = 0.15;
const calibrated = 16;

export interface BuiltModel {
  /** The f32 graph, as sparse as the file. */
  readonly graph: Graph;
  readonly bytes: Uint8Array;
  readonly samples: Float32Array;
  readonly shape: readonly number[];
}

const made = new Map<string, Promise<BuiltModel>>();

/** The `.pare` file that compress() makes of a net; made once for all its peers. */
export function buildModel(entry: ModelCase): Promise<BuiltModel> {
  const name = modelName(entry);
  const known = made.get(name);
  if (known) return known;
  // One at a time: large nets need not stay.
  made.clear();
  const built = build(entry);
  made.set(name, built);
  return built;
}

async function build({ net: name, zeros, pattern }: ModelCase): Promise<BuiltModel> {
  const net: Net = nets[name];
  const artifacts = await net.artifacts();
  const samples = net.samples(calibrated);
  const pruning = pattern ? { sparsity: zeros / 100, pattern } : {};
  const result = await compress(artifacts, { calibration: samples, ...pruning });
  const imported = simplify(importModel(artifacts));
  // Not the f32 graph of compress(): its convolutions take residuals, which no op of tfjs does.
  const graph = pattern
    ? pruneGraph(imported, { sparsity: zeros / 100, pattern }, createKernels()).graph
    : imported;
  return { graph, bytes: await result.bytes(), samples, shape: net.shape };
}

async function prepare(entry: ModelCase, peer: Peer): Promise<Contest> {
  const tf = await openTfjs();
  const { graph, bytes, samples, shape } = await buildModel(entry);
  const pare = await load(bytes);
  const reference = await load(bytes, { variant: "reference" });
  const output = pare.outputs[0].name;
  const sample = samples.slice(0, samples.length / calibrated);
  const input = tf.tensor(sample, [1, ...shape]);
  const { predict, dispose } = await openPeer(entry, peer, graph);
  const firstOf = (call: OpenPeer["predict"]) => {
    const [wanted, ...others] = [call(input)].flat();
    tf.dispose(others);
    return wanted;
  };
  // The layers model has no zeros, which is nothing to it but time saved in making it.
  const twin = entry.zeros > 0 ? buildFused(tf, graph) : undefined;
  const ours = pare.run(sample)[output].slice();
  const match = matchAll(
    matchExact("reference", ours, reference.run(sample)[output]),
    matchRelative("tfjs", ours, readTensor(firstOf(twin?.predict ?? predict)), outputBound),
  );
  twin?.dispose();
  reference.dispose();
  return {
    match,
    subject: { name: "pare", run: () => pare.run(sample)[output] },
    peer: readingSide(peer, () => firstOf(predict)),
    dispose() {
      input.dispose();
      dispose();
      pare.dispose();
    },
  };
}

interface OpenPeer {
  predict(input: Tensor): Tensor | Tensor[];
  dispose(): void;
}

async function openPeer(entry: ModelCase, peer: Peer, graph: Graph): Promise<OpenPeer> {
  if (peer === "tfjs-wasm fused") return buildFused(await openTfjs(), graph);
  const model = await (nets[entry.net] as Net).model();
  return { predict: (input) => model.predict(input) as Tensor | Tensor[], dispose: () => {} };
}
