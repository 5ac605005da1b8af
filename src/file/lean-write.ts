/** Writes what `readLean` reads. */

import type { AttrValue, Graph, Node } from "../graph/index.js";
import { codecs, type StoredWeight } from "./descriptor.js";
import { exactNames, foldNames, type Names, shortNames } from "./lean-names.js";

/** Characters of JSON for each node, and for all together at least; names that take more are cut. */
const budget = { node: 60, least: 800 };
const nameLimits = [Number.POSITIVE_INFINITY, 48, 32, 24, 16, 10];

/**
 * @param weights those of the graph, in order
 * @returns the graph's JSON and the bytes it tells of
 */
export function writeLean(
  graph: Graph,
  weights: readonly StoredWeight[],
): { json: Readonly<Record<string, unknown>>; data: Uint8Array } {
  const values = new Map([...graph.inputs, ...graph.nodes].map(({ name }, i) => [name, i]));
  const { kinds, nodes } = nodeRows(graph, values);
  const forms = table<readonly string[]>();
  const rows = weights.map((weight) => weightRow(weight, forms.indexOf));
  const quant = runsOf([...graph.quant.keys()].map((name) => values.get(name) as number));
  const body = {
    inputs: graph.inputs.map(({ shape }) => shape),
    kinds,
    nodes,
    quant,
    forms: forms.items,
    weights: rows,
  };
  const withNames = ({ values: names, keys }: Names) => ({
    names: foldNames(names),
    outputs: graph.outputs.flatMap(({ name, value }) => [name, values.get(value)]),
    keys: [...keys].flat(),
    ...body,
  });
  const most = Math.max(budget.least, budget.node * graph.nodes.length);
  let json = withNames(exactNames(graph));
  for (const limit of nameLimits) {
    if (writtenLength(json) <= most) break;
    json = withNames(shortNames(graph, limit));
  }
  return { json, data: joinData(graph, weights, values) };
}

/** In the header the JSON is text within JSON, whose quotes count twice. */
const writtenLength = (json: unknown) => JSON.stringify(JSON.stringify(json)).length;

/** Things that are written once and named by number. */
function table<T>() {
  const places = new Map<string, number>();
  const items: T[] = [];
  const indexOf = (item: T): number => {
    const text = JSON.stringify(item);
    const place = places.get(text) ?? items.length;
    if (place === items.length) items.push(item);
    places.set(text, place);
    return place;
  };
  return { items, indexOf };
}

function nodeRows(graph: Graph, values: ReadonlyMap<string, number>) {
  const varying = varyingNumbers(graph.nodes);
  const kinds = table<readonly unknown[]>();
  const places = new Map([...graph.weights.keys()].map((key, i) => [key, i]));
  const nodes = graph.nodes.map((node) => {
    const numbers = Object.keys(node.attrs).filter((key) => varying(node, key));
    const fixed = Object.entries(node.attrs).filter(([key]) => !numbers.includes(key));
    const kind = kinds.indexOf([node.op, Object.keys(node.weights), Object.fromEntries(fixed), numbers]);
    const at = values.get(node.name) as number;
    return [
      kind,
      ...numbers.map((key) => node.attrs[key]),
      ...Object.values(node.weights).map((key) => places.get(key)),
      ...node.inputs.map((input) => at - 1 - (values.get(input) as number)),
    ];
  });
  return { kinds: kinds.items, nodes };
}

/** Whether a numeric attribute differs among the nodes that have all else in common. */
function varyingNumbers(nodes: readonly Node[]): (node: Node, key: string) => boolean {
  const isNumber = (value: AttrValue) => typeof value === "number";
  const family = ({ op, weights, attrs }: Node) =>
    JSON.stringify([
      op,
      Object.keys(weights),
      Object.entries(attrs).map(([key, value]) => [key, isNumber(value) ? null : value]),
    ]);
  const families = new Map<string, { first: Node; varying: Set<string> }>();
  for (const node of nodes) {
    const key = family(node);
    const known = families.get(key) ?? { first: node, varying: new Set<string>() };
    families.set(key, known);
    for (const [name, value] of Object.entries(node.attrs)) {
      if (isNumber(value) && value !== known.first.attrs[name]) known.varying.add(name);
    }
  }
  return (node, key) => families.get(family(node))?.varying.has(key) === true;
}

function weightRow(
  { descriptor: { dtype, shape, codec, sizes, planes }, streams, scale }: StoredWeight,
  formOf: (form: readonly string[]) => number,
): readonly unknown[] {
  const form = formOf([dtype, codec, ...(planes ? ["planes"] : [])]);
  const isDense = codecs[codec].block === undefined;
  const lengths = streams.flatMap(({ length }, i) => (isDense ? [length] : [sizes[i], length]));
  return [form, shape, ...lengths, ...(dtype === "s8" ? [scale.length / 4] : [])];
}

/** [first, count, ...] of numbers, in the order of the numbers. */
function runsOf(numbers: readonly number[]): readonly number[] {
  const runs: number[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = runs.length - 2;
    if (last >= 0 && runs[last] + runs[last + 1] === number) runs[last + 1]++;
    else runs.push(number, 1);
  }
  return runs;
}

function joinData(
  graph: Graph,
  weights: readonly StoredWeight[],
  values: ReadonlyMap<string, number>,
): Uint8Array {
  const params = [...graph.quant].sort(([a], [b]) => (values.get(a) as number) - (values.get(b) as number));
  const scales = Float64Array.from(params, ([, { scale }]) => scale);
  const zeros = Uint8Array.from(params, ([, { zero }]) => zero);
  const parts = [
    ...weights.flatMap(({ streams, scale }) => [...streams, scale]),
    new Uint8Array(scales.buffer),
    zeros,
  ];
  const data = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return data;
}
