/** The file of a checkpoint: what is written is read, and nothing else is. */

import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { crc32 } from "../../src/file/crc32.js";
import { FormatError, readContainer, writeContainer } from "../../src/file/index.js";
import { decodeCheckpoint, encodeCheckpoint, fileCheckpoint } from "../../src/tfjs/checkpoint.js";
import { arrayIn, countIn, joinStates, numberIn, splitState } from "../../src/tfjs/state.js";

const about = { epochs: "4", model: '["Dense kernel 8x3"]' };
const state = {
  numbers: { "run/epoch": 3, "run/seconds": 0.1 + 0.2, worst: Number.POSITIVE_INFINITY, none: Number.NaN },
  arrays: {
    "run/order": Int32Array.of(2, 0, 1),
    "weights/0": Float32Array.of(-0, 1e-45, 3, Number.NaN, -1),
    "run/sums": Float64Array.of(1 / 3),
    worst: new Float32Array(),
  },
};
const file = encodeCheckpoint({ about, state });

test("gives back every bit, by the name it had", () => {
  const read = decodeCheckpoint(file);
  expect(read.about).toEqual(about);
  expect({ ...read.state.numbers }).toEqual(state.numbers);
  expect({ ...read.state.arrays }).toEqual(state.arrays);
  expect(Object.is(read.state.arrays?.["weights/0"][0], -0)).toBe(true);
  const shifted = new Uint8Array(file.length + 3);
  shifted.set(file, 3);
  expect({ ...decodeCheckpoint(shifted.subarray(3)).state.arrays }).toEqual(state.arrays);
});

test("is safetensors, and has the checksum of zip", () => {
  expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926); // the check value of its catalogue
  const { metadata, tensors } = readContainer(file);
  expect(metadata.format).toBe("pare checkpoint 1");
  expect(tensors.get("arrays/weights/0")).toMatchObject({ dtype: "F32", shape: [5] });
});

test("refuses a file with any byte changed, cut off anywhere, or longer", () => {
  for (let i = 0; i < file.length; i++) {
    const damaged = file.slice();
    damaged[i] ^= 1 << (i % 8);
    expect(() => decodeCheckpoint(damaged), `byte ${i}`).toThrow(FormatError);
    expect(() => decodeCheckpoint(file.subarray(0, i)), `${i} bytes`).toThrow(FormatError);
  }
  expect(() => decodeCheckpoint(new Uint8Array([...file, 0]))).toThrow(FormatError);
  const other = writeContainer([], { format: "pt" });
  expect(() => decodeCheckpoint(other)).toThrow('checkpoint: wanted "pare checkpoint 1", got "pt"');
  const last = file.slice();
  last[file.length - 1] ^= 1;
  expect(() => decodeCheckpoint(last)).toThrow(/checkpoint: wanted checksum [0-9a-f]{8}, got [0-9a-f]{8}/);
});

test("states are joined and split by prefix, and say what is missing", () => {
  const joined = joinStates({
    a: { numbers: { n: 1 } },
    ab: { numbers: { n: 2 }, arrays: { x: Int32Array.of(3) } },
  });
  expect({ ...joined.numbers }).toEqual({ "a/n": 1, "ab/n": 2 });
  expect(splitState(joined, "a")).toEqual({ numbers: { n: 1 }, arrays: {} });
  const split = splitState(joined, "ab");
  expect(arrayIn(split, "x", Int32Array, 1)).toEqual(Int32Array.of(3));
  expect(() => arrayIn(split, "x", Int32Array, 2)).toThrow("x: wanted Int32Array of 2, got Int32Array of 1");
  expect(() => arrayIn(split, "x", Float32Array)).toThrow("x: wanted Float32Array, got Int32Array of 1");
  expect(() => arrayIn(split, "y", Float32Array)).toThrow("y: wanted an array, got none");
  expect(() => numberIn(split, "m")).toThrow("m: wanted a number, got none");
  expect(() => countIn(split, "n", 1)).toThrow("n: wanted an integer in [0, 1], got 2");
});

test("lies in a file that is whole or not there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pare-checkpoint-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const store = fileCheckpoint(join(folder, "run.checkpoint"));
  expect(await store.load()).toBeUndefined();
  await store.save(file);
  await store.save(file);
  expect(await readdir(folder)).toEqual(["run.checkpoint"]);
  expect(await readFile(join(folder, "run.checkpoint"))).toEqual(Buffer.from(file));
  const read = decodeCheckpoint((await store.load()) as Uint8Array);
  expect(read.about).toEqual(about);
  expect({ ...read.state.numbers }).toEqual(state.numbers);
  expect({ ...read.state.arrays }).toEqual(state.arrays);
  await store.remove();
  await store.remove();
  expect(await readdir(folder)).toEqual([]);
  await writeFile(join(folder, "file"), "");
  await expect(fileCheckpoint(join(folder, "file", "run")).load()).rejects.toThrow("ENOTDIR");
});
