/** Goes through the nodes of a GraphDef in order and makes what they stand for, past what cannot be made. */

import { UnsupportedError } from "../errors.js";
import { sizeOf } from "../shape.js";
import type { GraphBuilder } from "./builder.js";
import { type FunctionDef, type NodeDef, splitOutput } from "./graph-def.js";
import { runFunctionLoop, runLoop } from "./graph-loops.js";
import { type Context, constantOf, type GraphRule, type Operand } from "./graph-ops/constant.js";
import { graphRule } from "./graph-ops/index.js";
import { inOrder, type Loop, type Nodes, type Readers, readersOf } from "./graph-order.js";
import type { WeightStore } from "./weight-store.js";

/** What is one for a model, whatever function or loop of it is walked through. */
export interface Walked {
  readonly builder: GraphBuilder;
  readonly store: WeightStore;
  readonly functions: ReadonlyMap<string, FunctionDef>;
  /** The batch that all inputs have; undefined where it is open. */
  readonly batch: number | undefined;
  /** What does not hold together, in order. */
  readonly faults: unknown[];
  /** Functions that are open, one in another. */
  depth: number;
  /** Numbers computed in loops. */
  work: number;
}

/** A list of nodes that read one another. */
export interface Scope {
  readonly model: Walked;
  readonly nodes: Nodes;
  readonly loops: ReadonlyMap<string, Loop>;
  readonly readers: Readers;
  readonly made: Made;
}

/** What nodes made, by name, and that of the scope around. */
export class Made {
  readonly #own = new Map<string, Outputs>();

  constructor(readonly outer?: Made) {}

  get(name: string): Outputs | undefined {
    return this.#own.get(name) ?? this.outer?.get(name);
  }

  set(name: string, outputs: Outputs): void {
    this.#own.set(name, outputs);
  }
}

/** What a node makes; of one that cannot be made, and of those after it, whether inputs of the model change it. */
export type Outputs = readonly Operand[] | { readonly varies: boolean };

/** An operand, or what stands for one that is not known. */
export type Read = Operand & { readonly varies: boolean };

export const isKnown = ({ value, constant, list }: Operand): boolean =>
  value !== undefined || constant !== undefined || list !== undefined;

/** What a node of its own would have made of an operand that was read. */
export function outputsOf(read: Read): Outputs {
  const { varies, ...operand } = read;
  return isKnown(operand) ? [operand] : { varies };
}

export const special: ReadonlySet<string> = new Set(["Const", "Placeholder"]);

const whiles: ReadonlySet<string> = new Set(["While", "StatelessWhile"]);
const conditionals: ReadonlySet<string> = new Set(["If", "StatelessIf"]);

/** What pare has not of a node, as its attributes show it and whether anything it reads varies. */
function unsupportedOf(node: NodeDef, varies: boolean, { nodes }: Scope): readonly string[] {
  if (special.has(node.op) || whiles.has(node.op) || conditionals.has(node.op)) return [];
  // A loop that is not whole is told by all that makes it go round.
  const condition = nodes.get(splitOutput(node.inputs[0] ?? "")[0]);
  if (node.op === "LoopCond") return [...(condition ? [condition.op] : []), node.op];
  const rule = graphRule(node.op);
  if (!rule || (rule.ofConstants && varies)) return [node.op];
  return rule.unsupported?.(node) ?? [];
}

export function operandAt({ made, model }: Scope, reference: string, reader: string): Read {
  const [name, output] = splitOutput(reference);
  const outputs = made.get(name);
  // What a loop brings round, where the loop is not whole.
  if (!outputs) return { varies: true };
  if ("varies" in outputs) return outputs;
  const operand = outputs[output];
  if (operand) return { ...operand, varies: operand.constant === undefined };
  model.faults.push(new RangeError(`${reader}: reads ${reference}, which nothing makes`));
  return { varies: false };
}

/** Notes what one node makes, or why there is nothing. */
export function make(
  { name }: NodeDef,
  varies: boolean,
  { model, made }: Scope,
  outputs: () => Outputs,
): void {
  try {
    made.set(name, outputs());
  } catch (error) {
    made.set(name, { varies });
    note(model, error);
  }
}

export function note({ builder, faults }: Walked, error: unknown): void {
  if (error instanceof UnsupportedError) for (const what of error.what) builder.unsupported(what);
  else faults.push(error);
}

/** Adds what one node stands for; of one that reads what is not known, only what its attributes show. */
export function addNode(node: NodeDef, scope: Scope): void {
  const { model, readers } = scope;
  const loop = scope.loops.get(node.name);
  if (loop) {
    runLoop(loop, scope);
    return;
  }
  const operands = node.inputs.map((input) => operandAt(scope, input, `node ${node.name}`));
  const reads = operands.some((operand) => operand.varies);
  const varies = reads && !graphRule(node.op)?.makesConstants;
  make(node, varies, scope, () => {
    if (whiles.has(node.op)) return runFunctionLoop(node, operands, scope);
    if (conditionals.has(node.op)) return runBranch(node, operands, scope);
    const unsupported = unsupportedOf(node, reads, scope);
    if (unsupported.length > 0) throw new UnsupportedError(unsupported);
    if (!operands.every(isKnown)) return { varies };
    if (node.op === "Const") return [readConstant(node, model.store)];
    const { builder, batch } = model;
    return addRule({ ...node, operands, readers: readers.get(node.name) ?? [], builder, batch });
  });
}

function addRule(context: Context): readonly Operand[] {
  const { name, op, operands } = context;
  const rule = graphRule(op) as GraphRule;
  const { min, max } = rule.inputs;
  if (operands.length < min || operands.length > max) {
    throw new RangeError(`node ${name}: ${op} wants ${min} to ${max} inputs, got ${operands.length}`);
  }
  const blocks = operands.find((operand) => operand.blocks)?.blocks;
  if (!blocks || rule.blocks === "take") return rule.add(context);
  if (
    rule.blocks !== "keep" ||
    !operands.every(({ constant }) => !constant || isForAnyCell(constant.shape))
  ) {
    throw new UnsupportedError([`SpaceToBatchND before ${op}`]);
  }
  return rule.add(context).map((output) => ({ ...output, blocks }));
}

/** Whether numbers are for channels, or for all. */
const isForAnyCell = (shape: readonly number[]) => shape.slice(0, -1).every((dim) => dim === 1);

function readConstant({ name }: NodeDef, store: WeightStore): Operand {
  const weight = store.get(name);
  if (!weight) throw new RangeError(`node ${name}: the model has no weight of this name`);
  if (weight.data.length !== sizeOf(weight.shape)) throw new RangeError(`weight ${name}: wrong size`);
  return constantOf(name, weight.shape, weight.data, weight.dtype === "f32");
}

/** As deep as functions may call one another; a function that calls itself ends here. */
const maxDepth = 16;

/** A function of the library that is called again and again. */
export type Callable = (operands: readonly Read[]) => readonly Read[];

/** @throws RangeError for a function that is not there, or is given too little */
export function callable(model: Walked, name: string | undefined, caller: string): Callable {
  const found = name === undefined ? undefined : model.functions.get(name);
  if (!found) throw new RangeError(`node ${caller}: calls ${name}, which is no function of the model`);
  const { inputs, outputs } = found;
  const nodes: Nodes = new Map(found.nodes.map((node) => [node.name, node]));
  const roots = outputs.map((reference) => splitOutput(reference)[0]);
  const order = inOrder(nodes, roots, new Map(), new Set(inputs));
  const readers = readersOf(order, outputs);
  return (operands) => {
    if (operands.length < inputs.length) {
      throw new RangeError(`node ${caller}: ${name} wants ${inputs.length} inputs, got ${operands.length}`);
    }
    if (model.depth >= maxDepth) throw new RangeError(`node ${caller}: calls functions ${maxDepth} deep`);
    const scope: Scope = { model, nodes, loops: new Map(), readers, made: new Made() };
    for (const [i, input] of inputs.entries()) scope.made.set(input, outputsOf(operands[i]));
    model.depth += 1;
    for (const node of order) addNode(node, scope);
    model.depth -= 1;
    return outputs.map((reference) => operandAt(scope, reference, `function ${name}`));
  };
}

/** One of two functions, where it is known which. */
function runBranch(node: NodeDef, [condition, ...operands]: readonly Read[], { model }: Scope): Outputs {
  const [yes, no] = ["then_branch", "else_branch"].map((key) =>
    callable(model, node.attrs.func(key), node.name),
  );
  if (!condition?.constant) throw new UnsupportedError([`${node.op}: a condition that is not constant`]);
  const results = (condition.constant.data[0] ? yes : no)(operands);
  return results.every(isKnown) ? results : { varies: true };
}
