/** The layers whose weights the runtime has in codes, found in a model by the names of their weights. */

import type { LayersModel, LayerVariable } from "@tensorflow/tfjs-layers";
import { type KernelNode, type QuantizePlan, storesCodes } from "../../compress/index.js";
import type { F32Weight, Node } from "../../graph/index.js";
import { asColumns, type Columns, columnsOf } from "../columns.js";
import { listWeights, type ModelWeight } from "../weights.js";
import { foldedBias } from "./kernels.js";
import { isSame, type Match } from "./match.js";
import { isNormalization, type Normalization, scaleOffsetOf } from "./normalization.js";
import { type Call, distinctLayers } from "./trace.js";

export interface QuantizedLayer {
  readonly name: string;
  readonly kernel: LayerVariable;
  readonly columns: Columns;
  /** The value that it reads, in codes; absent where codes of the kernel are stored only. */
  readonly input?: string;
  /** Absent where the layer has none, or nodes that read other codes share it. */
  readonly bias?: LayerVariable;
  readonly norm?: Normalization;
}

export interface FoundLayers {
  readonly layers: readonly QuantizedLayer[];
  /** For each layer of the plan, the calls that make its value, the first multiplying by its kernel. */
  readonly paths: ReadonlyMap<string, readonly Call[]>;
}

/** @throws RangeError naming a layer that is not there as such, or that is given more than training sees */
export function findLayers(model: LayersModel, plan: QuantizePlan, match: Match): FoundLayers {
  const weights = listWeights(model);
  const owners = new Map(
    distinctLayers(model).flatMap((layer) => layer.weights.map((own) => [own.read() as unknown, own])),
  );
  const layers = new Map<ModelWeight, QuantizedLayer>();
  const paths = new Map<string, readonly Call[]>();
  for (const layer of plan.layers) {
    const { node } = layer;
    const weight = weightOf(weights, node.weights.kernel);
    const path = weight && pathOf(match, weight, node);
    if (!weight || !path) {
      throw new RangeError(
        `quantize: wanted a layer that multiplies by the kernel of ${node.name}, got none`,
      );
    }
    paths.set(node.name, path);
    const [first, ...behind] = path;
    const norms = behind.map((call) => call.layer).filter(isNormalization);
    const bias = first.layer.weights.find(({ originalName }) => originalName.endsWith("/bias"));
    const found: QuantizedLayer = {
      name: node.name,
      kernel: owners.get(weight.variable) as LayerVariable,
      columns: columnsOf(weight),
      input: node.inputs[0],
      ...(bias && { bias }),
      ...(norms.length > 0 && { norm: norms[0] }),
    };
    checkFolded(layer, found);
    const known = layers.get(weight);
    // One bias cannot be rounded to two scales.
    if (known?.bias && known.input !== found.input) layers.set(weight, withoutBias(known));
    else if (!known) layers.set(weight, found);
  }
  for (const weight of storedWeights(plan, weights)) {
    if (layers.has(weight)) continue;
    const kernel = owners.get(weight.variable) as LayerVariable;
    layers.set(weight, { name: weight.name, kernel, columns: columnsOf(weight) });
  }
  return { layers: [...layers.values()], paths };
}

function withoutBias({ bias: _, input: _other, ...rest }: QuantizedLayer): QuantizedLayer {
  return rest;
}

/** Keys of folded weights are made of the names of all that went in. */
function weightOf(weights: readonly ModelWeight[], key: string): ModelWeight | undefined {
  const parts = key.split("*");
  return weights.find(({ name }) => parts.some((part) => part === name || part.startsWith(`${name}/`)));
}

function pathOf(match: Match, { variable }: ModelWeight, node: Node): readonly Call[] | undefined {
  const owns = ({ layer }: Call) => layer.weights.some((own) => (own.read() as unknown) === variable);
  for (const call of match.calls.filter(owns)) {
    const path = match.pathTo(call, node);
    if (path) return path;
  }
  return undefined;
}

/** What the graph multiplies by and adds must follow from these variables, whatever they become. */
function checkFolded({ kernel, bias, channels }: KernelNode, layer: QuantizedLayer): void {
  const norm = layer.norm && scaleOffsetOf(layer.norm);
  const own = matrixOf(layer).map((value, i) => value * (norm?.scale[i % channels] ?? 1));
  const ownBias = foldedBias(layer.bias?.read().dataSync() as Float32Array | undefined, norm, channels);
  if (isSame(own, kernel.data) && isSame(ownBias, bias?.data ?? new Float32Array(channels))) return;
  throw new RangeError(
    `quantize: ${layer.name}: wanted nothing but a batch normalization behind it folded into its kernel, got more: ` +
      "normalize the samples instead, or keep the layer in f32 (keepF32)",
  );
}

/** The kernel as [inputs][channels]: what the graph has. */
export function matrixOf({ kernel, columns }: Pick<QuantizedLayer, "kernel" | "columns">): Float32Array {
  const values = kernel.read().dataSync() as Float32Array;
  if (!columns.stored) return values;
  const copy = values.slice();
  return asColumns(
    () => copy,
    columns,
    (matrix) => matrix().slice(),
  );
}

/** Weights that a file has in codes though their op computes in f32. */
function storedWeights(plan: QuantizePlan, weights: readonly ModelWeight[]): readonly ModelWeight[] {
  return plan.graph.nodes
    .filter(({ name }) => !plan.asked.has(name))
    .flatMap((node) =>
      Object.entries(node.weights)
        .filter(([role, key]) => storesCodes(node, role) && isF32(plan, key))
        .flatMap(([, key]) => weightOf(weights, key) ?? []),
    );
}

function isF32({ graph }: QuantizePlan, key: string): boolean {
  return (graph.weights.get(key) as F32Weight | undefined)?.dtype === "f32";
}
