/**
 * The graph as files of version 2 have it: no name and no attribute twice. Values are numbers: the inputs of the graph,
 * then its nodes in order. All bytes are one tensor, `data`: for each weight the streams of its codec and its scales,
 * then the scales of the u7 values as f64, then their zero points as bytes.
 *
 *   names    for each value two items: how many characters it begins with of the name before it, and the rest
 *   inputs   the shape of each
 *   outputs  for each two items: name, value
 *   kinds    what nodes have in common: [op, [role...], {attribute: value...}, [numeric attribute...]]
 *   nodes    [kind, the numeric attributes, the weights, how far back each value is that it reads]
 *   quant    which values are u7: first, count, first, count...
 *   forms    how weights are stored: [dtype, codec] and "planes"
 *   weights  [form, shape, stored bytes of each stream, before these its raw bytes unless dense; of s8 how many scales]
 *   keys     names of weights that are not that of their first node, a slash and the role: weight, name...
 */

import type { AttrValue, Node, QuantParams } from "../graph/index.js";
import { codecs, decodedBytes, readDescriptor, type StoredWeight } from "./descriptor.js";
import { FormatError } from "./errors.js";
import { asArray, asName, asNumber, asObject, asRecord, asSize, asSizes, asString } from "./fields.js";
import { checkScale, type Outline, readAttr, readShape } from "./graph-json.js";
import type { Json } from "./strict-json.js";

/** Most characters that a name takes from the one before it, so that a header cannot ask for any amount of memory. */
export const maxShared = 127;

/** Most nodes, and most items of attributes: what they have in common would else be repeated without bound. */
const maxNodes = 100_000;
const maxItems = 2 ** 23;

interface Kind {
  readonly op: string;
  readonly roles: readonly string[];
  readonly attrs: Readonly<Record<string, AttrValue>>;
  readonly numbers: readonly string[];
  /** What a node of it costs to check. */
  readonly items: number;
}

/**
 * @param data bytes of all weights and u7 parameters
 * @throws FormatError json-*, field-*, number-*, index-range, items-many, layout-*, and all of `readDescriptor`
 */
export function readLean(
  json: Json,
  data: Uint8Array,
): { outline: Outline; stored: readonly StoredWeight[] } {
  const fields = ["names", "inputs", "outputs", "kinds", "nodes", "quant", "forms", "weights", "keys"];
  const graph = asRecord(json, "graph", fields);
  const [names, inputs, outputs, kinds, nodes, quant, forms, weights, keys] = fields.map((field) =>
    asArray(graph[field], field),
  );
  const values = readNames(names);
  wantLength("names", values, inputs.length + nodes.length);
  const keyNames = new Map(
    pairs(keys).map(([weight, name]) => [asIndex(weight, weights.length, "keys"), asName(name, "keys")]),
  );
  const made = readNodes(nodes, kinds.map(readKind), values, weights.length, keyNames);
  const take = taker(data);
  const stored = weights.map((row, i) => readStored(row, keyNames.get(i) ?? `${i}`, forms, take));
  if (new Set(stored.map(({ descriptor }) => descriptor.name)).size < stored.length) {
    throw new FormatError("json-duplicate-key", "keys: a weight has the name of another");
  }
  const params = readParams(quant, values, take);
  const left = take.left();
  if (left > 0) throw new FormatError("layout-trailing", `${left} bytes after the last u7 parameter`);
  return {
    outline: {
      inputs: inputs.map((shape, i) => ({ name: values[i], shape: readShape(shape, values[i]) })),
      outputs: pairs(outputs).map(([name, value]) => ({
        name: asName(name, "output"),
        value: values[asIndex(value, values.length, "output")],
      })),
      nodes: made,
      quant: params,
      weights: stored.map(({ descriptor }) => descriptor),
    },
    stored,
  };
}

const pairs = (list: readonly Json[]) =>
  Array.from({ length: Math.ceil(list.length / 2) }, (_, i) => [list[2 * i], list[2 * i + 1]] as const);

function asIndex(json: Json | undefined, count: number, what: string): number {
  const index = asSize(json, what);
  if (index < count) return index;
  throw new FormatError("index-range", `${what}: want an index below ${count}, got ${index}`);
}

function wantLength(what: string, list: readonly unknown[], wanted: number): void {
  if (list.length === wanted) return;
  throw new FormatError("index-range", `${what}: want ${wanted} items, got ${list.length}`);
}

function readNames(list: readonly Json[]): readonly string[] {
  let name = "";
  return pairs(list).map(([shared, rest]) => {
    const kept = asIndex(shared, Math.min(name.length, maxShared) + 1, "names");
    name = name.slice(0, kept) + asString(rest, "names");
    return asName(name, "names");
  });
}

function readKind(json: Json): Kind {
  const [op, roles, attrs, numbers] = asArray(json, "kind");
  const given = asObject(attrs, "kind: attributes");
  const fixed: Record<string, AttrValue> = {};
  let items = 0;
  for (const key in given) {
    fixed[key] = readAttr(given[key], `attribute ${key}`);
    items += 1 + [fixed[key]].flat().length;
  }
  // Names of weights are made of roles.
  const names = (list: Json | undefined) =>
    asArray(list, "kind").map((item) => asName(item, "kind").slice(0, 64));
  return { op: asString(op, "kind"), roles: names(roles), attrs: fixed, numbers: names(numbers), items };
}

/** @param keyNames of weights; those that it lacks get the name of the first node that reads them */
function readNodes(
  rows: readonly Json[],
  kinds: readonly Kind[],
  values: readonly string[],
  weightCount: number,
  keyNames: Map<number, string>,
): readonly Node[] {
  const first = values.length - rows.length;
  let items = 0;
  return rows.map((json, i): Node => {
    const name = values[first + i];
    const what = `node ${name}`;
    const row = asArray(json, what);
    const { op, roles, attrs: fixed, numbers, items: cost } = kinds[asIndex(row[0], kinds.length, what)];
    items += cost + 1;
    if (i >= maxNodes || items > maxItems)
      throw new FormatError("items-many", `${what}: the nodes are too many`);
    let at = 1;
    const attrs = { ...fixed };
    for (const key of numbers) attrs[key] = asNumber(row[at++], `${what}: ${key}`);
    const weights: Record<string, string> = {};
    for (const role of roles) {
      const weight = asIndex(row[at++], weightCount, `${what}: ${role}`);
      weights[role] = keyNames.get(weight) ?? `${name}/${role}`;
      keyNames.set(weight, weights[role]);
    }
    const inputs = row.slice(at).map((back) => values[first + i - 1 - asIndex(back, first + i, what)]);
    return { name, op, inputs, weights, attrs };
  });
}

type Take = (length: Json | undefined, what: string) => Uint8Array;

/** Hands out the bytes of `data` from its beginning, and says how many are left. */
function taker(data: Uint8Array): Take & { left(): number } {
  let at = 0;
  const take: Take = (length, what) => {
    const end = at + asSize(length, what);
    if (end > data.length) {
      throw new FormatError("layout-past-end", `${what}: ends at ${end} of ${data.length} bytes: truncated?`);
    }
    const part = data.subarray(at, end);
    at = end;
    return part;
  };
  return Object.assign(take, { left: () => data.length - at });
}

function readStored(json: Json, name: string, forms: readonly Json[], take: Take): StoredWeight {
  const what = `weight ${name}`;
  const row = asArray(json, what);
  const [dtype, codec, planes] = asArray(forms[asIndex(row[0], forms.length, what)], what);
  const known = Object.hasOwn(codecs, String(codec)) ? codecs[String(codec)] : codecs.dense;
  const shape = row[1];
  const numbers = row.slice(2);
  const isDense = known.block === undefined;
  const bytes = known.streams.map((_, i) =>
    isDense
      ? decodedBytes({ name, dtype: asString(dtype, what), shape: asSizes(shape, what) })
      : numbers[2 * i],
  );
  const given = {
    dtype,
    shape,
    codec,
    bytes,
    ...(planes !== undefined && { planes: planes === "planes" }),
  } as Record<string, Json>;
  const descriptor = readDescriptor(name, given);
  const streams = bytes.map((_, i) => take(numbers[isDense ? i : 2 * i + 1], what));
  const left = numbers.slice(isDense ? bytes.length : 2 * bytes.length);
  wantLength(what, left, dtype === "s8" ? 1 : 0);
  const scale = take(4 * asSize(left[0] ?? 0, what), what);
  return { descriptor, streams, scale };
}

function readParams(runs: readonly Json[], values: readonly string[], take: Take): Map<string, QuantParams> {
  const named: string[] = [];
  for (const [from, count] of pairs(runs)) {
    const first = asIndex(from, values.length, "quant");
    named.push(...values.slice(first, first + asIndex(count, values.length - first + 1, "quant")));
    // Runs do not overlap.
    if (named.length > values.length)
      throw new FormatError("index-range", "quant: more than there are values");
  }
  const scales = new Float64Array(take(8 * named.length, "quant").slice().buffer);
  const zeros = take(named.length, "quant");
  return new Map(
    named.map((name, i) => [name, { scale: checkScale(scales[i], `quant ${name}`), zero: zeros[i] }]),
  );
}
