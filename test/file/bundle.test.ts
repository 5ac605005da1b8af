import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, it } from "vitest";

const door = join(import.meta.dirname, "../../src/file/index.js").replace(/js$/, "ts");

async function bundle(names: string, external: string[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names} } from ${JSON.stringify(door)};`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    external,
  });
  return outputFiles[0].text;
}

it("a bundle that only reads has no writer and nothing of Node, and is small", async () => {
  const text = await bundle("readPare, FormatError", ["../graph/index.js"]);
  for (const word of ["getBuiltinModule", "node:fs", "CompressionStream(", "weightsManifest", "memLevel"]) {
    expect(text.replaceAll("DecompressionStream(", "")).not.toContain(word);
  }
  expect(gzipSync(text).length).toBeLessThan(8000);
});

it("a bundle that writes needs no module of Node at build time", async () => {
  const text = await bundle("encodePare, readPare, saveFile, readArtifacts");
  expect(text).toContain("CompressionStream");
  expect(text).not.toMatch(/import\s*\(|require\(/);
});
