/** What is known in the middle of a GraphDef: of the model, of a list of nodes, and what they made so far. */

import { UnsupportedError } from "../errors.js";
import type { GraphBuilder } from "./builder.js";
import { type FunctionDef, type NodeDef, splitOutput } from "./graph-def.js";
import type { Operand } from "./graph-ops/constant.js";
import type { Loop, Nodes, Readers } from "./graph-order.js";
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

/** A function of the library that is called again and again. */
export type Callable = (operands: readonly Read[]) => readonly Read[];
