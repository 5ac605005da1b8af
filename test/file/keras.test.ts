/** Keras files that are none, or not whole, or made to harm. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { detectFormat, readArtifacts, readKeras } from "../../src/file/index.js";
import { importModel } from "../../src/graph/index.js";
import { functional3, input3, kernel3, layer3, operation3, sequential3, tensor3 } from "../keras/config.js";
import { hdf5, hdf5With, kerasHdf5, kerasZip, type Values } from "../keras/files.js";
import { seeded, smallFile } from "./fixtures.js";

const folder = join(import.meta.dirname, "../../../shared/models/keras");
const shared = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(?:h5|keras)$/.test(name)) : [];
if (shared.length === 0) console.log(`skipped: mutations of real Keras files, for ${folder} is absent`);

const kernel: Values = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
const bias: Values = { shape: [3], data: Float32Array.of(0.5, 0, -0.5) };
const config3 = sequential3("s", [
  input3("x", [2], "float32", false),
  layer3("Dense", "head", { units: 3, activation: "relu", ...kernel3 }),
]);
const zip = () =>
  kerasZip(config3, { datasets: { "layers/dense/vars/0": kernel, "layers/dense/vars/1": bias } });
const config2 = {
  class_name: "Sequential",
  config: {
    name: "s",
    layers: [
      {
        class_name: "Dense",
        config: { name: "d", units: 3, activation: "relu", use_bias: true, batch_input_shape: [null, 2] },
      },
    ],
  },
};
const file2 = () =>
  kerasHdf5(config2, {
    d: [
      ["d/kernel:0", kernel],
      ["d/bias:0", bias],
    ],
  });

const refused = (file: Uint8Array | Promise<Uint8Array>, code: string, message?: RegExp) =>
  expect((async () => readKeras(await file))()).rejects.toMatchObject({
    name: "FormatError",
    code,
    ...(message && { message: expect.stringMatching(message) }),
  });

describe("what is no Keras model is refused by what it is", () => {
  it("other bytes, other archives, other HDF5 files", async () => {
    await refused(new Uint8Array(0), "keras-file");
    await refused(new TextEncoder().encode("<!doctype html>"), "keras-file");
    await refused(zipSync({ "word/document.xml": new Uint8Array(3) }), "keras-config", /word\/document.xml/);
    await refused(hdf5({ datasets: { images: kernel } }), "keras-config", /images/);
    await refused(zipSync({ "config.json": new TextEncoder().encode("{") }), "keras-weights");
  });

  it("weights without an architecture, of Keras 2 and of Keras 3", async () => {
    await refused(
      hdf5({ groups: { "": { layer_names: ["d"] } } }),
      "keras-weights-only",
      /model\.save\("model\.keras"\)/,
    );
    await refused(hdf5({ datasets: { "layers/dense/vars/0": kernel } }), "keras-weights-only");
  });

  it("a configuration that is no JSON, or no model", async () => {
    const weights = await hdf5({});
    const with_ = (text: string) =>
      zipSync({ "config.json": new TextEncoder().encode(text), "model.weights.h5": weights });
    await refused(with_("{"), "keras-json");
    await refused(with_("[]"), "keras-model");
    await refused(with_("{}"), "keras-model");
    await refused(with_('{"class_name": "Sequential", "config": null}'), "keras-model");
    let deep: unknown = config2;
    for (let i = 0; i < 100; i++) deep = { class_name: "Sequential", config: { name: "s", layers: [deep] } };
    await refused(with_(JSON.stringify(deep)), "keras-model", /nested/);
    await refused(with_("[".repeat(200_000)), "keras-json");
  });

  it("layers without their weights, or with others", async () => {
    await refused(
      kerasZip(config3, { datasets: { "layers/dense/vars/0": kernel } }),
      "keras-model",
      /head.*bias.*vars\/1/,
    );
    await refused(
      kerasHdf5(config2, { d: [["d/kernel:0", kernel]] }),
      "keras-model",
      /d: wanted its 2 weights/,
    );
    await refused(kerasHdf5(config2, {}), "keras-model");
  });

  it("layers that someone wrote, all of them by name, and what else pare has not", async () => {
    const custom = {
      ...layer3("Dense", "mine", { units: 3 }),
      module: null,
      registered_name: "Custom>Dense",
    };
    const config = functional3(
      "f",
      [
        input3("x", [2]),
        { ...custom, name: "mine", inbound_nodes: [{ args: [tensor3("x")], kwargs: {} }] },
        layer3("Lambda", "lambda", { function: {} }, [[tensor3("mine")]]),
        layer3("MultiHeadAttention", "attention", { num_heads: 2 }, [[tensor3("lambda"), tensor3("lambda")]]),
        operation3("GetItem", "get_item", [tensor3("attention"), 0]),
        layer3("Dense", "head", { units: 3, activation: "my_function" }, [[tensor3("get_item")]]),
      ],
      ["x"],
      ["head"],
    );
    await expect(kerasZip(config, {}).then((bytes) => readKeras(bytes))).rejects.toMatchObject({
      name: "UnsupportedError",
      what: [
        "Custom>Dense",
        "Lambda",
        "MultiHeadAttention",
        "operation GetItem",
        "Dense: activation my_function",
      ],
    });
  });

  it("a Dropout that is told to act at inference", async () => {
    const call = { args: [tensor3("x")], kwargs: { training: true } };
    const config = functional3(
      "f",
      [
        input3("x", [2]),
        { ...layer3("Dropout", "drop", { rate: 0.5 }), name: "drop", inbound_nodes: [call] },
      ],
      ["x"],
      ["drop"],
    );
    await expect(kerasZip(config, {}).then((bytes) => readKeras(bytes))).rejects.toThrow(
      "Dropout with training=True",
    );
  });
});

describe("files that are made to harm end in a FormatError", () => {
  it("groups that hold themselves, and groups without end", async () => {
    const cycle = hdf5With((file) => {
      file.create_attribute("model_config", JSON.stringify(config2));
      const group = file.create_group("model_weights");
      group.create_hard_link("/model_weights", "again");
    });
    await refused(cycle, "hdf5-corrupt", /holds itself/);
    const deep = hdf5({ datasets: { [`layers${"/g".repeat(60)}/x`]: kernel } });
    const weights = await deep;
    const archive = zipSync({
      "config.json": new TextEncoder().encode(JSON.stringify(config3)),
      "model.weights.h5": weights,
    });
    await refused(archive, "hdf5-costly", /nested/);
  });

  it("a B-tree that leads to itself", async () => {
    const bytes = await hdf5(
      {
        groups: { "": { model_config: JSON.stringify(config2) } },
        datasets: { "model_weights/d/x": kernel },
      },
      "earliest",
    );
    const view = new DataView(bytes.buffer);
    let trees = 0;
    for (let at = 0; at + 8 < bytes.length; at++) {
      if (view.getUint32(at, true) !== 0x45455254) continue;
      trees++;
      const copy = bytes.slice();
      // One level higher, and its first child is itself.
      copy[at + 5] = 1;
      new DataView(copy.buffer).setBigUint64(at + 32, BigInt(at), true);
      await refused(copy, "hdf5-corrupt");
    }
    expect(trees).toBeGreaterThan(1);
  });

  it("shapes larger than what the file holds", async () => {
    const bytes = await file2();
    const view = new DataView(bytes.buffer);
    let shapes = 0;
    for (let at = 0; at + 16 < bytes.length; at++) {
      // The sizes [2, 3] of the kernel.
      if (view.getBigUint64(at, true) !== 2n || view.getBigUint64(at + 8, true) !== 3n) continue;
      // They stand there twice: what it may grow to follows, and says nothing of the data.
      if (shapes++ > 0) break;
      for (const size of [3n, 1_000_000_000n, 2n ** 52n, 2n ** 62n]) {
        const copy = bytes.slice();
        new DataView(copy.buffer).setBigUint64(at, size, true);
        await expect(readKeras(copy)).rejects.toMatchObject({ name: "FormatError" });
      }
    }
    expect(shapes).toBeGreaterThan(0);
  });

  /** Some bytes changed, most of them where the file says what lies where. */
  function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
    const marks = marksOf(bytes);
    const copy = bytes.slice();
    const view = new DataView(copy.buffer);
    const any = (count: number) => Math.floor(random() * count);
    for (let i = 1 + any(3); i > 0; i--) {
      const near = random() < 0.7 ? marks[any(marks.length)] : any(bytes.length);
      const at = Math.min(near + any(600), bytes.length - 9);
      const kind = random();
      if (kind < 0.4) copy[at] = any(256);
      else if (kind < 0.6) copy[at] ^= 1 << any(8);
      else if (kind < 0.8) copy.fill(random() < 0.5 ? 255 : 0, at, at + 1 + any(8));
      else view.setBigUint64(at, BigInt(marks[any(marks.length)]), true);
    }
    return random() < 0.05 ? copy.subarray(0, any(copy.length)) : copy;
  }

  const signatures = [
    "TREE",
    "SNOD",
    "HEAP",
    "GCOL",
    "OHDR",
    "FRHP",
    "BTHD",
    "PK\x03\x04",
    "PK\x01\x02",
    "PK\x05\x06",
    "\x89HDF",
  ];

  function marksOf(bytes: Uint8Array): readonly number[] {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return signatures.flatMap((signature) => {
      const found: number[] = [];
      for (
        let at = buffer.indexOf(signature, 0, "latin1");
        at >= 0;
        at = buffer.indexOf(signature, at + 1, "latin1")
      ) {
        found.push(at);
      }
      return found;
    });
  }

  const small: readonly (readonly [string, () => Promise<Uint8Array>])[] = [
    ["a .keras file", zip],
    ["a .h5 file", file2],
    [
      "its groups in B-trees",
      () =>
        hdf5(
          {
            groups: {
              "": { model_config: JSON.stringify(config2), layer_names: ["d"] },
              "model_weights/d": { weight_names: ["k"] },
            },
            datasets: { "model_weights/d/k": { ...kernel, chunks: [1, 2], compression: 6 } },
          },
          "earliest",
        ),
    ],
  ];
  const real = shared.map(
    (name) => [name, async () => new Uint8Array(readFileSync(join(folder, name)))] as const,
  );

  it.each([...small, ...real])("%s, mutated", { timeout: 120_000 }, async (name, open) => {
    const bytes = await open();
    const random = seeded(name.length);
    const rounds = bytes.length > 100_000 ? 60 : 1500;
    const seen = new Set<string>();
    for (let i = 0; i < rounds; i++) {
      const file = mutated(bytes, random);
      const start = performance.now();
      try {
        const artifacts = await readKeras(file);
        seen.add("read");
        expect(artifacts.weightData.length).toBeLessThanOrEqual(40 * file.length);
        try {
          importModel(artifacts);
        } catch (error) {
          expect(["GraphError", "RangeError", "TypeError", "UnsupportedError"]).toContain(
            (error as Error).name,
          );
        }
      } catch (error) {
        const { name: kind } = error as Error;
        if (kind !== "FormatError" && kind !== "UnsupportedError") throw error;
        seen.add(kind);
      }
      expect(performance.now() - start).toBeLessThan(5000);
    }
    expect(seen.size).toBeGreaterThan(1);
  });
});

it("is read from a server, whatever its name, and up to the cap of memory", async () => {
  const bytes = await zip();
  const fetch = async () => new Response(bytes as Uint8Array<ArrayBuffer>);
  const url = "https://example.com/models/42";
  const { sourceHash } = await readKeras(bytes);
  expect((await readArtifacts(url, { allowRemote: true, fetch })).sourceHash).toBe(sourceHash);
  expect((await readKeras(url, { allowRemote: true, fetch })).sourceHash).toBe(sourceHash);
  await expect(readArtifacts(url, { fetch })).rejects.toMatchObject({ code: "import-remote" });
  await expect(readArtifacts(url, { allowRemote: true, fetch, memoryCap: 1000 })).rejects.toMatchObject({
    code: "import-json-large",
  });
});

it("tells formats apart by their bytes", async () => {
  expect(detectFormat(await zip())).toBe("keras");
  expect(detectFormat(await file2())).toBe("keras");
  expect(detectFormat((await file2()).subarray(0, 16))).toBe("keras");
  expect(detectFormat(await smallFile())).toBe("pare");
  for (const text of ["{}", ' \n{"format": {}', '\ufeff{"a":"b"}']) {
    expect(detectFormat(new TextEncoder().encode(text))).toBe("tfjs");
  }
  for (const text of ["", "{", "[1]", "<html>", "1,2,3\n"]) {
    expect(detectFormat(new TextEncoder().encode(text))).toBe(text === "{" ? "tfjs" : undefined);
  }
});
