/** pare inspect FILE: what a .pare file or a model of tfjs or Keras holds, layer by layer. */

import type { Command } from "commander";
import { describePare, type Graph, type ModelFormat, readArtifacts } from "../../index.js";
import { formatBytes, formatCount, formatTable } from "../format.js";
import { type Host, printJson } from "../host.js";
import { importWith } from "../import.js";
import { describeLayers, type LayerInfo, layerRow, layerTitles } from "../layers.js";
import { formatOf, inPare, loadPare, readPareFile } from "../open.js";
import { type InputShapes, withJson, withRemote, withShapes } from "../options.js";

interface InspectOptions {
  readonly inputShape?: InputShapes;
  readonly allowRemote: boolean;
  readonly json: boolean;
}

export function addInspect(program: Command, host: Host): void {
  const command = program
    .command("inspect")
    .description("show a .pare file, a tfjs model.json or a Keras file layer by layer")
    .argument("<file>", ".pare file, model.json, .keras or .h5");
  withJson(withRemote(withShapes(command))).action((file: string, options: InspectOptions) =>
    inspect(host, file, options),
  );
}

interface Inspection {
  readonly format: ModelFormat;
  /** Of the .pare file; of the weights of another model. */
  readonly bytes: number;
  readonly graph: Graph;
  readonly layers: readonly LayerInfo[];
  readonly provenance?: unknown;
}

async function inspect(host: Host, file: string, options: InspectOptions): Promise<void> {
  const { format, bytes, graph, layers, provenance } =
    (await formatOf(file, options.allowRemote)) === "pare"
      ? await inspectPare(file, options.allowRemote)
      : await inspectSource(file, options);
  const macs = layers.reduce((sum, layer) => sum + (layer.macs ?? 0), 0);
  const { inputs, outputs } = graph;
  if (options.json) {
    printJson(host, { file, format, bytes, macs, inputs, outputs, layers, provenance });
    return;
  }
  const names = inputs.map(({ name, shape }) => `${name} [${shape.map((dim) => dim ?? "batch").join(", ")}]`);
  host.stdout.write(`${file}: ${format}, ${formatBytes(bytes)}, ${formatCount(macs)} MACs a sample\n`);
  host.stdout.write(`inputs:  ${names.join("; ")}\noutputs: ${outputs.map((o) => o.name).join(", ")}\n\n`);
  host.stdout.write(formatTable(layerTitles, layers.map(layerRow)));
  if (provenance) host.stdout.write(`\nmade by: ${JSON.stringify(provenance)}\n`);
}

async function inspectPare(file: string, allowRemote: boolean): Promise<Inspection> {
  const bytes = await readPareFile(file, allowRemote);
  const { weights, provenance } = await inPare(file, () => describePare(bytes, file));
  const stored = new Map(weights.map(({ name, storedBytes }) => [name, storedBytes]));
  using model = await loadPare(file, bytes);
  const layers = describeLayers(model.graph, (key) => stored.get(key) ?? 0);
  return { format: "pare", bytes: bytes.length, graph: model.graph, layers, provenance };
}

/** A model as tfjs or Keras saved it. */
async function inspectSource(file: string, { allowRemote, inputShape }: InspectOptions): Promise<Inspection> {
  const format = await formatOf(file, allowRemote);
  const artifacts = await readArtifacts(file, { allowRemote });
  const graph = importWith(artifacts, inputShape);
  const layers = describeLayers(graph, (_, weight) => weight.data.byteLength);
  return { format, bytes: artifacts.weightData.length, graph, layers };
}
