/** A batch of one that is an axis like others, and batches that do not come first, against tfjs. */

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, UnsupportedError } from "../../src/graph/index.js";
import { expectSameAsTfjs, GraphDef, integers } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

const all = (def: GraphDef) => expectSameAsTfjs(def, 1);

describe("a batch of one", () => {
  test("is joined, stacked, split and unstacked", async () => {
    const def = new GraphDef();
    const [x, y] = [def.input("x", [1, 4, 3]), def.input("y", [1, 4, 3])];
    const both = def.node("both", "ConcatV2", [x, y, def.sizes("axis", 0)]);
    const mean = def.node("mean", "Mean", [both, def.sizes("axis0", [0])]);
    const stack = def.node("stack", "Pack", [mean, mean], { axis: { i: "0" } });
    const parts = def.node("parts", "Unpack", [stack], { num: { i: "2" }, axis: { i: "0" } });
    const split = def.node("split", "Split", [def.sizes("first", 0), both], { num_split: { i: "2" } });
    def.node("sum", "AddV2", [`${parts}:0`, `${parts}:1`]);
    def.node("difference", "Sub", [`${split}:0`, `${split}:1`]);
    await all(def);
  });

  test("goes with Squeeze and Reshape, and comes back", async () => {
    const def = new GraphDef();
    const x = def.input("x", [1, 4, 3]);
    const rows = def.node("rows", "Squeeze", [x], { squeeze_dims: integers(0) });
    const product = def.node("product", "MatMul", [rows, def.weight("w", [3, 5])]);
    const turned = def.node("turned", "MatMul", [def.weight("v", [2, 4]), product]);
    def.node("gram", "MatMul", [rows, rows], { transpose_a: { b: true } });
    def.node("back", "Reshape", [turned, def.sizes("to", [1, 2, 5])]);
    def.node("flat", "Reshape", [product, def.sizes("to2", [-1])]);
    def.node("soft", "Softmax", [product]);
    await all(def);
  });

  test("is cut, chosen, turned, repeated and reduced", async () => {
    const def = new GraphDef();
    const x = def.input("x", [1, 4, 3]);
    const [b, e, s] = [def.sizes("b", [0, 1]), def.sizes("e", [1, 3]), def.sizes("s", [1, 1])];
    def.node("cut", "StridedSlice", [x, b, e, s], { shrink_axis_mask: { i: "1" } });
    def.node("slice", "Slice", [x, def.sizes("from", [0, 1, 0]), def.sizes("size", [1, 2, -1])]);
    def.node("gather", "GatherV2", [x, def.sizes("i", [0, 0]), def.sizes("axis", 0)]);
    def.node("turned", "Transpose", [x, def.sizes("perm", [2, 0, 1])]);
    def.node("tiled", "Tile", [x, def.sizes("times", [3, 1, 2])]);
    def.node("all", "Sum", [x, def.sizes("axes", [0, 1, 2])]);
    def.node("most", "Max", [x, def.sizes("zero", [0])], { keep_dims: { b: true } });
    def.node("cells", "GatherNd", [x, def.weightless("cells/i", [2, 2], [0, 3, 0, 1])]);
    await all(def);
  });

  test("meets a constant of its own size there", async () => {
    const def = new GraphDef();
    const x = def.input("x", [1, 4, 3]);
    def.node("wide", "Mul", [x, def.weight("c", [2, 4, 3])]);
    def.node("higher", "AddV2", [x, def.weight("d", [2, 1, 4, 3])]);
    await all(def);
  });

  test("anchors of a detector: corners from centres and sizes", async () => {
    const def = new GraphDef();
    const x = def.input("x", [1, 6, 4]);
    const boxes = def.node("boxes", "Squeeze", [x], { squeeze_dims: integers(0) });
    const turned = def.node("turned", "Transpose", [boxes, def.sizes("perm", [1, 0])]);
    const [cy, cx, h, w] = [0, 1, 2, 3].map((i) => `parts:${i}`);
    def.node("parts", "Unpack", [turned], { num: { i: "4" }, axis: { i: "0" } });
    const half = (name: string, size: string) =>
      def.node(name, "Mul", [def.node(`${name}/e`, "Exp", [size]), def.weight(`${name}/c`, [6])]);
    const [dy, dx] = [half("dy", h), half("dx", w)];
    const corners = [
      def.node("y0", "Sub", [cy, dy]),
      def.node("x0", "Sub", [cx, dx]),
      def.node("y1", "AddV2", [cy, dy]),
      def.node("x1", "AddV2", [cx, dx]),
    ];
    def.node("out", "Transpose", [
      def.node("stack", "Pack", corners, { axis: { i: "0" } }),
      def.sizes("back", [1, 0]),
    ]);
    await all(def);
  });

  test("a batch that is open stays where it is", () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4, 3]);
    def.node("squeezed", "Squeeze", [def.node("max", "Max", [x, def.sizes("axis", [0])])]);
    def.node("turned", "Transpose", [x, def.sizes("perm", [1, 0, 2])]);
    expect(() => importModel(def.artifacts())).toThrow(UnsupportedError);
    expect(() => importModel(def.artifacts())).toThrow(
      "Max: axis 0, the batch, output turned: [4, null, 3], the batch not first",
    );
  });
});

describe("time first", () => {
  test("sums, products, parts and activations, there and back", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5, 3]);
    const turned = def.node("turned", "Transpose", [x, def.sizes("perm", [1, 0, 2])]);
    const sum = def.node("sum", "AddV2", [turned, def.weight("b", [3])]);
    const scaled = def.node("scaled", "Mul", [sum, def.weight("t", [5, 1, 3])]);
    const product = def.node("product", "BatchMatMulV2", [scaled, def.weight("w", [3, 4])]);
    const tail = def.node(
      "tail",
      "StridedSlice",
      [product, def.sizes("b0", [1]), def.sizes("e0", [0]), def.sizes("s0", [1])],
      { end_mask: { i: "1" } },
    );
    const mean = def.node("mean", "Mean", [turned, def.sizes("axis", [0])]);
    def.node("y", "Transpose", [def.node("tanh", "Tanh", [tail]), def.sizes("back", [1, 0, 2])]);
    def.node("z", "Relu", [mean]);
    const graph = await expectSameAsTfjs(def);
    expect(graph.nodes.map(({ op }) => op)).not.toContain("transpose");
  });

  test("heads of attention split and joined", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5, 6]);
    const turned = def.node("turned", "Transpose", [x, def.sizes("perm", [1, 0, 2])]);
    const shape = def.node("shape", "Shape", [turned]);
    const part = (i: number) =>
      def.node(
        `size${i}`,
        "StridedSlice",
        [shape, def.sizes(`b${i}`, [i]), def.sizes(`e${i}`, [i + 1]), def.sizes(`s${i}`, [1])],
        { shrink_axis_mask: { i: "1" } },
      );
    const sizes = def.node(
      "sizes",
      "Pack",
      [part(0), part(1), def.sizes("heads", 2), def.sizes("depth", 3)],
      {},
    );
    const heads = def.node("split", "Reshape", [turned, sizes]);
    def.node("y", "Transpose", [heads, def.sizes("order", [1, 2, 0, 3])]);
    await expectSameAsTfjs(def);
  });
});
