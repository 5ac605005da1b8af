/** TensorFlow's GraphDef in JSON, as tfjs' converter writes it: nodes, and attributes in their many forms. */

import { asArray, asObject, asString, describe, isObject, type Json } from "./json.js";

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  /** "name", "name:1" for another output; control inputs are left out. */
  readonly inputs: readonly string[];
  readonly attrs: Attributes;
}

/** A function of the model's library: the body or the condition of a loop. */
export interface FunctionDef {
  readonly name: string;
  /** Names of what it is given. */
  readonly inputs: readonly string[];
  /** What it gives, as references to nodes. */
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeDef[];
}

const parsed = (topology: unknown) =>
  asObject(typeof topology === "string" ? JSON.parse(topology) : topology, "modelTopology");

/** @throws TypeError, RangeError where it is no GraphDef */
export function readGraphDef(topology: unknown): readonly NodeDef[] {
  return readNodes(parsed(topology).node, "modelTopology.node");
}

/** The functions of a GraphDef, by name; a node in them is named by "node:output:0" too. */
export function readFunctions(topology: unknown): ReadonlyMap<string, FunctionDef> {
  const { library } = parsed(topology);
  const functions = isObject(library) ? asArray(library.function ?? [], "library.function") : [];
  return new Map(
    functions.map((item) => {
      const json = asObject(item, "function");
      const signature = asObject(json.signature, "function.signature");
      const name = asString(signature.name, "function.signature.name");
      const argumentNames = (key: string) =>
        asArray(signature[key] ?? [], `${name}.${key}`).map((each) =>
          asString(asObject(each, `${name}.${key}`).name, `${name}.${key}.name`),
        );
      const inputs = argumentNames("inputArg");
      const nodes = readNodes(json.nodeDef ?? [], `${name}.nodeDef`);
      const ops = new Map(nodes.map((node) => [node.name, node.op]));
      const plain = (reference: string) => plainReference(reference, ops);
      const returned = asObject(json.ret ?? {}, `${name}.ret`);
      const outputs = argumentNames("outputArg").map((key) => {
        const wanted = Object.hasOwn(returned, key) ? returned[key] : undefined;
        return plain(asString(wanted, `${name}.ret.${key}`));
      });
      const body = nodes.map((node) => ({ ...node, inputs: node.inputs.map(plain) }));
      return [name, { name, inputs, outputs, nodes: body }];
    }),
  );
}

/** Names of outputs, of ops that have more than one tensor by more than one name. */
const outputNames: Readonly<Record<string, readonly string[]>> = {
  FusedBatchNormV3: ["y", "batch_mean", "batch_variance"],
  TensorArrayConcatV3: ["value", "lengths"],
  TensorArrayV3: ["handle", "flow"],
  TensorListConcatV2: ["tensor", "lengths"],
  TensorListPopBack: ["output_handle", "tensor"],
  TopKV2: ["values", "indices"],
};

/** "node:output:1" as "node:1". */
function plainReference(reference: string, ops: ReadonlyMap<string, string>): string {
  const [, name, output, index] = /^(.*):([^:]+):(\d+)$/s.exec(reference) ?? [];
  if (name === undefined) return reference;
  const op = ops.get(name) ?? "";
  const at = Object.hasOwn(outputNames, op) ? outputNames[op].indexOf(output) : -1;
  return `${name}:${at >= 0 ? at : index}`;
}

function readNodes(list: unknown, what: string): readonly NodeDef[] {
  const names = new Set<string>();
  return asArray(list, what).map((item) => {
    const node = asObject(item, "node");
    const name = asString(node.name, "node.name");
    if (names.has(name)) throw new RangeError(`node ${name}: wanted it once, got it twice`);
    names.add(name);
    const inputs = asArray(node.input ?? [], `${name}.input`).map((input) =>
      asString(input, `${name}.input`),
    );
    return {
      name,
      op: asString(node.op, `${name}.op`),
      // "^name" says what to run before, not what to read.
      inputs: inputs.filter((input) => !input.startsWith("^")),
      attrs: new Attributes(name, asObject(node.attr ?? {}, `${name}.attr`)),
    };
  });
}

/** "name:1" as ["name", 1]. */
export function splitOutput(reference: string): readonly [name: string, output: number] {
  const [, name, output] = /^(.*?)(?::(\d+))?$/s.exec(reference) ?? [];
  return [name, Number(output ?? 0)];
}

/** The attributes of one node; each getter has the value for one that is absent. */
export class Attributes {
  readonly #name: string;
  readonly #json: Json;

  constructor(name: string, json: Json) {
    this.#name = name;
    this.#json = json;
  }

  number(key: string, initial: number): number {
    const value = this.#value(key);
    if (value === undefined) return initial;
    // 64-bit integers are text in JSON; protobuf leaves out zeros.
    const number = Number(value.i ?? value.f ?? 0);
    if (!Number.isNaN(number)) return number;
    throw new TypeError(`node ${this.#name}: ${key} wants a number, got ${describe(value)}`);
  }

  boolean(key: string): boolean {
    return this.#value(key)?.b === true;
  }

  text(key: string, initial: string): string {
    const value = this.#value(key);
    return value?.s === undefined ? initial : decodeText(value.s);
  }

  numbers(key: string): readonly number[] {
    const list = this.#value(key)?.list;
    const values = isObject(list) ? (list.i ?? list.f ?? []) : [];
    return asArray(values, `node ${this.#name}: ${key}`).map(Number);
  }

  texts(key: string): readonly string[] {
    const list = this.#value(key)?.list;
    return isObject(list) ? asArray(list.s ?? [], `node ${this.#name}: ${key}`).map(decodeText) : [];
  }

  /** Sizes, -1 where they are open; undefined where there is no shape or its rank is unknown. */
  shape(key: string): readonly number[] | undefined {
    return readTensorShape(this.#value(key)?.shape);
  }

  /** The name of a function; undefined where there is none. */
  func(key: string): string | undefined {
    const func = this.#value(key)?.func;
    return isObject(func) && typeof func.name === "string" ? func.name : undefined;
  }

  /** "DT_FLOAT". */
  type(key: string): string | undefined {
    const type = this.#value(key)?.type;
    return typeof type === "string" ? type : undefined;
  }

  #value(key: string): Json | undefined {
    return Object.hasOwn(this.#json, key)
      ? asObject(this.#json[key], `node ${this.#name}: ${key}`)
      : undefined;
  }
}

/** {dim: [{size: "1"}]}, as attributes and signatures have it. */
export function readTensorShape(json: unknown): readonly number[] | undefined {
  if (!isObject(json) || json.unknownRank === true) return undefined;
  return asArray(json.dim ?? [], "shape").map((dim) => Number((isObject(dim) ? dim.size : undefined) ?? 0));
}

/** Text is base64 in JSON, or bytes. */
function decodeText(value: unknown): string {
  if (Array.isArray(value)) return String.fromCharCode(...value);
  return atob(asString(value, "text"));
}
