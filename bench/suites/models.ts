/** Whole models, one sample at a time: a `.pare` file against the tfjs model that it was made of. */

import type { Tensor } from "@tensorflow/tfjs";
import { pruneGraph } from "../../src/compress/index.js";
import { type Graph, importModel, simplify } from "../../src/graph/index.js";
import { compress, createModel, type LoadedModel, load } from "../../src/index.js";
import { createKernels } from "../../src/kernels/index.js";
import type { Contest, TimeCase } from "../contest.js";
import { buildFused } from "../fused.js";
import { type Match, matchAll, matchExact, matchRelative } from "../match.js";
import { type Net, type NetName, nets } from "../nets/index.js";
import { openOrt } from "../ort.js";
import { openTfjs, readingSide, readTensor } from "../tfjs.js";
import type { Side } from "../timing.js";

export interface ModelCase {
  readonly net: NetName;
  readonly zeros: number;
  readonly pattern?: "1x4" | "4x4";
  readonly peers: readonly Peer[];
}

type TfjsPeer = "tfjs-wasm layers" | "tfjs-wasm fused";
type Peer = TfjsPeer | "ort-web int8";

const layers: readonly Peer[] = ["tfjs-wasm layers"];
const fused: readonly Peer[] = ["tfjs-wasm fused"];
const ort: readonly Peer[] = ["ort-web int8"];
const both: readonly Peer[] = [...layers, ...fused];

export const models: readonly ModelCase[] = [
  { net: "lenet-300-100", zeros: 0, peers: [...layers, ...ort] },
  { net: "lenet-300-100", zeros: 90, pattern: "1x4", peers: layers },
  { net: "lenet-300-100", zeros: 90, pattern: "4x4", peers: layers },
  { net: "mlperf-kws-dscnn", zeros: 0, peers: [...both, ...ort] },
  { net: "mnist-lenet-v2", zeros: 0, peers: [...layers, ...ort] },
  { net: "tinyvgg-cnn-explainer", zeros: 0, peers: [...layers, ...ort] },
  { net: "teachable-tiny-image", zeros: 0, peers: [...both, ...ort] },
  { net: "imdb-gru3", zeros: 0, peers: layers },
  { net: "resnet8", zeros: 0, peers: [...both, ...ort] },
  { net: "resnet8", zeros: 75, pattern: "1x4", peers: [...fused, ...ort] },
  { net: "resnet8", zeros: 90, pattern: "1x4", peers: fused },
  { net: "mobilenetv2-1.0-224", zeros: 0, peers: [...both, ...ort] },
  { net: "mobilenetv2-1.0-224", zeros: 75, pattern: "1x4", peers: [...fused, ...ort] },
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
      prepare: () => (peer === "ort-web int8" ? prepareOrt(entry, peer) : prepareTfjs(entry, peer)),
    };
  }),
);

export const modelNote =
  "models: batch 1, one thread. Nets that are not of ../shared/models have He-normal weights of a seed (speed does not " +
  "depend on training). int8 by compress() on 16 samples, with its zeros where there are any, written, loaded, run. " +
  "layers: the tfjs model as its users load it. fused: the same f32 graph, equally sparse, batch normalization folded " +
  "into tfjs' fused ops. tfjs: the first output by dataSync(), tensors disposed, its input made beforehand. ort-web " +
  "int8: the file's own codes in an ONNX model of onnxruntime's int8 ops (uint8 activations of the same ranges, 8 bits; " +
  "int8 weights a channel), one thread, its input made beforehand, all outputs; its calls and pare's are awaited alike.";

// Of a network that nobody trained, rounding the values of each layer to 7 bits moves the outputs by some per cent.
const outputBound = 0.15;
const calibrated = 16;

export interface BuiltModel {
  /** The f32 graph, as sparse as the file. */
  readonly graph: Graph;
  /** What is in the file. */
  readonly quantized: Graph;
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
  // The same of every kernel: rows are of kernels at a sparsity, not of what a net keeps of its accuracy.
  const pruning = pattern ? ({ sparsity: zeros / 100, pattern, scope: "local" } as const) : undefined;
  // Nets with weights that nothing trained say nothing of fidelity: this times integer kernels, for all nets alike.
  const result = await compress(artifacts, { calibration: samples, fidelity: "off", ...pruning });
  const imported = simplify(importModel(artifacts));
  // Not the f32 graph of compress(): its convolutions take residuals, which no op of tfjs does.
  const graph = pruning ? pruneGraph(imported, pruning, createKernels()).graph : imported;
  return { graph, quantized: result.graph, bytes: await result.bytes(), samples, shape: net.shape };
}

async function prepareTfjs(entry: ModelCase, peer: TfjsPeer): Promise<Contest> {
  const tf = await openTfjs();
  const { graph, bytes, samples, shape } = await buildModel(entry);
  const pare = await load(bytes);
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
    await matchReference(bytes, sample, ours),
    matchRelative("tfjs", ours, readTensor(firstOf(twin?.predict ?? predict)), outputBound),
  );
  twin?.dispose();
  return {
    match,
    subject: pareSide(pare, sample),
    peer: readingSide(peer, () => firstOf(predict)),
    dispose() {
      input.dispose();
      dispose();
      pare.dispose();
    },
  };
}

async function prepareOrt(entry: ModelCase, peer: Peer): Promise<Contest> {
  const { graph, quantized, bytes, samples } = await buildModel(entry);
  const pare = await load(bytes);
  const sample = samples.slice(0, samples.length / calibrated);
  const session = await openOrt(quantized, sample);
  const f32 = createModel(graph);
  const ours = pare.run(sample);
  const theirs = await session.run();
  const wanted = f32.run(sample);
  // The first is what is read; the last is what the net answers, with all its layers in it.
  const told = new Set([0, pare.outputs.length - 1]);
  const match = matchAll(
    await matchReference(bytes, sample, ours[pare.outputs[0].name]),
    ...[...told].flatMap((at) => {
      const { name } = pare.outputs[at];
      const label = told.size > 1 ? ` ${name}` : "";
      return [
        matchRelative(`pare to f32${label}`, ours[name], wanted[name], outputBound),
        matchRelative(`ort to f32${label}`, theirs[at], wanted[name], outputBound),
      ];
    }),
  );
  f32.dispose();
  return {
    match,
    subject: pareSide(pare, sample),
    peer: { name: peer, run: () => session.run() },
    isAwaited: true,
    async dispose() {
      await session.dispose();
      pare.dispose();
    },
  };
}

function pareSide(pare: LoadedModel, sample: Float32Array): Side {
  const output = pare.outputs[0].name;
  return { name: "pare", run: () => pare.run(sample)[output] };
}

/** The same bits in the kernels that are plain loops. */
async function matchReference(bytes: Uint8Array, sample: Float32Array, ours: Float32Array): Promise<Match> {
  const reference = await load(bytes, { variant: "reference" });
  const wanted = reference.run(sample)[reference.outputs[0].name].slice();
  reference.dispose();
  return matchExact("reference", ours, wanted);
}

interface OpenPeer {
  predict(input: Tensor): Tensor | Tensor[];
  dispose(): void;
}

async function openPeer(entry: ModelCase, peer: TfjsPeer, graph: Graph): Promise<OpenPeer> {
  if (peer === "tfjs-wasm fused") return buildFused(await openTfjs(), graph);
  const model = await (nets[entry.net] as Net).model();
  return { predict: (input) => model.predict(input) as Tensor | Tensor[], dispose: () => {} };
}
