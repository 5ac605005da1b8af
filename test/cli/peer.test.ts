import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ModelArtifacts, saveModel } from "../../src/index.js";
import { GraphDef } from "../graph/graph-model.js";
import { noise } from "../graph/helpers.js";
import { pare, temporaryFolder, writeNpy } from "./support.js";

/** Two sums of an input of whole numbers, a sample at a time, under keys that are no names of nodes. */
function graphArtifacts(): ModelArtifacts {
  const def = new GraphDef();
  const input = def.input("in", [1, 4], "DT_INT32");
  const numbers = def.node("numbers", "Cast", [input], {
    SrcT: { type: "DT_INT32" },
    DstT: { type: "DT_FLOAT" },
  });
  def.node("wide", "MatMul", [numbers, def.weight("w5", [4, 5])]);
  def.node("narrow", "MatMul", [numbers, def.weight("w3", [4, 3])]);
  const { modelTopology, ...rest } = def.artifacts();
  const signature = {
    inputs: { "x:0": { name: "in:0" } },
    outputs: { second: { name: "narrow:0" }, "first:0": { name: "wide:0" } },
  };
  return { ...rest, modelTopology: { ...(modelTopology as object), versions: { producer: 1 } }, signature };
}

/** A convolution of pictures of any size, and the mean of each of its channels. */
function openArtifacts(): ModelArtifacts {
  const conv = {
    name: "conv",
    filters: 2,
    kernel_size: [3, 3],
    padding: "same",
    batch_input_shape: [null, null, null, 1],
  };
  const layers = [
    { class_name: "Conv2D", config: conv },
    { class_name: "GlobalAveragePooling2D", config: { name: "mean" } },
  ];
  return {
    modelTopology: { class_name: "Sequential", config: { name: "net", layers } },
    weightSpecs: [
      { name: "conv/kernel", shape: [3, 3, 1, 2], dtype: "float32" },
      { name: "conv/bias", shape: [2], dtype: "float32" },
    ],
    weightData: new Uint8Array(noise(20, 3).buffer as ArrayBuffer),
    format: "layers-model",
  };
}

type Outputs = Record<string, { readonly shape: number[]; readonly data: number[] }>;

async function outputsOf(...argv: string[]): Promise<Outputs> {
  const { code, out, err } = await pare(["run", ...argv]);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out).outputs;
}

async function expectSame(...argv: string[]): Promise<Outputs> {
  const [ours, theirs] = [await outputsOf(...argv), await outputsOf(...argv, "--engine", "tfjs")];
  expect(Object.keys(theirs)).toEqual(Object.keys(ours));
  for (const [name, { shape, data }] of Object.entries(ours)) {
    expect(theirs[name].shape).toEqual(shape);
    for (const [i, value] of data.entries()) expect(theirs[name].data[i]).toBeCloseTo(value, 4);
  }
  return ours;
}

test("a graph model on tfjs: names of its signature, whole numbers, a batch that is fixed", async () => {
  const folder = await temporaryFolder();
  const model = await saveModel(folder, graphArtifacts());
  const [data, file] = [join(folder, "x.npy"), join(folder, "net.pare")];
  const numbers = Float32Array.from({ length: 70 * 4 }, (_, i) => i % 7);
  await writeNpy(data, { shape: [70, 4], data: numbers, dtype: "float32" });
  const outputs = await expectSame(model, "--input", data);
  expect(Object.values(outputs).map(({ shape }) => shape)).toEqual([
    [70, 3],
    [70, 5],
  ]);

  await pare(["compress", model, "-o", file, "--precision", "f32"]);
  const argv = ["bench", model, file, "--data", data, "--batch", "2", "--rounds", "3", "--json"];
  const { code, out, err } = await pare(argv);
  expect([code, err]).toEqual([0, ""]);
  for (const { relativeRms } of JSON.parse(out).agreement) expect(relativeRms).toBeLessThan(1e-5);
});

test("sizes that are open come from --input-shape, and from the file for bench", async () => {
  const folder = await temporaryFolder();
  const model = await saveModel(folder, openArtifacts());
  const [data, file] = [join(folder, "x.npy"), join(folder, "net.pare")];
  await writeNpy(data, { shape: [3, 6, 5, 1], data: noise(90, 1), dtype: "float32" });
  const sizes = ["--input-shape", "conv_input=6,5,1"];
  await expectSame(model, "--input", data, ...sizes);
  for (const engine of ["pare", "tfjs"]) {
    const { code, err } = await pare(["run", model, "--input", data, "--engine", engine]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/give the sizes: --input-shape conv_input=size,size,1$/m),
    ]);
  }

  await pare(["compress", model, "-o", file, "--precision", "f32", ...sizes]);
  const { out, err } = await pare(["bench", model, file, "--data", data, "--rounds", "3", "--json"]);
  expect(err).toBe("");
  expect(JSON.parse(out).agreement[0].relativeRms).toBeLessThan(1e-5);
});

const blazeface = "../shared/models/blazeface-graph/model.json";
const isHere = existsSync(blazeface);
if (!isHere) console.log(`skipped: BlazeFace on both engines, ${blazeface} is absent`);

test.skipIf(!isHere)("BlazeFace gives the same on both engines", async () => {
  const data = join(await temporaryFolder(), "x.npy");
  await writeNpy(data, { shape: [2, 256, 256, 3], data: noise(2 * 256 * 256 * 3, 1), dtype: "float32" });
  const outputs = await expectSame(blazeface, "--input", data);
  expect(Object.keys(outputs)).toHaveLength(4);
});
