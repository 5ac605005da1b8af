/** A graph under construction: unique names, shapes as they arise, weights as they are asked for. */

import { checkNode } from "../check/nodes.js";
import { weightsOf } from "../graph.js";
import { nodeShape } from "../infer.js";
import { formatShape, sameShape } from "../shape.js";
import type { AttrValue, F32Weight, GraphInput, GraphOutput, Node, Shape } from "../types.js";
import type { LayerPath, WeightStore } from "./weight-store.js";

/** A layer that is being imported. */
export interface Builder {
  /**
   * Adds a node.
   *
   * @param name wanted for it; a name that is taken gets _1, _2...
   * @param weights role to key of a weight that `weight` or `put` returned
   * @returns the name of its value
   */
  add(name: string, op: string, inputs: readonly string[], parts?: NodeParts): string;
  shapeOf(value: string): Shape;
  /**
   * A weight of the layer that the model's file holds.
   *
   * @returns its key and numbers
   * @throws RangeError where it is absent; TypeError where it is not of float32
   */
  weight(
    layer: LayerPath,
    role: string,
    index: number,
  ): { key: string; shape: readonly number[]; data: Float32Array };
  /**
   * A weight that the importer computed. Shared layers put theirs again, which is kept once.
   *
   * @param key wanted for it; one that other numbers have gets _1, _2...
   * @returns its key
   */
  put(key: string, weight: F32Weight): string;
  /** The value, [null, time] of 0 and 1, that says which steps of another count; undefined where all do. */
  maskOf(value: string): string | undefined;
  setMask(value: string, mask: string | undefined): void;
  /**
   * Notes what pare has not, where only shapes show it; the import goes on and then throws. A rule that
   * has no value of the right shape to go on with throws an UnsupportedError instead.
   */
  unsupported(what: string): void;
}

export interface NodeParts {
  readonly attrs?: Readonly<Record<string, AttrValue>>;
  readonly weights?: Readonly<Record<string, string>>;
}

/** A Builder with what the walk over the model needs besides. */
export interface GraphBuilder extends Builder {
  addInput(name: string, shape: Shape): string;
  addOutput(name: string, value: string): void;
  /** @throws RangeError for more calls of layers than any model has, whether they add nodes or not */
  countCall(): void;
  readonly inputs: readonly GraphInput[];
  readonly outputs: readonly GraphOutput[];
  readonly nodes: readonly Node[];
  readonly weights: ReadonlyMap<string, F32Weight>;
  readonly problems: readonly string[];
}

/** Models that hold models twice, nested, name 2^n nodes in n lines of JSON. */
const maxNodes = 100_000;

const tooMany = () => new RangeError(`the model: wanted at most ${maxNodes} layers`);

/** @param layerNames of the whole model: reserved, so that a second "dense" does not become another layer's "dense_1" */
export function createBuilder(store: WeightStore, layerNames: ReadonlySet<string>): GraphBuilder {
  const inputs: GraphInput[] = [];
  const outputs: GraphOutput[] = [];
  const nodes: Node[] = [];
  const weights = new Map<string, F32Weight>();
  const problems: string[] = [];
  const shapes = new Map<string, Shape>();
  const masks = new Map<string, string | undefined>();
  let calls = 0;

  const outputNames = new Set<string>();
  const freeValue = numbering((name) => shapes.has(name), layerNames);
  const freeOutput = numbering((name) => outputNames.has(name), layerNames);

  return {
    inputs,
    outputs,
    nodes,
    weights,
    problems,
    add(wanted, op, reads, { attrs = {}, weights: roles = {} } = {}) {
      if (nodes.length >= maxNodes) throw tooMany();
      const node: Node = { name: freeValue(wanted), op, inputs: reads, weights: roles, attrs };
      const inputShapes = reads.map((value) => this.shapeOf(value));
      // At once, not at the end: a size out of a stride of 0 is no size to import on with.
      checkNode({ weights }, node);
      shapes.set(node.name, nodeShape(node, inputShapes, weightsOf({ weights }, node)));
      nodes.push(node);
      return node.name;
    },
    shapeOf(value) {
      const shape = shapes.get(value);
      if (shape) return shape;
      throw new RangeError(`wanted a value made before, got ${value}`);
    },
    weight(layer, role, index) {
      const { key, weight } = store.find(layer, role, index);
      if (weight.dtype !== "f32") throw new TypeError(`weight ${key}: wanted float32, got ${weight.dtype}`);
      return { key: this.put(key, weight), shape: weight.shape, data: weight.data };
    },
    put(wanted, weight) {
      let key = wanted;
      let there = weights.get(key);
      for (let i = 1; there && !isSame(there, weight); i++) {
        key = `${wanted}_${i}`;
        there = weights.get(key);
      }
      if (!there) weights.set(key, weight);
      return key;
    },
    maskOf: (value) => masks.get(value),
    setMask(value, mask) {
      masks.set(value, mask);
    },
    countCall() {
      if (++calls > maxNodes) throw tooMany();
    },
    unsupported(what) {
      problems.push(what);
    },
    addInput(name, shape) {
      if (shapes.has(name))
        throw new RangeError(`input ${name} ${formatShape(shape)}: wanted it once, got it twice`);
      inputs.push({ name, shape });
      shapes.set(name, shape);
      return name;
    },
    addOutput(wanted, value) {
      // A layer that is called twice may make two outputs, which tfjs calls by one name.
      const name = freeOutput(wanted);
      outputNames.add(name);
      outputs.push({ name, value });
    },
  };
}

/** Gives names that are not taken: the one wanted, or that with a number which makes it no layer's. */
function numbering(isTaken: (name: string) => boolean, layerNames: ReadonlySet<string>) {
  // The last number given to each name, so that the n-th call of a layer need not try n names.
  const counts = new Map<string, number>();
  return (wanted: string): string => {
    let name = wanted;
    let count = counts.get(wanted) ?? 0;
    while (isTaken(name) || (count > 0 && layerNames.has(name))) name = `${wanted}_${++count}`;
    counts.set(wanted, count);
    return name;
  };
}

/** Equal to the bit: NaN is NaN, and -0 is not 0. */
function isSame(a: F32Weight, b: F32Weight): boolean {
  if (!sameShape(a.shape, b.shape)) return false;
  return a.data === b.data || a.data.every((value, i) => Object.is(value, b.data[i]));
}
