import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { readArtifacts, saveFile, saveModel } from "../../src/file/index.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pare-save-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** node:fs/promises whose `open` gives files on which `method` fails. */
function failing(method: "writeFile" | "sync") {
  const fs = process.getBuiltinModule("node:fs/promises");
  const { open } = fs;
  return vi.spyOn(fs, "open").mockImplementation(async (...args) => {
    const file = await open(...args);
    const { writeFile } = file;
    vi.spyOn(file, method).mockImplementation(async () => {
      if (method === "writeFile") await writeFile.call(file, "half");
      throw new Error("no space left");
    });
    return file;
  });
}

describe("saveFile", () => {
  it("writes bytes and text, over what is there, leaving nothing else", async () => {
    const path = join(folder, "a.pare");
    await saveFile(path, Uint8Array.of(1, 2, 3));
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
    await saveFile(path, "text");
    expect(await readFile(path, "utf8")).toBe("text");
    expect(await readdir(folder)).toEqual(["a.pare"]);
  });

  it.each(["writeFile", "sync"] as const)("keeps the old file when %s fails half way", async (method) => {
    const path = join(folder, "a.pare");
    await saveFile(path, "old");
    const open = failing(method);
    await expect(saveFile(path, "new bytes")).rejects.toThrow("no space left");
    expect(open).toHaveBeenCalled();
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.pare"]);
  });

  it("keeps the old file when the rename fails", async () => {
    const path = join(folder, "a.pare");
    await saveFile(path, "old");
    vi.spyOn(process.getBuiltinModule("node:fs/promises"), "rename").mockRejectedValue(new Error("busy"));
    await expect(saveFile(path, "new")).rejects.toThrow("busy");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.pare"]);
  });

  it("stops when it is aborted, before and while writing", async () => {
    const path = join(folder, "a.pare");
    await expect(saveFile(path, "new", { signal: AbortSignal.abort() })).rejects.toThrow("abort");
    const controller = new AbortController();
    const saving = saveFile(path, new Uint8Array(50_000_000), { signal: controller.signal });
    setTimeout(() => controller.abort(), 2);
    await expect(saving).rejects.toThrow("abort");
    expect(await readdir(folder)).toEqual([]);
  });

  it("writes through a link, and keeps the mode", async () => {
    await writeFile(join(folder, "real"), "old");
    await chmod(join(folder, "real"), 0o600);
    await symlink(join(folder, "real"), join(folder, "link"));
    await saveFile(join(folder, "link"), "new");
    expect(await readFile(join(folder, "real"), "utf8")).toBe("new");
    expect((await stat(join(folder, "real"))).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).sort()).toEqual(["link", "real"]);
  });

  it("writes into what is not a file rather than replacing it", async () => {
    await saveFile("/dev/null", "gone");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    await expect(saveFile(folder, "x")).rejects.toThrow("EISDIR");
  });
});

describe("saveModel", () => {
  const model = (...values: number[]) => ({
    format: "layers-model",
    modelTopology: { class_name: "Sequential", config: { values } },
    weightSpecs: [{ name: "w", shape: [values.length], dtype: "float32" as const }],
    weightData: new Uint8Array(Float32Array.from(values).buffer),
  });
  const read = async () => [
    ...new Float32Array((await readArtifacts(join(folder, "model.json"))).weightData.slice().buffer),
  ];

  it("writes what readArtifacts reads, again and again into one folder", async () => {
    for (const values of [[1, 2], [3], [4, 5, 6]]) {
      expect(await saveModel(folder, model(...values))).toBe(join(folder, "model.json"));
      expect(await read()).toEqual(values);
      expect(await readdir(folder)).toHaveLength(2);
    }
    expect(await saveModel(join(folder, "new", "deep"), model(1))).toBe(
      join(folder, "new", "deep", "model.json"),
    );
  });

  it("leaves the old model whole wherever it fails", async () => {
    await saveModel(folder, model(1, 2));
    const fs = process.getBuiltinModule("node:fs/promises");
    const { rename } = fs;
    for (const name of ["weights-2.bin", "model.json"]) {
      vi.spyOn(fs, "rename").mockImplementation(async (from, to) => {
        if (String(to).endsWith(name)) throw new Error("crash");
        await rename(from, to);
      });
      await expect(saveModel(folder, model(7, 8, 9))).rejects.toThrow("crash");
      vi.restoreAllMocks();
      expect(await read()).toEqual([1, 2]);
      expect((await readdir(folder)).sort()).toEqual(["model.json", "weights.bin"]);
    }
  });

  it("keeps shards of the old model that have other names", async () => {
    const old = { modelTopology: {}, weightsManifest: [{ paths: ["group1-shard1of1"], weights: [] }] };
    await writeFile(join(folder, "model.json"), JSON.stringify(old, null, 2));
    await writeFile(join(folder, "group1-shard1of1"), "");
    await saveModel(folder, model(1));
    expect((await readdir(folder)).sort()).toEqual(["group1-shard1of1", "model.json", "weights.bin"]);
  });
});
