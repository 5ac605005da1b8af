/** From a model of tfjs or Keras to a sparse int8 graph and the bytes of its file: import, prune, quantize, encode. */

import {
  compareGraphs,
  type FidelityReport,
  joinNotes,
  type LayerReport,
  namesOf,
  type OpenRunner,
  type OutputFidelity,
  pause,
  pruneGraph,
  type QuantizedGraph,
  quantizeByRanges,
  quantizeFaithfully,
  quantizeGraph,
  type Ranges,
  rankLayers,
  readSamples,
  reportLayers,
  type Samples,
  type Sensitivity,
  version,
} from "./compress/index.js";
import {
  type CompressOptions,
  type CompressProgress,
  readOptions,
  type Settings,
} from "./compress-options.js";
import { describePare, encodePare, type Provenance, readArtifacts, saveFile } from "./file/index.js";
import {
  type Bytes,
  checkGraph,
  foldInputAffine,
  fuseResidual,
  type Graph,
  importModel,
  joinArtifacts,
  kindOf,
  type ModelArtifacts,
  type SavedArtifacts,
  simplify,
} from "./graph/index.js";
import { createKernels } from "./kernels/index.js";
import { createModel, type Model, type ModelOptions } from "./runtime/index.js";

/** Path of a model.json, or what a save handler gets, whose weights may lie in blobs too. */
export type CompressSource =
  | string
  | SavedArtifacts
  | (Omit<SavedArtifacts, "weightData"> & { readonly weightData: Blob | readonly (Blob | Bytes)[] });

export interface CompressResult {
  readonly graph: Graph;
  readonly provenance: Provenance;
  /** The layers that have kernels, in order. */
  readonly layers: readonly LayerReport[];
  /** int8 against f32, on samples that decided nothing else; absent of f32, of given ranges and with fidelity "off". */
  readonly fidelity?: FidelityReport;
  /** What pruning alone did to the outputs, measured on calibration samples; absent where nothing was asked to be pruned. */
  readonly pruning?: readonly OutputFidelity[];
  /** The `.pare` file; with figures of accuracy, the file says them. */
  bytes(accuracy?: Provenance["accuracy"]): Promise<Uint8Array>;
  /** Writes the file whole or not at all. Node only. */
  save(path: string, accuracy?: Provenance["accuracy"]): Promise<void>;
  /** The compressed model, ready to run. Dispose it. */
  createModel(options?: ModelOptions): Model;
}

/**
 * Compresses a tfjs model or a Keras file.
 *
 * A model that its owner pruned stays as sparse: zeros stay zeros.
 *
 * @param model path of a model.json or a Keras file (Node; a URL with allowRemote), or what a save handler gets
 * @throws TypeError, RangeError for options, calibration samples or weights that are none, by name
 * @throws UnsupportedError listing all layers that pare has not; FormatError for files; the signal's reason
 */
export async function compress(
  model: CompressSource,
  options: CompressOptions = {},
): Promise<CompressResult> {
  const settings = readOptions(options);
  const { signal, onProgress } = options;
  let done = 0;
  const report = (stage: CompressProgress["stage"], part: number) => {
    const [from, to] = shares[stage];
    // What is raised is calibrated and corrected anew: the whole never goes back.
    done = Math.max(done, from + (to - from) * part);
    onProgress?.({ stage, done });
  };
  await pause(signal);
  const { artifacts, imported, samples } = await openModel(model, options);
  report("import", 1);

  await pause(signal);
  const { graph: pruned, skipped } = prunedWith(imported, settings, options);
  report("prune", 1);

  const quantized = (samples: Samples): Promise<Compressed> => {
    const { fidelity } = settings;
    const quantizing = {
      ...settings,
      inputError: INPUT_ERROR,
      keepF32: namesOf(pruned, options.keepF32 ?? []),
      samples,
      open: runnerOf(options),
      signal,
      onProgress: report,
    };
    if (fidelity === "off") return quantizeGraph(pruned, quantizing);
    const check = options.check === undefined ? undefined : readSamples(pruned, options.check, "check");
    const onRaise = (done: number) => report("raise", done);
    return quantizeFaithfully(pruned, { ...quantizing, fidelity, check, onRaise });
  };
  const asF32 = (): Compressed => ({ graph: fuseResidual(foldInputAffine(pruned)), notes: new Map() });
  const byRanges = (ranges: Ranges): Compressed =>
    quantizeByRanges(pruned, ranges, namesOf(pruned, options.keepF32 ?? []));
  const { graph, notes, fidelity } =
    settings.precision === "f32"
      ? asF32()
      : options.ranges
        ? byRanges(options.ranges)
        : await quantized(samples as Samples);
  checkGraph(graph);
  const isPruned = settings.sparsity !== undefined || settings.pattern !== "unstructured";
  const pruning =
    isPruned && samples ? compareGraphs(imported, pruned, samples, runnerOf(options)) : undefined;

  await pause(signal);
  const provenance = provenanceOf(artifacts, options, settings, samples?.count);
  const bytes = await encodePare(graph, provenance);
  report("encode", 1);
  return resultOf({ graph, notes: joinNotes(skipped, notes), fidelity, pruning }, provenance, bytes);
}

interface Compressed extends QuantizedGraph {
  readonly fidelity?: FidelityReport | undefined;
  readonly pruning?: readonly OutputFidelity[] | undefined;
}

/**
 * A model whose outputs move by more than this when its input is rounded to 7 bits gets 8: it is most of what
 * quantization costs then.
 */
const INPUT_ERROR = 0.01;

/**
 * How much each layer of a tfjs model suffers from int8.
 *
 * @returns layers, the most sensitive first, each with the relative error (root of the squared error over that of
 *   the squares) of the outputs when it alone is int8
 * @throws as `compress`
 */
export async function sensitivity(
  model: CompressSource,
  options: CompressOptions,
): Promise<readonly Sensitivity[]> {
  if (options.ranges) throw new RangeError("ranges: wanted calibration in their place");
  const settings = readOptions({ ...options, precision: "int8" });
  const { signal, onProgress } = options;
  await pause(signal);
  const { imported, samples } = await openModel(model, options);
  const { graph } = prunedWith(imported, settings, options);
  return rankLayers(graph, {
    ...settings,
    samples: samples as Samples,
    open: runnerOf(options),
    signal,
    onLayer: (done) => onProgress?.({ stage: "calibrate", done }),
  });
}

async function openModel(model: CompressSource, options: CompressOptions) {
  const artifacts = await openArtifacts(model, options.allowRemote ?? false);
  const importOptions = options.inputShapes ? { inputShapes: options.inputShapes } : {};
  const imported = simplify(importModel(artifacts, importOptions));
  const samples = options.calibration === undefined ? undefined : readSamples(imported, options.calibration);
  return { artifacts, imported, samples };
}

const variantOf = ({ variant }: CompressOptions) => (variant ? { variant } : {});

const prunedWith = (graph: Graph, settings: Settings, options: CompressOptions) =>
  pruneGraph(graph, settings, createKernels(variantOf(options)));

function runnerOf(options: CompressOptions): OpenRunner {
  return (graph, keep) => createModel(graph, { keep, ...variantOf(options) });
}

/** How the whole divides, about. */
const shares: Readonly<Record<CompressProgress["stage"], readonly [number, number]>> = {
  import: [0, 0.05],
  prune: [0.05, 0.1],
  equalize: [0.1, 0.2],
  calibrate: [0.2, 0.4],
  correct: [0.4, 0.6],
  raise: [0.6, 0.95],
  encode: [0.95, 1],
};

type Artifacts = ModelArtifacts & { readonly sourceHash?: string };

async function openArtifacts(model: CompressSource, allowRemote: boolean): Promise<Artifacts> {
  if (typeof model === "string") return readArtifacts(model, { allowRemote });
  if (typeof model === "object" && model !== null) return joinArtifacts(await withoutBlobs(model));
  throw new TypeError(`model: wanted a path or artifacts, got ${typeof model}`);
}

async function withoutBlobs(model: Exclude<CompressSource, string>): Promise<SavedArtifacts> {
  const { weightData, ...rest } = model;
  if (weightData === undefined) return rest;
  const read = (data: Blob | Bytes) =>
    /^(Blob|File)$/.test(kindOf(data)) ? (data as Blob).arrayBuffer() : (data as Bytes);
  const parts = Array.isArray(weightData) ? weightData.map(read) : [read(weightData as Blob | Bytes)];
  return { ...rest, weightData: await Promise.all(parts) };
}

/** Without times or versions of the platform: the same input makes the same file. */
function provenanceOf(
  { sourceHash }: Artifacts,
  { created, ranges: known }: CompressOptions,
  { precision, sparsity, pattern, scope, targets, ranges, biasCorrection, equalization }: Settings,
  samples: number | undefined,
): Provenance {
  const { method: activations, ...numbers } = ranges;
  const isPruned = sparsity !== undefined || pattern !== "unstructured" || Object.keys(targets).length > 0;
  const pruning = isPruned
    ? { sparsity, pattern, scope, ...(Object.keys(targets).length > 0 && { targets }) }
    : {};
  const calibrated = { samples, activations, ...numbers, biasCorrection, equalization };
  const quantization = precision === "f32" ? {} : known ? { activations: "given" } : calibrated;
  return {
    versions: { pare: version },
    recipe: { precision, ...pruning, ...quantization },
    ...(sourceHash !== undefined && { sourceHash }),
    ...(created !== undefined && { created }),
  };
}

function resultOf(
  { graph, notes, fidelity, pruning }: Compressed,
  provenance: Provenance,
  encoded: Uint8Array,
): CompressResult {
  // In the order of the graph: the file may call them otherwise.
  const { weights } = describePare(encoded);
  const stored = new Map([...graph.weights.keys()].map((key, i) => [key, weights[i].storedBytes]));
  const bytes: CompressResult["bytes"] = async (accuracy) => {
    return accuracy ? encodePare(graph, { ...provenance, accuracy }) : encoded.slice();
  };
  return {
    graph,
    provenance,
    layers: reportLayers(graph, (key) => stored.get(key) ?? 0, notes),
    ...(fidelity && { fidelity }),
    ...(pruning && { pruning }),
    bytes,
    save: async (path, accuracy) => saveFile(path, await bytes(accuracy)),
    createModel: (options) => createModel(graph, options),
  };
}
