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
  const references = outputs.map(({ reference }) => reference);
  const order = inOrder(
    nodes,
    references.map((reference) => splitOutput(reference)[0]),
  );
  const builder = createBuilder(store, new Set());
  const walk: Walk = { builder, made: new Map(), faults: [] };
  const readers = readersOf(order, references);
  addInputs(nodes, entries(signature, "inputs"), inputShapes, walk);
  for (const node of order) {
    if (!walk.made.has(node.name)) addNode(node, readers.get(node.name) ?? [], store, walk);
  }
  for (const { name, reference } of outputs) {
    const { value, constant } = operandAt(walk, reference, `output ${name}`);
    if (value !== undefined) builder.addOutput(name, value);
    if (constant) builder.unsupported(`output ${name}: a constant`);
  }
  // What pare has not is told first: nobody need give sizes to a model that it cannot run.
  if (builder.problems.length > 0) throw new UnsupportedError(builder.problems);
  if (walk.faults.length > 0) throw walk.faults[0];
  return builder;
}

/** The way through a model, which goes on past what cannot be made. */
interface Walk {
  readonly builder: GraphBuilder;
  readonly made: Map<string, Outputs>;
  /** What does not hold together, in order. */
  readonly faults: unknown[];
}

/** What a node makes; of one that cannot be made, and of those after it, whether inputs of the model change it. */
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
  walk: Walk,
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
    make(node, true, walk, () => {
      if (node.attrs.type("dtype") === "DT_STRING")
        throw new UnsupportedError(["Placeholder: dtype DT_STRING"]);
      const sizes = mergeSizes(node.attrs.shape("shape"), shape)?.slice(1);
      return [{ value: walk.builder.addInput(name, resolveInputShape(name, sizes, inputShapes)) }];
    });
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

function operandAt({ made, faults }: Walk, reference: string, reader: string): Read {
  const [name, output] = splitOutput(reference);
  const outputs = made.get(name) as Outputs;
  if ("varies" in outputs) return outputs;
  const operand = outputs[output];
  if (operand) return { ...operand, varies: operand.value !== undefined };
  faults.push(new RangeError(`${reader}: reads ${reference}, which nothing makes`));
  return { varies: false };
}

/** Notes what one node makes, or why there is nothing. */
function make(
  { name }: NodeDef,
  varies: boolean,
  { builder, made, faults }: Walk,
  outputs: () => Outputs,
): void {
  try {
    made.set(name, outputs());
  } catch (error) {
    made.set(name, { varies });
    if (error instanceof UnsupportedError) for (const what of error.what) builder.unsupported(what);
    else faults.push(error);
  }
}

/** Adds what one node stands for; of one that reads what is not known, only what its attributes show. */
function addNode(node: NodeDef, readers: Context["readers"], store: WeightStore, walk: Walk): void {
  const operands = node.inputs.map((input) => operandAt(walk, input, `node ${node.name}`));
  const reads = operands.some((operand) => operand.varies);
  const varies = reads && !graphRule(node.op)?.makesConstants;
  make(node, varies, walk, () => {
    const unsupported = unsupportedOf(node, reads);
    if (unsupported.length > 0) throw new UnsupportedError(unsupported);
    if (operands.some(({ value, constant }) => value === undefined && !constant)) return { varies };
    return node.op === "Const"
      ? [readConstant(node, store)]
      : addRule({ ...node, operands, readers, builder: walk.builder });
  });
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
