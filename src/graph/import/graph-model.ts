/** Graph models: from a GraphDef to a graph, from the outputs up. */

import { UnsupportedError } from "../errors.js";
import { sizeOf } from "../shape.js";
import type { ModelArtifacts } from "./artifacts.js";
import { createBuilder, type GraphBuilder } from "./builder.js";
import { type NodeDef, readGraphDef, readTensorShape, splitOutput } from "./graph-def.js";
import { type Context, constantOf, type GraphRule, type Operand } from "./graph-ops/constant.js";
import { graphRule } from "./graph-ops/index.js";
import { type InputShapes, resolveInputShape } from "./input-shapes.js";
import { isObject, type Json } from "./json.js";
import type { WeightStore } from "./weight-store.js";

/** Old files have no `format`, but a GraphDef has nodes where a layers model has a class name. */
export function isGraphModel({ modelTopology, format }: ModelArtifacts): boolean {
  return format === "graph-model" || (isObject(modelTopology) && Array.isArray(modelTopology.node));
}

/**
 * @throws UnsupportedError with all that pare has not
 * @throws RangeError, TypeError for a model that does not hold together
 */
export function buildGraphModel(
  { modelTopology, signature }: ModelArtifacts,
  store: WeightStore,
  inputShapes: InputShapes,
): GraphBuilder {
  const nodes = new Map(readGraphDef(modelTopology).map((node) => [node.name, node]));
  const outputs = outputsOf(nodes, entries(signature, "outputs"));
  const order = inOrder(
    nodes,
    outputs.map(({ reference }) => splitOutput(reference)[0]),
  );
  const builder = createBuilder(store, new Set());
  const made = new Map<string, Outputs>();
  const references = outputs.map(({ reference }) => reference);
  const readers = readersOf(order, references);
  try {
    addInputs(nodes, entries(signature, "inputs"), inputShapes, builder, made);
    for (const node of order) {
      if (!made.has(node.name)) addNode(node, readers.get(node.name) ?? [], builder, store, made);
    }
  } catch (error) {
    // What pare has not is told first: nobody need give sizes to a model that it cannot run.
    const known = [...builder.problems, ...order.flatMap((node) => unsupportedOf(node, false))];
    throw known.length > 0 ? new UnsupportedError(known) : error;
  }
  for (const { name, reference } of outputs) {
    const { value, constant } = operandAt(made, reference, `output ${name}`);
    if (value !== undefined) builder.addOutput(name, value);
    if (constant) builder.unsupported(`output ${name}: a constant`);
  }
  if (builder.problems.length > 0) throw new UnsupportedError(builder.problems);
  return builder;
}

/** What a node makes; of one that pare has not, and of those after it, whether inputs of the model change it. */
type Outputs = readonly Operand[] | { readonly varies: boolean };

/** An operand, or what stands for one that is not known. */
type Read = Operand & { readonly varies: boolean };

const special = new Set(["Const", "Placeholder"]);

/** What pare has not of a node, as its attributes show it and whether anything it reads varies. */
function unsupportedOf(node: NodeDef, varies: boolean): readonly string[] {
  if (special.has(node.op)) return [];
  const rule = graphRule(node.op);
  if (!rule || (rule.ofConstants && varies)) return [node.op];
  return rule.unsupported?.(node) ?? [];
}

/** Names and tensors of one side of a signature. */
function entries(signature: unknown, side: "inputs" | "outputs"): readonly (readonly [string, Json])[] {
  const found = isObject(signature) ? signature[side] : undefined;
  if (!isObject(found)) return [];
  return Object.entries(found).filter((entry): entry is [string, Json] => isObject(entry[1]));
}

/** Without the ":0" that converters end names with. */
const plain = (name: string) => name.replace(/:0$/, "");

/** Those of the signature, or the nodes that no other reads, as tfjs has it. */
function outputsOf(
  nodes: ReadonlyMap<string, NodeDef>,
  signature: readonly (readonly [string, Json])[],
): readonly { readonly name: string; readonly reference: string }[] {
  if (signature.length > 0) {
    return signature.map(([key, tensor]) => ({ name: plain(key), reference: String(tensor.name ?? key) }));
  }
  const read = new Set(
    [...nodes.values()].flatMap(({ inputs }) => inputs.map((input) => splitOutput(input)[0])),
  );
  return [...nodes.values()]
    .filter(({ name, op }) => !read.has(name) && op !== "NoOp" && !special.has(op))
    .map(({ name }) => ({ name, reference: name }));
}

/** The nodes that the outputs need, each after what it reads. */
function inOrder(nodes: ReadonlyMap<string, NodeDef>, outputs: readonly string[]): readonly NodeDef[] {
  const order: NodeDef[] = [];
  const state = new Map<string, "open" | "done">();
  // A stack of our own: models are deeper than the engine's.
  const stack = outputs.toReversed().map((name) => ({ name, reader: "an output" }));
  while (stack.length > 0) {
    const { name, reader } = stack[stack.length - 1];
    const node = nodes.get(name);
    if (!node) throw new RangeError(`${reader} reads ${name}, which is no node of the model`);
    if (state.has(name)) {
      stack.pop();
      if (state.get(name) === "open") order.push(node);
      state.set(name, "done");
      continue;
    }
    state.set(name, "open");
    for (const input of node.inputs.toReversed()) {
      const [needed] = splitOutput(input);
      if (state.get(needed) === "open") throw new RangeError(`node ${needed}: part of a cycle`);
      if (!state.has(needed)) stack.push({ name: needed, reader: `node ${name}` });
    }
  }
  return order;
}

/** By the name of each node. */
function readersOf(
  order: readonly NodeDef[],
  outputs: readonly string[],
): ReadonlyMap<string, Context["readers"]> {
  const readers = new Map<string, (NodeDef | undefined)[]>(order.map(({ name }) => [name, []]));
  const add = (reference: string, reader?: NodeDef) => readers.get(splitOutput(reference)[0])?.push(reader);
  for (const node of order) for (const input of node.inputs) add(input, node);
  for (const output of outputs) add(output);
  return readers;
}

/** All of them, read or not: a caller passes what the signature says. */
function addInputs(
  nodes: ReadonlyMap<string, NodeDef>,
  signature: readonly (readonly [string, Json])[],
  inputShapes: InputShapes,
  builder: GraphBuilder,
  made: Map<string, Outputs>,
): void {
  const named = signature.map(([key, tensor]) => ({
    name: plain(key),
    node: nodes.get(splitOutput(String(tensor.name ?? key))[0]),
    shape: readTensorShape(tensor.tensorShape),
  }));
  const found = new Set(named.map(({ node }) => node));
  const others = [...nodes.values()].filter((node) => node.op === "Placeholder" && !found.has(node));
  for (const { name, node, shape } of [
    ...named,
    ...others.map((node) => ({ name: node.name, node, shape: undefined })),
  ]) {
    if (node?.op !== "Placeholder") continue;
    if (node.attrs.type("dtype") === "DT_STRING") {
      builder.unsupported("Placeholder: dtype DT_STRING");
      made.set(node.name, { varies: true });
      continue;
    }
    const sizes = mergeSizes(node.attrs.shape("shape"), shape)?.slice(1);
    made.set(node.name, [{ value: builder.addInput(name, resolveInputShape(name, sizes, inputShapes)) }]);
  }
}

/** Sizes of a node, and where it leaves them open those of the signature. */
function mergeSizes(
  sizes: readonly number[] | undefined,
  others: readonly number[] | undefined,
): readonly number[] | undefined {
  if (!sizes) return others;
  return sizes.map((size, i) => (size < 0 && others?.length === sizes.length ? others[i] : size));
}

function operandAt(made: ReadonlyMap<string, Outputs>, reference: string, reader: string): Read {
  const [name, output] = splitOutput(reference);
  const outputs = made.get(name) as Outputs;
  if ("varies" in outputs) return outputs;
  const operand = outputs[output];
  if (operand) return { ...operand, varies: operand.value !== undefined };
  throw new RangeError(`${reader}: reads ${reference}, which nothing makes`);
}

/**
 * Adds what one node stands for. Where it turns out to be unsupported that is noted, and what depends
 * on it left out, so that all of it is found.
 */
function addNode(
  node: NodeDef,
  readers: Context["readers"],
  builder: GraphBuilder,
  store: WeightStore,
  made: Map<string, Outputs>,
): void {
  const operands = node.inputs.map((input) => operandAt(made, input, `node ${node.name}`));
  const varies = operands.some((operand) => operand.varies);
  const unknown = { varies: varies && !graphRule(node.op)?.makesConstants };
  made.set(node.name, unknown);
  const unsupported = unsupportedOf(node, varies);
  for (const what of unsupported) builder.unsupported(what);
  const isKnown = operands.every(({ value, constant }) => value !== undefined || constant);
  if (unsupported.length > 0 || !isKnown) return;
  try {
    made.set(
      node.name,
      node.op === "Const" ? [readConstant(node, store)] : addRule({ ...node, operands, readers, builder }),
    );
  } catch (error) {
    if (!(error instanceof UnsupportedError)) throw error;
    for (const what of error.what) builder.unsupported(what);
  }
}

function addRule(context: Context): readonly Operand[] {
  const { name, op, operands } = context;
  const rule = graphRule(op) as GraphRule;
  const { min, max } = rule.inputs;
  if (operands.length < min || operands.length > max) {
    throw new RangeError(`node ${name}: ${op} wants ${min} to ${max} inputs, got ${operands.length}`);
  }
  return rule.add(context);
}

function readConstant({ name }: NodeDef, store: WeightStore): Operand {
  const weight = store.get(name);
  if (!weight) throw new RangeError(`node ${name}: the model has no weight of this name`);
  if (weight.data.length !== sizeOf(weight.shape)) throw new RangeError(`weight ${name}: wrong size`);
  return constantOf(name, weight.shape, weight.data, weight.dtype === "f32");
}
