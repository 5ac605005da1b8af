/** Loops of TensorFlow 1 and 2 whose count is known, against tfjs; those that are refused, and how. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, simplify, UnsupportedError } from "../../src/graph/index.js";
import { expectSameAsTfjs, GraphDef, type Json, text } from "./graph-model.js";

beforeAll(() => tf.setBackend("cpu"));

const int32 = { T: { type: "DT_INT32" } };

interface Variable {
  readonly name: string;
  readonly start: string;
  /** What it becomes, of the names of all variables in this round. */
  readonly next: (now: Readonly<Record<string, string>>) => string;
}

/** A loop as TensorFlow 1 writes it; what each variable is in the end is "name/exit". */
function addLoop(
  def: GraphDef,
  frame: Json,
  variables: readonly Variable[],
  test_: (now: Readonly<Record<string, string>>) => string,
): void {
  const named = (of: (name: string) => string) =>
    Object.fromEntries(variables.map(({ name }) => [name, of(name)]));
  for (const { name, start } of variables) {
    def.node(`${name}/enter`, "Enter", [start], { ...frame, is_constant: { b: false } });
    def.node(`${name}/merge`, "Merge", [`${name}/enter`, `${name}/next`]);
  }
  const condition = def.node("loop/cond", "LoopCond", [test_(named((name) => `${name}/merge`))]);
  for (const { name } of variables) def.node(`${name}/switch`, "Switch", [`${name}/merge`, condition]);
  const now = named((name) => `${name}/now`);
  for (const { name } of variables) def.node(`${name}/now`, "Identity", [`${name}/switch:1`]);
  for (const { name, next } of variables) def.node(`${name}/next`, "NextIteration", [next(now)]);
  for (const { name } of variables) def.node(`${name}/exit`, "Exit", [`${name}/switch`]);
}

const frame = { frame_name: text("while_context"), parallel_iterations: { i: "32" } };

/** x = tanh(x w) some times. */
function tanhLoop(times: number, attr: Json = frame): GraphDef {
  const def = new GraphDef();
  const x = def.input("x", [-1, 4]);
  const limit = def.node("limit/enter", "Enter", [def.sizes("limit", times)], {
    ...attr,
    is_constant: { b: true },
  });
  const weight = def.node("w/enter", "Enter", [def.weight("w", [4, 4])], {
    ...attr,
    is_constant: { b: true },
  });
  const variables: readonly Variable[] = [
    {
      name: "i",
      start: def.sizes("zero", 0),
      next: ({ i }) => def.node("more", "AddV2", [i, def.sizes("one", 1)], int32),
    },
    {
      name: "v",
      start: x,
      next: ({ v }) => def.node("tanh", "Tanh", [def.node("product", "MatMul", [v, weight])]),
    },
  ];
  addLoop(def, attr, variables, ({ i }) => def.node("less", "Less", [i, limit]));
  def.node("y", "Identity", ["v/exit"]);
  return def;
}

/** Only what y needs: tfjs takes what nobody reads for outputs. */
function pruned(def: GraphDef): GraphDef {
  const unread = new Set(["i/exit"]);
  const kept = def.nodes.filter(({ name }) => !unread.has(name));
  def.nodes.length = 0;
  def.nodes.push(...kept);
  return def;
}

describe("TensorFlow 1", () => {
  test.each([0, 1, 3])("%i times", async (times) => {
    const graph = await expectSameAsTfjs(pruned(tanhLoop(times)));
    expect(graph.nodes.filter(({ attrs }) => attrs.fn === "tanh")).toHaveLength(times);
    // One weight for all of them.
    expect(graph.weights.size).toBe(Math.min(times, 1));
  });

  test("as often as a sequence is long, from one TensorArray into another", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 5, 3]);
    const turned = def.node("turned", "Transpose", [x, def.sizes("perm", [1, 0, 2])]);
    const shape = def.node("shape", "Shape", [turned]);
    const one = { shrink_axis_mask: { i: "1" } };
    const size = def.node(
      "size",
      "StridedSlice",
      [shape, def.sizes("b", [0]), def.sizes("e", [1]), def.sizes("s", [1])],
      one,
    );
    const range = def.node("range", "Range", [def.sizes("r0", 0), size, def.sizes("r1", 1)]);
    const array = {
      dtype: { type: "DT_FLOAT" },
      dynamic_size: { b: false },
      clear_after_read: { b: true },
      identical_element_shapes: { b: true },
      element_shape: { shape: { unknownRank: true } },
    };
    def.node("in", "TensorArrayV3", [size], array);
    const filled = def.node("filled", "TensorArrayScatterV3", ["in", range, turned, "in:1"]);
    def.node("out", "TensorArrayV3", [size], array);
    const enter = (name: string) =>
      def.node(`${name}/constant`, "Enter", [name], { ...frame, is_constant: { b: true } });
    const [limit, source, flow, target] = [enter(size), enter("in"), enter(filled), enter("out")];
    const weight = enter(def.weight("w", [3, 3]));
    const variables: readonly Variable[] = [
      {
        name: "i",
        start: def.sizes("zero", 0),
        next: ({ i }) => def.node("more", "AddV2", [i, def.sizes("one", 1)], int32),
      },
      {
        name: "h",
        start: def.node("h0", "ZerosLike", [def.node("first", "Mean", [turned, def.sizes("axis", 0)])]),
        next: ({ i, h }) => {
          const read = def.node("read", "TensorArrayReadV3", [source, i, flow], {
            dtype: { type: "DT_FLOAT" },
          });
          const product = def.node("product", "MatMul", [h, weight]);
          return def.node("state", "Tanh", [def.node("sum", "AddV2", [read, product])]);
        },
      },
      {
        name: "flow",
        start: "out:1",
        next: ({ i, flow: now }) => def.node("write", "TensorArrayWriteV3", [target, i, "state", now]),
      },
    ];
    addLoop(def, frame, variables, ({ i }) => def.node("less", "Less", [i, limit]));
    const count = def.node("count", "TensorArraySizeV3", ["out", "flow/exit"]);
    const all = def.node("all", "Range", [def.sizes("a0", 0), count, def.sizes("a1", 1)]);
    const states = def.node("states", "TensorArrayGatherV3", ["out", all, "flow/exit"], {
      dtype: { type: "DT_FLOAT" },
      element_shape: { shape: { unknownRank: true } },
    });
    def.node("y", "Transpose", [states, def.sizes("back", [1, 0, 2])]);
    def.node("last", "Identity", ["h/exit"]);
    const graph = await expectSameAsTfjs(pruned(def));
    expect(graph.nodes.filter(({ attrs }) => attrs.fn === "tanh")).toHaveLength(5);
  });

  test("one loop in another", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 3]);
    const inner = { ...frame, frame_name: text("inner") };
    const counter = (name: string, attr: Json, times: number, start = def.sizes(`${name}/zero`, 0)) => {
      const constant = (key: string, value: string) =>
        def.node(key, "Enter", [value], { ...attr, is_constant: { b: true } });
      def.node(`${name}/enter`, "Enter", [start], attr);
      def.node(`${name}/merge`, "Merge", [`${name}/enter`, `${name}/next`]);
      const less = def.node(`${name}/less`, "Less", [
        `${name}/merge`,
        constant(`${name}/limit`, def.sizes(`${name}/times`, times)),
      ]);
      def.node(`${name}/cond`, "LoopCond", [less]);
      def.node(`${name}/switch`, "Switch", [`${name}/merge`, `${name}/cond`]);
      def.node(`${name}/more`, "AddV2", [`${name}/switch:1`, def.sizes(`${name}/one`, 1)], int32);
      def.node(`${name}/next`, "NextIteration", [`${name}/more`]);
    };
    counter("i", frame, 2);
    def.node("v/enter", "Enter", [x], frame);
    def.node("v/merge", "Merge", ["v/enter", "v/next"]);
    def.node("v/switch", "Switch", ["v/merge", "i/cond"]);
    const zero = def.node("j/zero/enter", "Enter", [def.sizes("jzero", 0)], {
      ...frame,
      is_constant: { b: true },
    });
    counter("j", inner, 3, zero);
    def.node("u/enter", "Enter", ["v/switch:1"], inner);
    def.node("u/merge", "Merge", ["u/enter", "u/next"]);
    def.node("u/switch", "Switch", ["u/merge", "j/cond"]);
    def.node("u/tanh", "Tanh", ["u/switch:1"]);
    def.node("u/next", "NextIteration", ["u/tanh"]);
    def.node("u/exit", "Exit", ["u/switch"]);
    def.node("v/relu", "Elu", ["u/exit"]);
    def.node("v/next", "NextIteration", ["v/relu"]);
    def.node("v/exit", "Exit", ["v/switch"]);
    def.node("y", "Identity", ["v/exit"]);
    const graph = importModel(def.artifacts());
    expect(graph.nodes.map(({ attrs }) => attrs.fn)).toEqual([
      "tanh",
      "tanh",
      "tanh",
      "elu",
      "tanh",
      "tanh",
      "tanh",
      "elu",
    ]);
  });

  const refused = (def: GraphDef): readonly string[] => {
    try {
      importModel(def.artifacts());
    } catch (error) {
      if (error instanceof UnsupportedError) return error.what;
      throw error;
    }
    return [];
  };
  const control = ["Enter", "Exit", "Less", "LoopCond", "Merge", "NextIteration", "Switch"];

  test("a loop without a frame is told by its nodes, with all else that is missing", () => {
    const def = tanhLoop(3, {});
    def.node("odd", "Sin", ["x"]);
    expect([...refused(def)].sort()).toEqual([...control, "Sin"].sort());
  });

  test("so is one whose count an input decides, with what is missing in its body", () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 4]);
    const variables = [
      { name: "v", start: x, next: ({ v }: Readonly<Record<string, string>>) => def.node("sin", "Sin", [v]) },
    ];
    addLoop(def, frame, variables, ({ v }) =>
      def.node("less", "Less", [def.node("mean", "Mean", [v, def.sizes("axis", [1])]), def.weight("c", [])]),
    );
    expect([...refused(def)].sort()).toEqual(["Mean", "Sin", ...control].sort());
  });

  test("and one that goes round too often, in little time", () => {
    expect(refused(tanhLoop(2_000_000_000))).toEqual([
      "loop while_context: more than 5000 nodes once unrolled",
    ]);
    const def = new GraphDef();
    const next = ({ i }: Readonly<Record<string, string>>) => def.node("same", "Identity", [i]);
    addLoop(def, frame, [{ name: "i", start: def.sizes("zero", 0), next }], ({ i }) =>
      def.node("less", "Less", [i, def.sizes("one", 1)]),
    );
    def.node("y", "AddV2", [
      def.input("x", [-1, 2]),
      def.node("real", "Cast", ["i/exit"], { DstT: { type: "DT_FLOAT" } }),
    ]);
    expect(refused(def)).toEqual(["loop while_context: more than 5000 times round"]);
  });

  test("property: any count, step and start that are known", async () => {
    const loop = fc.record({
      from: fc.integer({ min: -3, max: 3 }),
      to: fc.integer({ min: -3, max: 8 }),
      step: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(loop, async ({ from, to, step }) => {
        const def = new GraphDef();
        const x = def.input("x", [-1, 3]);
        const limit = def.node("limit/enter", "Enter", [def.sizes("limit", to)], {
          ...frame,
          is_constant: { b: true },
        });
        const variables: readonly Variable[] = [
          {
            name: "i",
            start: def.sizes("from", from),
            next: ({ i }) => def.node("more", "AddV2", [i, def.sizes("step", step)], int32),
          },
          {
            name: "v",
            start: x,
            next: ({ i, v }) => {
              const real = def.node("real", "Cast", [i], {
                SrcT: { type: "DT_INT32" },
                DstT: { type: "DT_FLOAT" },
              });
              return def.node("tanh", "Tanh", [def.node("sum", "AddV2", [v, real])]);
            },
          },
        ];
        addLoop(def, frame, variables, ({ i }) => def.node("less", "LessEqual", [i, limit]));
        def.node("y", "Neg", ["v/exit"]);
        const graph = await expectSameAsTfjs(pruned(def));
        const times = Math.max(0, Math.floor((to - from) / step) + 1);
        expect(graph.nodes.filter(({ attrs }) => attrs.fn === "tanh")).toHaveLength(times);
      }),
      { numRuns: 15 },
    );
  });
});

describe("TensorFlow 2", () => {
  const argument = (name: string, type: string) => ({ name, type });
  const node = (name: string, op: string, input: readonly string[], attr: Json = {}) => ({
    name,
    op,
    input,
    attr,
  });

  /** A Keras LSTM as the converter writes it: a time-major loop over lists. */
  function lstm(units: number, time: number, hasSequences: boolean): GraphDef {
    const def = new GraphDef();
    const depth = 3;
    const x = def.input("x", [-1, time, depth]);
    const turned = def.node("turned", "Transpose", [x, def.sizes("perm", [1, 0, 2])]);
    const [zero, one, two] = [0, 1, 2].map((i) => def.sizes(`at${i}`, [i]));
    const shrink = { shrink_axis_mask: { i: "1" } };
    const shape = def.node("shape", "Shape", [turned]);
    const steps = def.node("steps", "StridedSlice", [shape, zero, one, one], shrink);
    const batch = def.node("batch", "StridedSlice", [shape, one, two, one], shrink);
    const sizes = def.node("sizes", "Pack", [batch, def.sizes("units", units)], { axis: { i: "0" } });
    const [h0, c0] = ["h0", "c0"].map((name) =>
      def.node(name, "Fill", [sizes, def.weight(`${name}/zero`, [], [0])]),
    );
    const element = def.sizes("element", [-1, depth]);
    const list = def.node("list", "TensorListFromTensor", [turned, element], {
      element_dtype: { type: "DT_FLOAT" },
    });
    const out = def.node(
      "out",
      "TensorListReserve",
      [def.sizes("outShape", [-1, units]), hasSequences ? steps : def.sizes("single", 1)],
      { element_dtype: { type: "DT_FLOAT" } },
    );
    const weights = [
      def.weight("w", [depth, 4 * units]),
      def.weight("u", [units, 4 * units]),
      def.weight("b", [4 * units]),
    ];
    const names = ["i", "n", "out", "h", "c", "list", "w", "u", "b"];
    const types = names.map((name) => (name === "i" || name === "n" ? "DT_INT32" : "DT_FLOAT"));
    const inputArg = names.map((name, i) => argument(name, types[i]));
    def.functions.push({
      signature: { name: "cond", inputArg, outputArg: [argument("going", "DT_BOOL")] },
      nodeDef: [node("less", "Less", ["i", "n"])],
      ret: { going: "less:z:0" },
    });
    def.sizes("body/one", 1);
    def.sizes("body/axis", 1);
    def.weightless("body/zero", [], [0]);
    def.sizes("body/element", [-1, depth]);
    for (const name of ["body/one", "body/axis", "body/zero", "body/element"]) {
      const at = def.nodes.findIndex((each) => each.name === name);
      def.nodes.splice(at, 1);
    }
    const constant = (name: string) => node(name, "Const", [], { dtype: { type: "DT_INT32" } });
    const fused = { fused_ops: { list: { s: [] } } };
    def.functions.push({
      signature: {
        name: "body",
        inputArg,
        outputArg: names.map((name, i) => argument(`${name}_out`, types[i])),
      },
      nodeDef: [
        ...["body/one", "body/axis", "body/zero", "body/element"].map(constant),
        node("xt", "TensorListGetItem", ["list", "i", "body/element:output:0"], {
          element_dtype: { type: "DT_FLOAT" },
        }),
        node("xw", "MatMul", ["xt:item:0", "w"], fused),
        node("hu", "MatMul", ["h", "u"], fused),
        node("sum", "AddV2", ["xw:product:0", "hu:product:0"]),
        node("gates", "BiasAdd", ["sum:z:0", "b"]),
        node("split", "Split", ["body/axis:output:0", "gates:output:0"], { num_split: { i: "4" } }),
        node("input", "Sigmoid", ["split:output:0"]),
        node("forget", "Sigmoid", ["split:output:1"]),
        node("candidate", "Tanh", ["split:output:2"]),
        node("output", "Sigmoid", ["split:output:3"]),
        node("kept", "Mul", ["forget:y:0", "c"]),
        node("added", "Mul", ["input:y:0", "candidate:y:0"]),
        node("c1", "AddV2", ["kept:z:0", "added:z:0"]),
        node("shown", "Tanh", ["c1:z:0"]),
        node("h1", "Mul", ["output:y:0", "shown:y:0"]),
        node("set", "TensorListSetItem", ["out", hasSequences ? "i" : "body/zero:output:0", "h1:z:0"], {
          element_dtype: { type: "DT_FLOAT" },
        }),
        node("more", "AddV2", ["i", "body/one:output:0"]),
      ],
      ret: {
        i_out: "more:z:0",
        n_out: "n",
        out_out: "set:output_handle:0",
        h_out: "h1:z:0",
        c_out: "c1:z:0",
        list_out: "list",
        w_out: "w",
        u_out: "u",
        b_out: "b",
      },
    });
    const start = [def.sizes("i0", 0), steps, out, h0, c0, list, ...weights];
    const loop = def.node("loop", "StatelessWhile", start, {
      cond: { func: { name: "cond" } },
      body: { func: { name: "body" } },
    });
    const stacked = def.node(
      "stacked",
      "TensorListStack",
      [`${loop}:2`, def.sizes("stackShape", [-1, units])],
      { element_dtype: { type: "DT_FLOAT" }, num_elements: { i: hasSequences ? `${time}` : "1" } },
    );
    if (hasSequences) def.node("y", "Transpose", [stacked, def.sizes("back", [1, 0, 2])]);
    else def.node("y", "Squeeze", [stacked], { squeeze_dims: { list: { i: ["0"] } } });
    def.node("state", "Identity", [`${loop}:3`]);
    return def;
  }

  test.each([true, false])("a Keras LSTM, sequences %s", async (hasSequences) => {
    const graph = await expectSameAsTfjs(lstm(4, 6, hasSequences));
    expect(simplify(graph).nodes.filter(({ op }) => op === "dense").length).toBeLessThanOrEqual(11);
    expect(graph.nodes.some(({ op }) => op === "transpose")).toBe(false);
  });

  test("a body that is not there, and one that calls itself", () => {
    const def = lstm(4, 6, true);
    const loop = def.nodes.find(({ op }) => op === "StatelessWhile") as { attr: Json };
    loop.attr = { cond: { func: { name: "cond" } }, body: { func: { name: "lost" } } };
    expect(() => importModel(def.artifacts())).toThrow(
      "node loop: calls lost, which is no function of the model",
    );
    const again = lstm(4, 6, true);
    const body = again.functions[1] as { nodeDef: Json[] };
    body.nodeDef.push({
      name: "self",
      op: "While",
      input: ["i", "n", "out", "h", "c", "list", "w", "u", "b"],
      attr: { cond: { func: { name: "cond" } }, body: { func: { name: "body" } } },
    });
    (again.functions[1] as { ret: Json }).ret = {
      ...(again.functions[1] as { ret: Json }).ret,
      h_out: "self:output:3",
    };
    expect(() => importModel(again.artifacts())).toThrow(/functions 16 deep|more than/);
  });

  test("If, where it is known which branch", async () => {
    const def = new GraphDef();
    const x = def.input("x", [-1, 3]);
    for (const [name, op] of [
      ["yes", "Tanh"],
      ["no", "Relu"],
    ]) {
      def.functions.push({
        signature: { name, inputArg: [argument("v", "DT_FLOAT")], outputArg: [argument("w", "DT_FLOAT")] },
        nodeDef: [node("f", op, ["v"])],
        ret: { w: "f:y:0" },
      });
    }
    const less = def.node("less", "Less", [def.sizes("one", 1), def.sizes("two", 2)]);
    def.node("y", "StatelessIf", [less, x], {
      then_branch: { func: { name: "yes" } },
      else_branch: { func: { name: "no" } },
    });
    const graph = importModel(def.artifacts());
    expect(graph.nodes.map(({ attrs }) => attrs.fn)).toEqual(["tanh"]);
  });
});
