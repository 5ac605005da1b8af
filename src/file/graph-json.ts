import type { AttrValue, Graph, Node, QuantParams } from "../graph/index.js";
import { type Descriptor, readDescriptor } from "./descriptor.js";
import { FormatError } from "./errors.js";
import { asArray, asName, asNumber, asObject, asRecord, asSizes, asString } from "./fields.js";
import type { Json } from "./strict-json.js";

/** The graph as the header tells it: everything but the data of its weights. */
export interface Outline extends Omit<Graph, "weights"> {
  readonly weights: readonly Descriptor[];
}

/**
 * Reads the graph's JSON: types and fields only. What they mean together is for `checkGraph`.
 *
 * @throws FormatError json-type, json-forbidden-name, field-*, number-*, and all of `readDescriptor`
 */
export function readOutline(json: Json): Outline {
  const graph = asRecord(json, "graph", ["inputs", "outputs", "nodes", "quant", "weights"]);
  const weights = asObject(graph.weights, "weights");
  return {
    inputs: asArray(graph.inputs, "inputs").map((input) => {
      const fields = asRecord(input, "input", ["name", "shape"]);
      const name = asName(fields.name, "input: name");
      return { name, shape: readShape(fields.shape, `input ${name}`) };
    }),
    outputs: asArray(graph.outputs, "outputs").map((output) => {
      const fields = asRecord(output, "output", ["name", "value"]);
      return { name: asName(fields.name, "output: name"), value: asName(fields.value, "output: value") };
    }),
    nodes: asArray(graph.nodes, "nodes").map(readNode),
    quant: readQuant(graph.quant),
    weights: Object.keys(weights).map((name) => readDescriptor(name, weights[name])),
  };
}

function readNode(json: Json): Node {
  const fields = asRecord(json, "node", ["name", "op", "inputs"], ["weights", "attrs"]);
  const name = asName(fields.name, "node: name");
  const what = `node ${name}`;
  const roles = asObject(fields.weights ?? {}, `${what}: weights`);
  const given = asObject(fields.attrs ?? {}, `${what}: attrs`);
  const weights: Record<string, string> = {};
  for (const role in roles) weights[role] = asName(roles[role], `${what}: weights.${role}`);
  const attrs: Record<string, AttrValue> = {};
  for (const key in given) attrs[key] = readAttr(given[key], `${what}: attrs.${key}`);
  const inputs = asArray(fields.inputs, `${what}: inputs`).map((input) => asName(input, `${what}: input`));
  return { name, op: asString(fields.op, `${what}: op`), inputs, weights, attrs };
}

export function readAttr(value: Json, what: string): AttrValue {
  if (typeof value === "number" || typeof value === "string" || typeof value === "boolean") return value;
  return asArray(value, what).map((item) => (item === null ? null : asNumber(item, what)));
}

export function readShape(json: Json, what: string): (number | null)[] {
  const dims = asArray(json, `${what}: shape`);
  // Only the first dimension may be the batch; asSizes refuses a null anywhere else.
  const batch = dims[0] === null ? [null] : [];
  return [...batch, ...asSizes(dims.slice(batch.length), `${what}: shape`)];
}

/** Stored as name: [scale, zero]. */
function readQuant(json: Json): Map<string, QuantParams> {
  const stored = asObject(json, "quant");
  const quant = new Map<string, QuantParams>();
  for (const name in stored) {
    const what = `quant ${name}`;
    const pair = asArray(stored[name], what);
    if (pair.length !== 2) throw new FormatError("quant-pair", `${what}: want [scale, zero]`);
    const scale = checkScale(asNumber(pair[0], `${what}: scale`), what);
    quant.set(name, { scale, zero: asNumber(pair[1], `${what}: zero`) });
  }
  return quant;
}

/** A scale is a positive, finite, normal f32: a subnormal one would have too few bits left. */
export function checkScale(scale: number, what: string): number {
  const fault = Number.isNaN(scale)
    ? "nan"
    : scale < 0
      ? "negative"
      : scale === 0
        ? "zero"
        : scale < 2 ** -126
          ? "subnormal"
          : Math.fround(scale) === Number.POSITIVE_INFINITY
            ? "infinite"
            : undefined;
  if (fault) throw new FormatError(`scale-${fault}`, `${what}: want a positive normal f32, got ${scale}`);
  return scale;
}
