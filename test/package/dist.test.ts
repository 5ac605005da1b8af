import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuildFailure, build, transform } from "esbuild";
import { describe, expect, it } from "vitest";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { load } from "../../src/runtime.js";
import * as binaries from "../../src/wasm/binaries/runtime.js";
import { encodeDigitModel } from "../browser/digit-model.js";
import { variantsHere } from "../kernels/variants.js";
import { shipped } from "../runtime/shipped.js";

// What ships, as `npm run build` made it: `npm test` builds first.

const { exports, scripts, bin, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const entries = Object.entries<{ default: string } | string>(exports)
  .flatMap(([name, target]) => (typeof target === "string" ? [] : [{ name, file: target.default }]))
  .map(({ name, file }) => ({ name: name.replace(".", "pare"), file }));

/** Every file that an entry reaches, and every package or module of Node it imports by name. */
async function reach(file: string): Promise<{ files: string[]; packages: string[] }> {
  const { metafile } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    packages: "external",
    external: ["node:*"],
    logLevel: "silent",
  });
  const packages = Object.values(metafile.inputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external).map(({ path }) => path),
  );
  return { files: Object.keys(metafile.inputs), packages: [...new Set(packages)].sort() };
}

describe("pare/runtime", () => {
  it("is one file of at most 50 KB gzipped, with both binaries in it", async () => {
    const text = readFileSync("dist/runtime.js");
    expect(gzipSync(text, { level: 9 }).length).toBeLessThanOrEqual(50_000);
    expect(await reach("dist/runtime.js")).toEqual({ files: ["dist/runtime.js"], packages: [] });
    expect(text.includes(binaries.simd)).toBe(true);
    expect(text.includes(binaries.relaxed)).toBe(true);
  });

  it("takes the binary that its source takes, and the variants that there are", async () => {
    const bytes = await encodeDigitModel();
    const image = Float32Array.from({ length: 784 }, (_, i) => (i % 7) / 7);
    using wanted = await load(bytes);
    const { scores } = wanted.run({ image });
    for (const variant of [undefined, ...variantsHere(runtimeSet)]) {
      using model = await shipped.load(bytes, variant ? { variant } : {});
      expect(model.variant).toBe(variant ?? wanted.variant);
      expect(model.run({ image }).scores).toEqual(scores);
    }
  });
});

describe.each(entries)("$name", ({ name, file }) => {
  it("exists", () => {
    expect(existsSync(file)).toBe(true);
  });

  it("imports nothing but what it may", async () => {
    const { packages } = await reach(file);
    const allowed = name === "pare/tfjs" ? /^(@tensorflow\/tfjs|ml-matrix$)/ : /^$/;
    expect(packages.filter((path) => !allowed.test(path))).toEqual([]);
  });

  it("has no top-level await", async () => {
    for (const part of (await reach(file)).files) {
      // CommonJS has no such thing, so esbuild refuses to turn it into that.
      await expect(transform(readFileSync(part, "utf8"), { format: "cjs" }), part).resolves.toBeDefined();
    }
  });

  it("can be bundled for a browser", async () => {
    const options = {
      bundle: true,
      write: false,
      format: "esm",
      platform: "browser",
      logLevel: "silent",
    } as const;
    const work = build({ ...options, entryPoints: [file], external: ["@tensorflow/*"] });
    const errors = await work.then(
      () => [],
      (failure: BuildFailure) => failure.errors.map(({ text }) => text),
    );
    expect(errors).toEqual([]);
  });

  it("does no work and compiles no WebAssembly when imported", () => {
    const script = `delete globalThis.WebAssembly; import(${JSON.stringify(name)}).then((m) => console.log(Object.keys(m).length))`;
    const { stdout, stderr } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(Number(stdout)).toBeGreaterThan(0);
  });

  it("can be required", () => {
    const script = `console.log(Object.keys(require(${JSON.stringify(name)})).length)`;
    const { stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
    expect(Number(stdout)).toBeGreaterThan(0);
  });
});

describe("pare, the command", () => {
  it("is executable and imports its own dependencies only", async () => {
    expect(readFileSync(bin.pare, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(statSync(bin.pare).mode & 0o111).toBe(0o111);
    const { packages } = await reach(bin.pare);
    const known = [...Object.keys(dependencies), "@tensorflow/tfjs"];
    const foreign = packages.filter((path) => !path.startsWith("node:"));
    expect(foreign.filter((path) => !known.some((start) => path.startsWith(start)))).toEqual([]);
  });
});

describe("the published package", () => {
  it("runs nothing when it is installed", () => {
    for (const name of ["preinstall", "install", "postinstall", "prepare"])
      expect(scripts).not.toHaveProperty(name);
  });

  it("holds the built files and no sources", () => {
    const npm = spawnSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { encoding: "utf8" });
    const paths: string[] = JSON.parse(npm.stdout)[0].files.map((item: { path: string }) => item.path);
    for (const path of ["LICENSE", "README.md", "CHANGELOG.md", "package.json", "dist/runtime.js"]) {
      expect(paths).toContain(path);
    }
    const others = paths.filter(
      (path) => !/^dist\/[\w./-]+(\.d\.ts|\.js)$/.test(path) && path.startsWith("dist/"),
    );
    expect(others).toEqual([]);
    const rest = paths.filter((path) => !/^(dist\/|docs\/[\w-]+\.md$)/.test(path));
    expect(rest.sort()).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "package.json",
      "schema/train.schema.json",
    ]);
  });

  it("has a lock that names no machine", () => {
    const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8"));
    for (const { resolved } of Object.values<{ resolved?: string }>(packages)) {
      expect(resolved ?? "https://registry.npmjs.org/").toMatch(/^https:\/\/registry\.npmjs\.org\//);
    }
  });
});

describe("the examples", () => {
  it("run a model in Node", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pare-example-"));
    try {
      const path = join(folder, "digits.pare");
      writeFileSync(path, await encodeDigitModel());
      const { stdout, stderr } = spawnSync(process.execPath, ["examples/node/run.mjs", path], {
        encoding: "utf8",
      });
      expect(stderr).toBe("");
      expect(stdout).toMatch(/input image: 784\noutput scores: (\d\.\d{3} ?){10}\n[\d.]+ us a run \(\w+\)/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
