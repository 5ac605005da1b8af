/** Nodes with any inputs and attributes: a graph, or an error that says what was wanted. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { importModel } from "../../src/graph/index.js";
import { base64, GraphDef, type Json } from "./graph-model.js";

const ops =
  "Abs AddN AddV2 All ArgMax BatchMatMulV2 BatchToSpaceND BiasAdd BroadcastTo Cast ClipByValue ConcatV2 Conv2D Cumsum " +
  "DepthToSpace DepthwiseConv2dNative DivNoNan Einsum ExpandDims Fill FloorMod GatherNd GatherV2 Less LinSpace LogSoftmax " +
  "MatMul MatrixBandPart MaxPool Mean MirrorPad OneHot Pack Pad PadV2 Pow Prelu Range Reshape ResizeBilinear ReverseV2 " +
  "ScatterNd Select SelectV2 Shape Slice Softmax SpaceToBatchND SparseToDense Split SplitV Squeeze StridedSlice Sum " +
  "TensorListConcatV2 TensorListFromTensor TensorListGather TensorListGetItem TensorListSetItem TensorListStack Tile " +
  "TopKV2 Transpose Unpack _FusedMatMul";

const small = fc.integer({ min: -2, max: 4 });
const sizes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 });

/** Adds an operand of one kind and gives its name. */
type Operand = (def: GraphDef, name: string) => string;

const operand: fc.Arbitrary<Operand> = fc.oneof(
  fc.constant<Operand>(() => "x"),
  fc.constant<Operand>((def, name) => def.node(name, "Shape", ["x"])),
  small.map(
    (value): Operand =>
      (def, name) =>
        def.sizes(name, value),
  ),
  fc.array(small, { maxLength: 5 }).map(
    (values): Operand =>
      (def, name) =>
        def.sizes(name, values),
  ),
  sizes.map(
    (shape): Operand =>
      (def, name) =>
        def.weight(name, shape),
  ),
  fc.constant<Operand>((def, name) => {
    const [shape, count] = [def.sizes(`${name}/shape`, [-1, 2]), def.sizes(`${name}/count`, 2)];
    return def.node(name, "TensorListReserve", [shape, count]);
  }),
);

const integer = small.map((value): Json => ({ i: `${value}` }));
const list = fc.array(small, { maxLength: 8 }).map((values): Json => ({ list: { i: values.map(String) } }));
const word = (...words: string[]) => fc.constantFrom(...words).map((each): Json => ({ s: base64(each) }));
const attrs = fc.record(
  {
    axis: integer,
    num: integer,
    num_split: integer,
    block_size: integer,
    shrink_axis_mask: integer,
    new_axis_mask: integer,
    ellipsis_mask: integer,
    end_mask: integer,
    strides: list,
    ksize: list,
    dilations: list,
    squeeze_dims: list,
    padding: word("SAME", "VALID", "EXPLICIT"),
    data_format: word("NHWC", "NCHW"),
    mode: word("REFLECT", "SYMMETRIC"),
    equation: word("ab,bc->ac", "abc,cd->abd", "ab->ba", "abc,abd->acd", "a,a->"),
    keep_dims: fc.boolean().map((b): Json => ({ b })),
    transpose_a: fc.boolean().map((b): Json => ({ b })),
    fused_ops: fc.constant<Json>({ list: { s: ["BiasAdd", "Prelu"].map(base64) } }),
  },
  { requiredKeys: [] },
);

const errors = ["RangeError", "GraphError", "UnsupportedError"];

test("any op with any inputs", () => {
  const node = fc.record({
    op: fc.constantFrom(...ops.split(" ")),
    inputs: fc.array(operand, { maxLength: 5 }),
    attr: attrs,
  });
  const input = fc.tuple(fc.constantFrom(-1, 1), fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }));
  fc.assert(
    fc.property(node, input, ({ op, inputs, attr }, [batch, sample]) => {
      const def = new GraphDef();
      def.input("x", [batch, ...sample]);
      const names = inputs.map((add, i) => add(def, `in${i}`));
      def.node("end", "Neg", [def.node("y", op, names, attr)]);
      const signature = { outputs: { end: { name: "end:0" } } };
      try {
        importModel(def.artifacts({ signature }));
      } catch (error) {
        // The engine's own would say that nobody looked.
        const { name, message } = error as Error;
        expect(errors).toContain(name);
        expect(message).not.toMatch(/Invalid array length|call stack/);
      }
    }),
    { numRuns: 4000, seed: 9 },
  );
});
