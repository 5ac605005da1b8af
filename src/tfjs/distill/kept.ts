/** Which layers of a model cannot change their size. */

import { type ContainerConfig, containerOf, type LayerConfig, nameOf } from "./config.js";

/** Keys of what sets the size of a layer's output, by the class of the layer. */
const sizeKeys: readonly (readonly [RegExp, string])[] = [
  [/^(Dense|SimpleRNN|GRU|LSTM|SimpleRNNCell|GRUCell|LSTMCell)$/, "units"],
  [/^(Separable)?Conv\dD(Transpose)?$|^ConvLSTM2D(Cell)?$/, "filters"],
  [/^Embedding$/, "outputDim"],
];

/** What says the size of a layer's output, where it is not that of its input. */
export function sizeKey({ className }: LayerConfig): string | undefined {
  return sizeKeys.find(([classes]) => classes.test(className))?.[1];
}

/** The layers and cells that a wrapper runs. */
export function wrapped({ config }: LayerConfig): LayerConfig[] {
  const inner = [config.layer, config.cell, ...(Array.isArray(config.cells) ? config.cells : [])];
  return inner.filter((one): one is LayerConfig => typeof one?.className === "string");
}

const hasSize = (layer: LayerConfig): boolean => sizeKey(layer) !== undefined || wrapped(layer).some(hasSize);

/**
 * Layers that make an output, that a Reshape of fixed sizes reads, that a caller named, or whose output meets
 * one of these, or an input, in a sum or the like.
 *
 * @param names of layers, nested ones included
 * @throws RangeError for a name that no layer has
 */
export function keptLayers(config: ContainerConfig, names: readonly string[]): ReadonlySet<LayerConfig> {
  const links: Links = new Map();
  const outputs = link(config, [], links);
  const kept = new Set(outputs.flatMap((layer) => [...sources(layer, links)]));
  for (const name of names) {
    const named = [...links.keys()].filter((layer) => nameOf(layer) === name);
    if (named.length === 0) throw new RangeError(`keepOutputs: wanted names of layers, got ${name}`);
    for (const layer of named) for (const source of sources(layer, links)) kept.add(source);
  }
  for (const [layer, before] of links) {
    if (hasFixedShape(layer)) for (const source of sourcesOf(before, links)) kept.add(source);
  }
  // What is kept for one sum may be part of the next.
  for (let size = -1; size !== kept.size; ) {
    size = kept.size;
    for (const [layer, before] of links) {
      const all = meets.test(layer.className) ? [...sourcesOf(before, links)] : [];
      if (all.some((source) => kept.has(source) || !hasSize(source)))
        for (const source of all) kept.add(source);
    }
  }
  return kept;
}

const meets = /^(Add|Subtract|Multiply|Average|Maximum|Minimum|Dot)$/;

function hasFixedShape({ className, config }: LayerConfig): boolean {
  const { targetShape } = config as { targetShape?: readonly (number | null)[] };
  return className === "Reshape" && (targetShape ?? []).every((size) => size !== null && size >= 0);
}

/** For each layer that is no model, the layers that it reads. */
type Links = Map<LayerConfig, readonly LayerConfig[]>;

/**
 * Links the layers of a model, nested ones as if they were its own.
 *
 * @param inputs what its inputs read
 * @returns the layers of its outputs
 */
function link(config: ContainerConfig, inputs: readonly LayerConfig[], links: Links): readonly LayerConfig[] {
  const { layers, outputLayers } = config;
  if (!outputLayers) return layers.reduce((before, layer) => linkLayer(layer, before, links), inputs);
  const outputs = new Map<string, readonly LayerConfig[]>();
  const visit = (name: string): readonly LayerConfig[] => {
    const known = outputs.get(name);
    if (known) return known;
    const layer = layers.find((one) => nameOf(one) === name) as LayerConfig;
    // A layer that is called again further on leads back to itself: what it then reads counts as well.
    outputs.set(name, containerOf(layer) ? [] : [layer]);
    const before = (layer.inboundNodes ?? []).flat().flatMap(([from]) => visit(from));
    const found = linkLayer(layer, before.length === 0 ? inputs : before, links);
    outputs.set(name, found);
    return found;
  };
  return outputLayers.flatMap(([name]) => visit(name));
}

function linkLayer(layer: LayerConfig, before: readonly LayerConfig[], links: Links): readonly LayerConfig[] {
  const nested = containerOf(layer);
  if (nested) return link(nested, before, links);
  links.set(layer, before);
  return [layer];
}

/** The layers that say the size of a layer's output; among them an input, whose size is what it is. */
function sources(layer: LayerConfig, links: Links): ReadonlySet<LayerConfig> {
  const before = links.get(layer) ?? [];
  return hasSize(layer) || before.length === 0 ? new Set([layer]) : sourcesOf(before, links);
}

function sourcesOf(layers: readonly LayerConfig[], links: Links): ReadonlySet<LayerConfig> {
  return new Set(layers.flatMap((layer) => [...sources(layer, links)]));
}
