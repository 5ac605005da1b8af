import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readArtifacts } from "../../src/file/index.js";
import { expectCode } from "./fixtures.js";

let folder: string;
let source: string;
beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "pare-artifacts-")), "model");
  await mkdir(folder);
  source = join(folder, "model.json");
});
afterEach(() => rm(dirname(folder), { recursive: true }));

const spec = { name: "w", shape: [2, 3], dtype: "float32" };

async function write(manifest: unknown, files: Record<string, number> = {}): Promise<void> {
  await writeFile(source, JSON.stringify({ modelTopology: { model_config: {} }, weightsManifest: manifest }));
  for (const [name, length] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(
      join(folder, name),
      Uint8Array.from({ length }, (_, i) => i),
    );
  }
}

const group = (paths: unknown[], ...weights: unknown[]) => [
  { paths, weights: weights.length ? weights : [spec] },
];

describe("readArtifacts", () => {
  it("reads shards of several groups, without extension and in folders below", async () => {
    await write(
      [
        ...group(["group1-shard1of2", "sub/b.bin"]),
        ...group(["c"], { name: "b", shape: [], dtype: "int32" }),
      ],
      { "group1-shard1of2": 20, "sub/b.bin": 4, c: 4 },
    );
    for (const from of [source, pathToFileURL(source).href]) {
      const { weightData, weightSpecs, sourceHash, modelTopology } = await readArtifacts(from);
      expect([...weightData]).toEqual([...Array(20).keys(), 0, 1, 2, 3, 0, 1, 2, 3]);
      expect(weightData.byteOffset % 8).toBe(0);
      expect(weightSpecs.map(({ name }) => name)).toEqual(["w", "b"]);
      expect(modelTopology).toEqual({ model_config: {} });
      const hash = createHash("sha256");
      for (const name of ["model.json", "group1-shard1of2", "sub/b.bin", "c"]) {
        hash.update(await readFile(join(folder, name)));
      }
      expect(sourceHash).toBe(hash.digest("hex"));
    }
  });

  it("counts the bytes of weights that are quantized in the file", async () => {
    const quantized = (dtype: string) => ({
      ...spec,
      quantization: { dtype, scale: 0.1, min: -1, original_dtype: "float32" },
    });
    for (const [dtype, bytes] of [
      ["uint8", 6],
      ["uint16", 12],
      ["float16", 12],
    ] as const) {
      await write(group(["a"], quantized(dtype)), { a: bytes });
      expect((await readArtifacts(source)).weightData.length).toBe(bytes);
      await write(group(["a"], quantized(dtype)), { a: bytes - 1 });
      await expectCode(readArtifacts(source), "import-shard-short");
    }
  });

  it("reads a model without weights", async () => {
    await write([]);
    expect((await readArtifacts(source)).weightData.length).toBe(0);
  });

  it.each([
    ["/etc/passwd", "import-path-absolute"],
    ["C:/weights.bin", "import-path-absolute"],
    ["https://x.org/w.bin", "import-path-absolute"],
    ["file:///etc/passwd", "import-path-absolute"],
    ["../w.bin", "import-path-parent"],
    ["a/../../w.bin", "import-path-parent"],
    ["..", "import-path-parent"],
    ["a\\w.bin", "import-path-backslash"],
    ["..\\w.bin", "import-path-backslash"],
    ["", "import-path"],
    ["a\0", "import-path"],
    [7, "import-path"],
  ])("refuses the path %j: %s", async (path, code) => {
    await writeFile(join(folder, "..", "w.bin"), new Uint8Array(24));
    await write(group([path]));
    await expectCode(readArtifacts(source), code);
  });

  it("refuses a link out of the folder, and follows one inside", async () => {
    const outside = join(dirname(folder), "outside");
    await mkdir(outside);
    await writeFile(join(outside, "w"), new Uint8Array(24));
    await write(group(["link"]), { real: 24 });
    await symlink(join(outside, "w"), join(folder, "link"));
    await expectCode(readArtifacts(source), "import-path-link");
    await symlink(outside, join(folder, "sub"));
    await write(group(["sub/w"]));
    await expectCode(readArtifacts(source), "import-path-link");
    await symlink("real", join(folder, "inner"));
    await write(group(["inner"]));
    expect((await readArtifacts(source)).weightData.length).toBe(24);
    // A folder whose name begins alike is another folder.
    await mkdir(`${folder}-2`);
    await writeFile(join(`${folder}-2`, "w"), new Uint8Array(24));
    await symlink(join(`${folder}-2`, "w"), join(folder, "alike"));
    await write(group(["alike"]));
    await expectCode(readArtifacts(source), "import-path-link");
  });

  it.each<[string, string, unknown, Record<string, number>]>([
    ["a missing shard", "import-shard-missing", group(["a"]), {}],
    ["a shard that is a folder", "import-shard-missing", group(["a"]), { "a/b": 1 }],
    ["a short shard", "import-shard-short", group(["a"]), { a: 23 }],
    ["a second shard that is short", "import-shard-short", group(["a", "b"]), { a: 12, b: 11 }],
    ["a long shard", "import-shard-long", group(["a"]), { a: 25 }],
    ["a shard too many", "import-shard-long", group(["a", "b"]), { a: 24, b: 1 }],
    ["no shards", "import-shard-short", group([]), {}],
    ["no manifest", "import-manifest", undefined, {}],
    ["a manifest that is none", "import-manifest", {}, {}],
    ["a group that is none", "import-manifest", [null], {}],
    ["a weight that is none", "import-spec", group(["a"], null), {}],
    ["a shape that is none", "import-spec", group(["a"], { ...spec, shape: [-1] }), {}],
    ["a shape of fractions", "import-spec", group(["a"], { ...spec, shape: [1.5] }), {}],
    ["a shape that overflows", "import-spec", group(["a"], { ...spec, shape: [2 ** 30, 2 ** 30] }), {}],
    ["more than memory", "import-large", group(["a"], { ...spec, shape: [2 ** 40] }), {}],
    ["a dtype that is none", "import-dtype", group(["a"], { ...spec, dtype: "toString" }), {}],
    ["a quantization that is none", "import-dtype", group(["a"], { ...spec, quantization: {} }), {}],
    [
      "a scale that is none",
      "import-spec",
      group(["a"], { ...spec, quantization: { dtype: "uint8", min: 0 } }),
      {},
    ],
  ])("refuses %s: %s", async (_, code, manifest, files) => {
    await write(manifest, files);
    await expectCode(readArtifacts(source), code);
  });

  it.each([
    ["<!doctype html>", "container-html"],
    ["{", "import-json"],
    ["\xff", "import-json"],
    ["null", "import-topology"],
    ["[]", "import-topology"],
    ['{"weightsManifest":[]}', "import-topology"],
  ])("refuses %j as model.json: %s", async (text, code) => {
    await writeFile(source, Buffer.from(text, "latin1"));
    await expectCode(readArtifacts(source), code);
  });

  it("refuses a model.json that is missing or over 64 MB", async () => {
    await expectCode(readArtifacts(source), "import-missing");
    await expectCode(readArtifacts(folder), "import-missing");
    await writeFile(source, Buffer.alloc(64 * 2 ** 20 + 1, " "));
    await expectCode(readArtifacts(source), "import-json-large");
  });
});

describe("readArtifacts of a server", () => {
  const model = (paths: string[]) => JSON.stringify({ modelTopology: {}, weightsManifest: group(paths) });
  const served = (files: Record<string, BodyInit>) =>
    vi.fn(async (url: string | URL | Request) => {
      const body = files[String(url)];
      return new Response(body ?? "not found", { status: body === undefined ? 404 : 200 });
    });

  it("sends no request without allowRemote", async () => {
    const fetch = served({});
    await expectCode(readArtifacts("https://x.org/m/model.json", { fetch }), "import-remote");
    await expectCode(readArtifacts("HTTP://x.org/m/model.json", { fetch }), "import-remote");
    expect(fetch).not.toHaveBeenCalled();
  });

  it("reads shards beside the model.json, with its query", async () => {
    const fetch = served({
      "https://x.org/m/model.json?key=1": model(["a", "b"]),
      "https://x.org/m/a?key=1": new Uint8Array(20),
      "https://x.org/m/b?key=1": new Uint8Array(4),
    });
    const { weightData } = await readArtifacts("https://x.org/m/model.json?key=1", {
      allowRemote: true,
      fetch,
    });
    expect(weightData.length).toBe(24);
  });

  it.each<[string, string, Record<string, BodyInit>]>([
    ["no model", "import-missing", {}],
    ["HTML", "container-html", { "model.json": "<!DOCTYPE html>" }],
    ["a missing shard", "import-shard-missing", { "model.json": model(["a"]) }],
    ["a short shard", "import-shard-short", { "model.json": model(["a"]), a: "short" }],
    ["a long shard", "import-shard-long", { "model.json": model(["a"]), a: new Uint8Array(25) }],
    ["a path that leaves the folder", "import-path-parent", { "model.json": model(["%2e%2e/a"]) }],
    ["another server", "import-path-absolute", { "model.json": model(["//y.org/a"]) }],
  ])("refuses %s: %s", async (_, code, files) => {
    const fetch = served(
      Object.fromEntries(Object.entries(files).map(([name, body]) => [`https://x.org/m/${name}`, body])),
    );
    await expectCode(readArtifacts("https://x.org/m/model.json", { allowRemote: true, fetch }), code);
  });

  it("stops reading a body that never ends", async () => {
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20)) });
    const fetch = served({ "https://x.org/model.json": endless });
    await expectCode(
      readArtifacts("https://x.org/model.json", { allowRemote: true, fetch }),
      "import-json-large",
    );
  });
});

const models = join(import.meta.dirname, "../../../shared/models");

describe.skipIf(!existsSync(models))(`models of ${models}`, () => {
  it("are read", async () => {
    for (const name of await readdir(models)) {
      const path = join(models, name, "model.json");
      if (!existsSync(path)) continue;
      const { weightSpecs, weightData, sourceHash } = await readArtifacts(path);
      expect(weightSpecs.length, name).toBeGreaterThan(0);
      expect(weightData.length, name).toBeGreaterThan(0);
      expect(sourceHash).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});
