/** One convolution, u7 planes in and out, against tfjs' f32 convolution of the same real numbers. */

import type { Tensor } from "@tensorflow/tfjs";
import { createRandom } from "../../src/data/index.js";
import type { Graph, Node, QuantParams, Weight } from "../../src/graph/index.js";
import { inferShapes } from "../../src/graph/index.js";
import { createStore } from "../../src/kernels/products.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { createKernels } from "../../src/kernels.js";
import { createModel } from "../../src/runtime/index.js";
import { Lowering } from "../../src/runtime/lowering.js";
import { lowerNode } from "../../src/runtime/ops/index.js";
import { type Buffer, placeBuffers } from "../../src/runtime/place.js";
import { openEngine } from "../../src/wasm/index.js";
import type { Contest, TimeCase } from "../contest.js";
import { reluCodes } from "../data.js";
import { matchAll, matchExact, matchWithin } from "../match.js";
import type { Row } from "../report.js";
import { computingSide, openTfjs, readTensor } from "../tfjs.js";

interface Convolution {
  readonly op: "conv2d" | "depthwiseConv2d";
  readonly size: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly zeros: number;
  readonly pattern?: "1x4";
}

const pointwise = { op: "conv2d", size: 1, height: 14, width: 14, inputs: 256, outputs: 256 } as const;
const ordinary = { op: "conv2d", size: 3, height: 14, width: 14, inputs: 128, outputs: 128 } as const;

const convolutions: readonly Convolution[] = [
  { ...pointwise, zeros: 0 },
  { ...pointwise, zeros: 75, pattern: "1x4" },
  { ...pointwise, zeros: 90, pattern: "1x4" },
  { ...ordinary, zeros: 0 },
  { ...ordinary, zeros: 75, pattern: "1x4" },
  { ...ordinary, zeros: 90, pattern: "1x4" },
  { op: "depthwiseConv2d", size: 3, height: 56, width: 56, inputs: 64, outputs: 64, zeros: 0 },
];

export const convolutionCases: readonly TimeCase[] = convolutions.map((convolution) => ({
  suite: "kernels",
  name: convolutionName(convolution),
  subject: "pare",
  peer: "tfjs-wasm f32",
  prepare: () => prepare(convolution),
}));

function convolutionName(convolution: Convolution): string {
  const { op, size, height, width, inputs, outputs, zeros, pattern } = convolution;
  const shape = `${height}x${width}x${inputs}`;
  const what =
    op === "conv2d" ? `conv${size}x${size} ${shape}->${outputs}` : `dwconv${size}x${size} ${shape}`;
  return `${what} s${zeros}${pattern ? ` ${pattern}` : ""}`;
}

const dense1x1 = convolutionName({ ...pointwise, zeros: 0 });

/** What was timed, and int8 products a cycle of the dense pointwise row. */
export function convolutionNote(rows: readonly Row[]): string {
  const note =
    "convolutions: u7 planes in and out as between two layers of a model, padding, bias, requantize and relu included. " +
    "tfjs: fused.conv2d / fused.depthwiseConv2d, same padding, relu, tensors made beforehand, result not read.";
  const row = rows.find((each) => each.case === dense1x1);
  if (row === undefined || row.suite === "size" || row.subjectMs === null) return note;
  const { height, width, inputs, outputs } = pointwise;
  const hertz = clockHertz();
  const perCycle = (height * width * inputs * outputs) / (row.subjectMs / 1e3) / hertz;
  return (
    `${note} ${dense1x1}: ${perCycle.toFixed(1)} MACs a cycle at ${(hertz / 1e9).toFixed(2)} GHz, by the time of dependent ` +
    "32-bit multiplications of 3 cycles each."
  );
}

/**
 * Cycles a second: an x86 or Arm core multiplies two integers in 3 cycles, and these wait for each other. By a small
 * number the compiler would add and shift instead.
 */
function clockHertz(): number {
  const count = 20_000_000;
  let best = 0;
  let value = 3;
  for (let turn = 0; turn < 5; turn++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) value = Math.imul(value, 1_664_525);
    const seconds = (performance.now() - start) / 1e3;
    best = Math.max(best, (3 * count) / seconds);
  }
  if (value === 0) throw new Error("clock: an odd product was 0");
  return best;
}

const x: QuantParams = { scale: 1 / 32, zero: 0 };

async function prepare(convolution: Convolution): Promise<Contest> {
  const { op, size, height, width, inputs, outputs, zeros, pattern } = convolution;
  const kernels = createKernels();
  const random = createRandom(3);
  const isDeep = op === "depthwiseConv2d";
  const shape = [size, size, inputs, isDeep ? 1 : outputs];
  const spread = Math.sqrt(2 / (size * size * (isDeep ? 1 : inputs)));
  const real = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    random.normal(0, spread),
  );
  if (pattern) {
    const taps = { inputs: size * size * inputs, outputs };
    kernels.pruneBlocks(real, { ...taps, pattern, sparsity: zeros / 100 });
  }
  const scale = kernels.absMax(real, { channels: outputs }).map((most) => most / 127);
  const { codes } = kernels.quantize(real, { divisor: scale, rounding: "halfEven" });
  const rounded = Float32Array.from(codes, (code, i) => code * scale[i % outputs]);
  const input = Float32Array.from(reluCodes(height * width * inputs, 2), (code) => code * x.scale);

  const tf = await openTfjs();
  const left = tf.tensor4d(input, [1, height, width, inputs]);
  const right = tf.tensor4d(rounded, shape as [number, number, number, number]);
  const config = { x: left, filter: right, strides: 1, pad: "same", activation: "relu" } as const;
  const peer = (): Tensor => (isDeep ? tf.fused.depthwiseConv2d(config) : tf.fused.conv2d(config));
  const wanted = readTensor(peer());
  const y: QuantParams = { scale: wanted.reduce((most, value) => Math.max(most, value), 0) / 127, zero: 0 };

  const kernel: Weight = { dtype: "s8", shape, data: codes, scale };
  const graph = graphOf(convolution, kernel, y);
  const { run, result } = plan(graph, input);
  run();
  using reference = createModel(graph, { variant: "reference" });
  return {
    match: matchAll(
      matchExact("reference", result(), reference.run(input).y),
      // Half a step is what rounding to u7 may cost; the rest is tfjs' own rounding in f32.
      matchWithin("tfjs", result(), wanted, 0.51 * y.scale),
    ),
    subject: { name: "pare", run },
    peer: computingSide("tfjs-wasm f32", peer),
    dispose: () => tf.dispose([left, right]),
  };
}

function graphOf({ op, size, height, width, inputs }: Convolution, kernel: Weight, y: QuantParams): Graph {
  const pad = size >> 1;
  const node: Node = {
    name: "y",
    op,
    inputs: ["x"],
    weights: { kernel: "kernel" },
    attrs: { strides: [1, 1], dilations: [1, 1], padding: [pad, pad, pad, pad], activation: "relu" },
  };
  return {
    inputs: [{ name: "x", shape: [null, height, width, inputs] }],
    outputs: [{ name: "y", value: "y" }],
    nodes: [node],
    weights: new Map([["kernel", kernel]]),
    quant: new Map([
      ["x", x],
      ["y", y],
    ]),
  };
}

/** The steps of the only node by themselves, its input in planes already. */
function plan(graph: Graph, input: Float32Array) {
  const { heap, kernels, variant } = openEngine(runtimeSet);
  const constants = createStore(heap);
  const lowering = new Lowering({
    graph,
    shapes: inferShapes(graph),
    batch: 1,
    kernels,
    heap,
    variant,
    constants,
    own: constants,
  });
  const from = lowering.f32("x");
  lowering.c4("x");
  const before = lowering.steps.length;
  lowerNode(lowering, graph.nodes[0]);
  const after = lowering.steps.length;
  const out = lowering.f32("y");
  // Nothing shares memory: steps run again and again, and not in turn.
  const buffers = new Set(lowering.steps.flatMap(({ reads, writes }) => [...reads, ...writes]));
  const { offsets, bytes } = placeBuffers(lowering.steps, [...buffers]);
  const arena = heap.alloc(bytes);
  heap.u8(arena, bytes).fill(0);
  const at = (buffer: Buffer) => arena + (offsets.get(buffer) as number);
  const calls = lowering.steps.map((step) => step.bind(at));
  heap.f32(at(from), input.length).set(input);
  for (const call of calls.slice(0, before)) call();
  const own = calls.slice(before, after);
  return {
    run() {
      for (const call of own) call();
    },
    result() {
      for (const call of calls.slice(after)) call();
      return heap.f32(at(out), out.bytes / 4).slice();
    },
  };
}
