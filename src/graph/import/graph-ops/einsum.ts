/** Einsum of one tensor or two: a transpose, sums, and a product of matrices. */

import { UnsupportedError } from "../../errors.js";
import { formatShape, sizeOf } from "../../shape.js";
import type { Dim } from "../../types.js";
import type { NodeDef } from "../graph-def.js";
import { asView, permute, reduce, splitAxis } from "./compute.js";
import type { Constant, Context, GraphRule, GraphRules, Operand } from "./constant.js";
import { transposeConstant } from "./fold.js";
import { timesMatrix } from "./products.js";
import { addOp, batchOf, canonical, reshaped, sizesOf } from "./view.js";

/** A tensor with a letter for each axis. */
interface Named {
  readonly x: Operand;
  readonly letters: readonly string[];
}

function parse({ attrs }: NodeDef): readonly (readonly string[])[] | undefined {
  const equation = attrs.text("equation", "").replaceAll(" ", "");
  const [, left, right] = /^([a-zA-Z,]+)->([a-zA-Z]*)$/.exec(equation) ?? [];
  if (left === undefined) return undefined;
  const all = [...left.split(","), right].map((letters) => [...letters]);
  const isPlain = all.every((letters) => new Set(letters).size === letters.length);
  return isPlain && all.length <= 3 ? all : undefined;
}

/** Axes as groups, each one axis of the result. A group with the batch in it has nothing else. */
function grouped(
  context: Context,
  { x, letters }: Named,
  groups: readonly (readonly string[])[],
  part: string,
): Operand {
  const perm = groups.flat().map((letter) => letters.indexOf(letter));
  const view = canonical(context, asView(context, permute(context, x, perm)));
  const sizes = sizesOf(context, view);
  let next = 0;
  const dims = groups.map((group): Dim => {
    const own = sizes.slice(next, next + group.length);
    next += group.length;
    if (!own.includes(null)) return sizeOf(own);
    if (group.length === 1) return null;
    throw new UnsupportedError([
      `${context.op}: ${formatShape(sizesOf(context, asView(context, x)))}, of the batch`,
    ]);
  });
  const sample = dims.filter((dim) => dim !== null);
  const value = reshaped(context, view.value, [null, ...sample], part);
  let axis = 0;
  return { value, order: dims.map((dim) => (dim === null ? 0 : ++axis)) };
}

/** The sum over axes that the other tensor and the result have not. */
function summed(context: Context, { x, letters }: Named, kept: readonly string[], part?: string): Named {
  const axes = letters.flatMap((letter, axis) => (kept.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { x, letters };
  return {
    x: reduce(context, "sum", x, axes, false, part),
    letters: letters.filter((letter) => kept.includes(letter)),
  };
}

const sizesBy = (context: Context, { x, letters }: Named): ReadonlyMap<string, Dim> => {
  const sizes = x.constant ? x.constant.shape : sizesOf(context, asView(context, x));
  if (sizes.length !== letters.length) {
    throw new RangeError(`node ${context.name}: wanted ${letters.length} axes, got ${formatShape(sizes)}`);
  }
  return new Map(letters.map((letter, i) => [letter, sizes[i]]));
};

/** The product of a value and numbers that are known, [shared..., own...] as a matrix. */
function withConstant(context: Context, a: Named, constant: Constant, letters: readonly string[]): Named {
  const shared = letters.filter((letter) => a.letters.includes(letter));
  const own = letters.filter((letter) => !a.letters.includes(letter));
  const sizes = new Map(letters.map((letter, i) => [letter, constant.shape[i]]));
  const product = (all: readonly string[]) =>
    all.reduce((size, letter) => size * (sizes.get(letter) as number), 1);
  const perm = [...shared, ...own].map((letter) => letters.indexOf(letter));
  const key = `${constant.key}/[${perm}]`;
  const matrix = { ...transposeConstant(key, constant, perm), key, shape: [product(shared), product(own)] };
  const free = a.letters.filter((letter) => !shared.includes(letter));
  const left = grouped(context, a, [...free.map((letter) => [letter]), shared], "left");
  const inner = { ...context, name: `${context.name}/product` };
  const made = timesMatrix(inner, left, matrix, false, false);
  const ownSizes = own.map((letter) => sizes.get(letter) as number);
  return { x: splitAxis(context, made, free.length, ownSizes, "axes"), letters: [...free, ...own] };
}

function ofValues(context: Context, a: Named, b: Named, result: readonly string[]): Named {
  const both = a.letters.filter((letter) => b.letters.includes(letter));
  const heads = both.filter((letter) => result.includes(letter));
  const shared = both.filter((letter) => !result.includes(letter));
  const [freeA, freeB] = [a, b].map(({ letters }) => letters.filter((letter) => !both.includes(letter)));
  const head = heads.map((letter) => [letter]);
  const left = grouped(context, a, [...head, freeA, shared], "left");
  const right = grouped(context, b, [...head, shared, freeB], "right");
  const views = [left, right].map((x) => asView(context, x));
  if (batchOf(views[0]) !== batchOf(views[1]) || batchOf(views[0]) >= heads.length) {
    throw new UnsupportedError([`${context.op}: of the batch`]);
  }
  const value = addOp(
    context,
    "matmul",
    views.map((view) => view.value),
    { part: "product" },
  );
  const sizes = new Map([...sizesBy(context, a), ...sizesBy(context, b)]);
  const wide = (letters: readonly string[]) => letters.map((letter) => sizes.get(letter) as number);
  const order = views[0].order;
  const rows = splitAxis(context, { value, order }, heads.length, wide(freeA), "rows");
  const columns = splitAxis(context, rows, heads.length + freeA.length, wide(freeB), "columns");
  return { x: columns, letters: [...heads, ...freeA, ...freeB] };
}

const einsum: GraphRule = {
  inputs: { min: 1, max: 2 },
  unsupported: (node) => (parse(node) ? [] : [`${node.op}: ${node.attrs.text("equation", "no equation")}`]),
  add(context) {
    const all = parse(context) as readonly (readonly string[])[];
    const result = all[all.length - 1];
    const named = context.operands.map((x, i): Named => ({ x, letters: all[i] ?? [] }));
    if (named.length !== all.length - 1 || named.every(({ x }) => x.constant)) {
      throw new UnsupportedError([
        `${context.op}: ${named.length} operands of ${all.length - 1}, or constants alone`,
      ]);
    }
    for (const each of named) sizesBy(context, each);
    const ready = named.map((each, i) => {
      const others = named.filter((other) => other !== each).flatMap(({ letters }) => letters);
      return summed(context, each, [...result, ...others], named.length > 1 ? `sum${i}` : undefined);
    });
    const made = ready.length === 1 ? ready[0] : product(context, ready, result);
    return [
      permute(
        context,
        made.x,
        result.map((letter) => made.letters.indexOf(letter)),
      ),
    ];
  },
};

function product(context: Context, [a, b]: readonly Named[], result: readonly string[]): Named {
  const [value, known] = a.x.constant ? [b, a] : [a, b];
  const { constant } = known.x;
  if (!constant) return ofValues(context, a, b, result);
  const isMatrix = known.letters.every(
    (letter) => !(value.letters.includes(letter) && result.includes(letter)),
  );
  if (isMatrix) return withConstant(context, value, constant, known.letters);
  throw new UnsupportedError([`${context.op}: ${context.attrs.text("equation", "")} with a constant`]);
}

export const einsumRules: GraphRules = { Einsum: einsum };
