/** TensorArrays and TensorLists: tensors by number, which loops read and write. Here they are known one by one. */

import { join, portion, rankOf } from "./compute.js";
import {
  type Context,
  constantOf,
  type GraphRule,
  type GraphRules,
  integersAt,
  type Operand,
} from "./constant.js";
import { checkedSize } from "./fold.js";
import { stack, unstack } from "./parts.js";
import { sizeAlong } from "./reductions.js";

type List = NonNullable<Operand["list"]>;

/** More elements than any loop that is unrolled reads. */
const maxElements = 65_536;

function listAt({ name, operands }: Context, i: number): List {
  const list = operands[i]?.list;
  if (list) return list;
  throw new RangeError(`node ${name}: wanted a TensorArray or a TensorList as input ${i}`);
}

const rule = (count: number, add: (context: Context) => readonly Operand[], most = count): GraphRule => ({
  inputs: { min: count, max: most },
  add,
});

function emptyList(context: Context, i: number): List {
  const [size] = integersAt(context, i);
  if (size >= 0 && size <= maxElements) return new Array<undefined>(size).fill(undefined);
  throw new RangeError(`node ${context.name}: wanted 0 to ${maxElements} elements, got ${size}`);
}

function elementAt(context: Context, list: List, index: number, sizes?: readonly number[]): Operand {
  const element = list[index];
  if (element) return element;
  const isThere = Number.isInteger(index) && index >= 0 && index < list.length;
  if (!isThere)
    throw new RangeError(`node ${context.name}: wanted an index below ${list.length}, got ${index}`);
  if (!sizes) throw new RangeError(`node ${context.name}: reads element ${index}, which nothing writes`);
  // As TensorFlow has it; the size of a batch that is open is 1, which goes with any.
  const shape = sizes.map((size) => (size >= 0 ? size : 1));
  const data = new Float32Array(checkedSize(context.name, shape));
  return constantOf(`${context.name}/zeros`, shape, data, true);
}

function written(context: Context, list: List, index: number, value: Operand, mayGrow = false): Operand {
  const isThere = Number.isInteger(index) && index >= 0 && index < (mayGrow ? maxElements : list.length);
  if (!isThere)
    throw new RangeError(`node ${context.name}: wanted an index below ${list.length}, got ${index}`);
  const grown = Array.from({ length: Math.max(list.length, index + 1) }, (_, i) => list[i]);
  return { list: grown.with(index, value) };
}

/** Elements along a new first axis. */
function stacked(
  context: Context,
  list: List,
  indices: readonly number[],
  sizes?: readonly number[],
): Operand {
  if (indices.length === 0)
    throw new RangeError(`node ${context.name}: wanted an element at least, got none`);
  return stack(
    context,
    indices.map((index) => elementAt(context, list, index, sizes)),
    0,
  );
}

/** The tensors along the first axis at places of a list. */
function scattered(context: Context, list: List, indices: readonly number[], value: Operand): Operand {
  const rows = unstack(context, value, 0, indices.length);
  return indices.reduce<Operand>(
    (result, index, i) => written(context, result.list as List, index, rows[i], true),
    { list },
  );
}

/** Parts of the first axis, of these sizes. */
function split(context: Context, value: Operand, lengths: readonly number[]): Operand {
  let from = 0;
  const list = lengths.map((size, i) => {
    const part = portion(context, value, 0, { from, size }, `${i}`);
    from += size;
    return part;
  });
  return { list };
}

/** Elements one after another along their first axis. */
function concatenated(context: Context, list: List): readonly Operand[] {
  const elements = list.map((_, i) => elementAt(context, list, i));
  const sizes = elements.map((element) =>
    rankOf(context, element) > 0 ? sizeAlong(context, element, 0) : 1,
  );
  return [join(context, elements, 0), constantOf(`${context.name}:1`, [sizes.length], sizes, false)];
}

const all = (list: List) => list.map((_, i) => i);

const size =
  (i: number): GraphRule["add"] =>
  (context) => [constantOf(context.name, [], [listAt(context, i).length], false)];

/** Their state is the flow that comes last; the handle says nothing. */
const arrays: GraphRules = {
  TensorArrayCloseV3: rule(1, () => []),
  TensorArrayConcatV3: rule(2, (context) => concatenated(context, listAt(context, 1))),
  TensorArrayGatherV3: rule(3, (context) => [stacked(context, listAt(context, 2), integersAt(context, 1))]),
  TensorArrayReadV3: rule(3, (context) => [
    elementAt(context, listAt(context, 2), integersAt(context, 1)[0], context.attrs.shape("element_shape")),
  ]),
  TensorArrayScatterV3: rule(4, (context) => [
    scattered(context, listAt(context, 3), integersAt(context, 1), context.operands[2]),
  ]),
  TensorArraySizeV3: rule(2, size(1)),
  TensorArraySplitV3: rule(4, (context) => [split(context, context.operands[1], integersAt(context, 2))]),
  TensorArrayV3: rule(1, (context) => {
    const list = emptyList(context, 0);
    return [{ list }, { list }];
  }),
  TensorArrayWriteV3: rule(4, (context) => [
    written(context, listAt(context, 3), integersAt(context, 1)[0], context.operands[2], true),
  ]),
};

const shapeAt = (context: Context, i: number): readonly number[] | undefined =>
  context.operands[i]?.constant ? integersAt(context, i) : undefined;

const lists: GraphRules = {
  EmptyTensorList: rule(2, () => [{ list: [] }]),
  TensorListConcat: rule(1, (context) => concatenated(context, listAt(context, 0))),
  TensorListConcatV2: rule(3, (context) => concatenated(context, listAt(context, 0))),
  TensorListFromTensor: rule(2, (context) => [{ list: unstack(context, context.operands[0], 0) }]),
  TensorListGather: rule(3, (context) => [
    stacked(context, listAt(context, 0), integersAt(context, 1), shapeAt(context, 2)),
  ]),
  TensorListGetItem: rule(3, (context) => [
    elementAt(context, listAt(context, 0), integersAt(context, 1)[0], shapeAt(context, 2)),
  ]),
  TensorListLength: rule(1, size(0)),
  TensorListPopBack: rule(2, (context) => {
    const list = listAt(context, 0);
    return [{ list: list.slice(0, -1) }, elementAt(context, list, list.length - 1, shapeAt(context, 1))];
  }),
  TensorListPushBack: rule(2, (context) => {
    const list = listAt(context, 0);
    return [written(context, list, list.length, context.operands[1], true)];
  }),
  TensorListReserve: rule(2, (context) => [{ list: emptyList(context, 1) }]),
  TensorListResize: rule(2, (context) => {
    const list = listAt(context, 0);
    return [{ list: emptyList(context, 1).map((_, i) => list[i]) }];
  }),
  TensorListScatter: rule(3, (context) => [
    scattered(context, [], integersAt(context, 1), context.operands[0]),
  ]),
  TensorListScatterV2: rule(4, (context) => {
    const [count] = integersAt(context, 3);
    const list = count > 0 ? emptyList(context, 3) : [];
    return [scattered(context, list, integersAt(context, 1), context.operands[0])];
  }),
  TensorListSetItem: rule(
    3,
    (context) => [written(context, listAt(context, 0), integersAt(context, 1)[0], context.operands[2])],
    4,
  ),
  TensorListSplit: rule(3, (context) => [split(context, context.operands[0], integersAt(context, 2))]),
  TensorListStack: rule(2, (context) => {
    const list = listAt(context, 0);
    return [stacked(context, list, all(list), shapeAt(context, 1))];
  }),
};

export const listRules: GraphRules = { ...arrays, ...lists };
