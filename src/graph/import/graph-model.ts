/** Graph models: from a GraphDef to a graph, from the outputs up. */

import { UnsupportedError } from "../errors.js";
import type { ModelArtifacts } from "./artifacts.js";
import { createBuilder, type GraphBuilder } from "./builder.js";
import { type NodeDef, readFunctions, readGraphDef, readTensorShape, splitOutput } from "./graph-def.js";
import type { Operand } from "./graph-ops/constant.js";
import { outputValue, viewOf } from "./graph-ops/view.js";
import { findLoops, inOrder, type Loop, type Nodes, readersOf } from "./graph-order.js";
import {
  addNode,
  isKnown,
  Made,
  make,
  note,
  operandAt,
  type Scope,
  special,
  type Walked,
} from "./graph-walk.js";
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
  const nodes: Nodes = new Map(readGraphDef(modelTopology).map((node) => [node.name, node]));
  const outputs = outputsOf(nodes, entries(signature, "outputs"));
  const references = outputs.map(({ reference }) => reference);
  const loops = findLoops(nodes);
  const order = inOrder(
    nodes,
    references.map((reference) => splitOutput(reference)[0]),
    loops,
  );
  const builder = createBuilder(store, new Set());
  const named = inputsOf(nodes, entries(signature, "inputs"));
  const functions = readFunctions(modelTopology);
  const model: Walked = { builder, store, functions, batch: batchOf(named), faults: [], depth: 0, work: 0 };
  const readers = readersOf([...order, ...loopNodes(nodes, order, loops)], references);
  const scope: Scope = { model, nodes, loops, readers, made: new Made() };
  addInputs(named, inputShapes, scope);
  for (const node of order) if (!scope.made.get(node.name)) addNode(node, scope);
  for (const { name, reference } of outputs) {
    const operand = operandAt(scope, reference, `output ${name}`);
    if (operand.value !== undefined) makeOutput(name, operand, order[0], model);
    else if (isKnown(operand))
      builder.unsupported(`output ${name}: ${operand.constant ? "a constant" : "a list of tensors"}`);
  }
  // What pare has not is told first: nobody need give sizes to a model that it cannot run.
  if (builder.problems.length > 0) throw new UnsupportedError(builder.problems);
  if (model.faults.length > 0) throw model.faults[0];
  return builder;
}

/** As tfjs gives it: its axes in order, the batch first or gone. */
function makeOutput(name: string, { value, order }: Operand, { attrs }: NodeDef, model: Walked): void {
  const { builder, batch } = model;
  const context = {
    name,
    op: `output ${name}`,
    inputs: [],
    attrs,
    operands: [],
    readers: [],
    builder,
    batch,
  };
  try {
    builder.addOutput(name, outputValue(context, viewOf(context, value as string, order)));
  } catch (error) {
    note(model, error);
  }
}

/** Nodes within loops, which no node outside reads. */
function loopNodes(
  nodes: Nodes,
  order: readonly NodeDef[],
  loops: ReadonlyMap<string, Loop>,
): readonly NodeDef[] {
  const needed = new Set(order.flatMap(({ name }) => loops.get(name) ?? []));
  const outer = new Set(order);
  const found = [...needed].flatMap(({ variables, condition }) => {
    const known = new Set(
      variables.flatMap(({ merge, switches }) => [merge, ...switches]).map(({ name }) => name),
    );
    const roots = [condition, ...variables.map(({ next }) => next)].map(({ name }) => name);
    return inOrder(nodes, roots, loops, known);
  });
  return [...new Set(found)].filter((node) => !outer.has(node));
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
  nodes: Nodes,
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

interface NamedInput {
  readonly name: string;
  readonly node: NodeDef;
  readonly sizes: readonly number[] | undefined;
}

/** All of them, read or not: a caller passes what the signature says. */
function inputsOf(nodes: Nodes, signature: readonly (readonly [string, Json])[]): readonly NamedInput[] {
  const named = signature.map(([key, tensor]) => ({
    name: plain(key),
    node: nodes.get(splitOutput(String(tensor.name ?? key))[0]),
    shape: readTensorShape(tensor.tensorShape),
  }));
  const found = new Set(named.map(({ node }) => node));
  const others = [...nodes.values()].filter((node) => node.op === "Placeholder" && !found.has(node));
  const all = [...named, ...others.map((node) => ({ name: node.name, node, shape: undefined }))];
  return all.flatMap(({ name, node, shape }) =>
    node?.op === "Placeholder" ? [{ name, node, sizes: mergeSizes(node.attrs.shape("shape"), shape) }] : [],
  );
}

/** The batch that all inputs are written for; undefined where one leaves it open. */
function batchOf(inputs: readonly NamedInput[]): number | undefined {
  const [first, ...others] = inputs.map(({ sizes }) => sizes?.[0] ?? -1);
  return first >= 1 && others.every((size) => size === first) ? first : undefined;
}

function addInputs(inputs: readonly NamedInput[], inputShapes: InputShapes, scope: Scope): void {
  for (const { name, node, sizes } of inputs) {
    make(node, true, scope, () => {
      if (node.attrs.type("dtype") === "DT_STRING")
        throw new UnsupportedError(["Placeholder: dtype DT_STRING"]);
      return [
        { value: scope.model.builder.addInput(name, resolveInputShape(name, sizes?.slice(1), inputShapes)) },
      ];
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
