/** From a tfjs model to a sparse int8 graph and the bytes of its file: import, prune, quantize, encode. */

import {
  checkPruneSettings,
  joinNotes,
  type LayerReport,
  namesOf,
  type OpenRunner,
  type Pattern,
  pause,
  pruneGraph,
  quantizeByRanges,
  quantizeGraph,
  type RangeMethod,
  type Ranges,
  rankLayers,
  readSamples,
  reportLayers,
  type Samples,
  type Sensitivity,
  version,
} from "./compress/index.js";
import { describePare, encodePare, type Provenance, readArtifacts, saveFile } from "./file/index.js";
import {
  checkGraph,
  fuseResidual,
  type Graph,
  type InputShapes,
  importModel,
  joinArtifacts,
  type ModelArtifacts,
  type SavedArtifacts,
  simplify,
} from "./graph/index.js";
import { createKernels } from "./kernels/index.js";
import { createModel, type InputData, type Model, type ModelOptions } from "./runtime/index.js";
import type { Variant } from "./wasm/index.js";

export interface CompressOptions {
  /**
   * Samples as the model gets them, f32, already scaled: by input name, or alone for one input. int8
   * takes the ranges of all values from them; a hundred or a few are enough.
   */
  readonly calibration?: InputData | Readonly<Record<string, InputData>>;
  /**
   * Ranges of values that are known, such as those of a model trained with `quantize`: in place of
   * calibration, and of all that moves weights or biases by it.
   */
  readonly ranges?: Ranges;
  /** int8 (default) wants calibration or ranges; f32 keeps weights and values as they are. */
  readonly precision?: "int8" | "f32";
  /** Part of each kernel to zero, in [0, 1); zeros that are there count. Default: none. */
  readonly sparsity?: number;
  /** Where the zeros are: anywhere (default), in blocks, or all but n of every m inputs. */
  readonly pattern?: Pattern;
  /** What of a value's range its codes cover. Default: percentile. */
  readonly activations?: "percentile" | "mse" | "entropy" | "min-max";
  /** In (50, 100], for activations "percentile". Default 99.99. */
  readonly percentile?: number;
  /** Moves biases by the mean error of their channels on the calibration samples. Default true. */
  readonly biasCorrection?: boolean;
  /** Scales channels of neighbouring layers so that all use the codes of their value. Default true. */
  readonly equalization?: boolean;
  /** Names of layers whose kernels stay f32, such as `layers` of a result says them. Default: none. */
  readonly keepF32?: readonly string[];
  /** Shapes of samples, for inputs whose sizes the model leaves open: { image: [224, 224, 3] }. */
  readonly inputShapes?: InputShapes;
  /** For the provenance, such as an ISO date. Default: none, so that the same input makes the same bytes. */
  readonly created?: string;
  /** Allow http and https for the model's path. Default false. */
  readonly allowRemote?: boolean;
  /** Forces a build of the kernels that calibrate; all give the same bytes. */
  readonly variant?: Variant;
  readonly onProgress?: (progress: CompressProgress) => void;
  readonly signal?: AbortSignal;
}

export interface CompressProgress {
  readonly stage: "import" | "prune" | "equalize" | "calibrate" | "correct" | "encode";
  /** Part of the whole, 0 to 1. */
  readonly done: number;
}

export interface CompressResult {
  readonly graph: Graph;
  readonly provenance: Provenance;
  /** The layers that have kernels, in order. */
  readonly layers: readonly LayerReport[];
  /** The `.pare` file; with figures of accuracy, the file says them. */
  bytes(accuracy?: Provenance["accuracy"]): Promise<Uint8Array>;
  /** Writes the file whole or not at all. Node only. */
  save(path: string, accuracy?: Provenance["accuracy"]): Promise<void>;
  /** The compressed model, ready to run. Dispose it. */
  createModel(options?: ModelOptions): Model;
}

/**
 * Compresses a tfjs layers model.
 *
 * A model that its owner pruned stays as sparse: zeros stay zeros.
 *
 * @param model path of a model.json (Node; a URL with allowRemote), or what a save handler gets
 * @throws TypeError, RangeError for options, calibration samples or weights that are none, by name
 * @throws UnsupportedError listing all layers that pare has not; FormatError for files; the signal's reason
 */
export async function compress(
  model: string | SavedArtifacts,
  options: CompressOptions = {},
): Promise<CompressResult> {
  const settings = readOptions(options);
  const { signal, onProgress } = options;
  const report = (stage: CompressProgress["stage"], part: number) => {
    const [from, to] = shares[stage];
    onProgress?.({ stage, done: from + (to - from) * part });
  };
  await pause(signal);
  const { artifacts, imported, samples } = await openModel(model, options);
  report("import", 1);

  await pause(signal);
  const { graph: pruned, skipped } = prunedWith(imported, settings, options);
  report("prune", 1);

  const quantized = (samples: Samples) =>
    quantizeGraph(pruned, {
      ...settings,
      inputError: INPUT_ERROR,
      keepF32: namesOf(pruned, options.keepF32 ?? []),
      samples,
      open: runnerOf(options),
      signal,
      onProgress: report,
    });
  const asF32 = () => ({ graph: fuseResidual(pruned), notes: new Map<string, string>() });
  const byRanges = (ranges: Ranges) =>
    quantizeByRanges(pruned, ranges, namesOf(pruned, options.keepF32 ?? []));
  const { graph, notes } =
    settings.precision === "f32"
      ? asF32()
      : options.ranges
        ? byRanges(options.ranges)
        : await quantized(samples as Samples);
  checkGraph(graph);

  await pause(signal);
  const provenance = provenanceOf(artifacts, options, settings, samples?.count);
  const bytes = await encodePare(graph, provenance);
  report("encode", 1);
  return resultOf(graph, provenance, bytes, joinNotes(skipped, notes));
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
  model: string | SavedArtifacts,
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

async function openModel(model: string | SavedArtifacts, options: CompressOptions) {
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
  correct: [0.4, 0.9],
  encode: [0.9, 1],
};

interface Settings {
  readonly precision: "int8" | "f32";
  readonly sparsity: number | undefined;
  readonly pattern: Pattern;
  readonly ranges: RangeMethod;
  readonly biasCorrection: boolean;
  readonly equalization: boolean;
}

function readOptions(options: CompressOptions): Settings {
  const { precision = "int8", sparsity, pattern = "unstructured" } = options;
  const { biasCorrection = true, equalization = true } = options;
  const { activations = "percentile", percentile = 99.99 } = options;
  if (precision !== "int8" && precision !== "f32") {
    throw new RangeError(`precision: wanted int8 or f32, got ${precision}`);
  }
  if (precision === "int8") checkSource(options);
  if (!["percentile", "mse", "entropy", "min-max"].includes(activations)) {
    throw new RangeError(`activations: wanted percentile, mse, entropy or min-max, got ${activations}`);
  }
  if (!(percentile > 50 && percentile <= 100)) {
    throw new RangeError(`percentile: wanted a number above 50 and up to 100, got ${percentile}`);
  }
  checkPruneSettings({ sparsity, pattern });
  const ranges = activations === "percentile" ? { method: activations, percentile } : { method: activations };
  return { precision, sparsity, pattern, ranges, biasCorrection, equalization };
}

function checkSource({ calibration, ranges }: CompressOptions): void {
  if (calibration === undefined && ranges === undefined) {
    throw new RangeError("calibration: int8 wants samples as the model gets them, got none");
  }
  if (ranges === undefined) return;
  if (calibration !== undefined) throw new RangeError("ranges: wanted no calibration with them");
  if (typeof ranges !== "object" || ranges === null) {
    throw new TypeError(
      `ranges: wanted ranges by name of value, got ${ranges === null ? "null" : typeof ranges}`,
    );
  }
}

type Artifacts = ModelArtifacts & { readonly sourceHash?: string };

async function openArtifacts(model: string | SavedArtifacts, allowRemote: boolean): Promise<Artifacts> {
  if (typeof model === "string") return readArtifacts(model, { allowRemote });
  if (typeof model === "object" && model !== null) return joinArtifacts(model);
  throw new TypeError(`model: wanted a path or artifacts, got ${typeof model}`);
}

/** Without times or versions of the platform: the same input makes the same file. */
function provenanceOf(
  { sourceHash }: Artifacts,
  { created, ranges: known }: CompressOptions,
  { precision, sparsity, pattern, ranges, biasCorrection, equalization }: Settings,
  samples: number | undefined,
): Provenance {
  const { method: activations, ...numbers } = ranges;
  const pruning = sparsity === undefined && pattern === "unstructured" ? {} : { sparsity, pattern };
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
  graph: Graph,
  provenance: Provenance,
  encoded: Uint8Array,
  notes: ReadonlyMap<string, string>,
): CompressResult {
  const stored = new Map(describePare(encoded).weights.map(({ name, storedBytes }) => [name, storedBytes]));
  const bytes: CompressResult["bytes"] = async (accuracy) => {
    return accuracy ? encodePare(graph, { ...provenance, accuracy }) : encoded.slice();
  };
  return {
    graph,
    provenance,
    layers: reportLayers(graph, (key) => stored.get(key) ?? 0, notes),
    bytes,
    save: async (path, accuracy) => saveFile(path, await bytes(accuracy)),
    createModel: (options) => createModel(graph, options),
  };
}
