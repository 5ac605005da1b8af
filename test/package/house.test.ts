import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

// Rules of the house that no linter knows, for the AssemblyScript above all.

const files = readdirSync("assembly").filter((file) => file.endsWith(".ts"));
const read = (file: string) => readFileSync(`assembly/${file}`, "utf8");
const lists = files.filter((file) => ["products.ts", "runtime.ts", "train.ts"].includes(file));

it("only simd.ts asks what the target has", () => {
  expect(files.filter((file) => read(file).includes("ASC_FEATURE"))).toEqual(["simd.ts"]);
});

it("assembly has no tabs and no spaces at the end of a line", () => {
  const bad = files.filter((file) => /\t|[ ]$|\r/m.test(read(file)) || !read(file).endsWith("\n"));
  expect(bad).toEqual([]);
});

it.each(lists)("each kernel that %s exports is the file of its name", (list) => {
  const exports = [...read(list).matchAll(/^export \{(.*)\} from "\.\/(\w+)";$/gm)];
  expect(exports.length).toBeGreaterThan(0);
  for (const [, name, file] of exports) {
    expect(name.trim()).toBe(file);
    expect(files).toContain(`${file}.ts`);
    expect(file).not.toMatch(/simd|relaxed/);
  }
});

it("every kernel is in an export list", () => {
  const exported = lists.flatMap((list) =>
    [...read(list).matchAll(/from "\.\/(\w+)"/g)].map((match) => match[1]),
  );
  const kernels = files.map((file) => file.replace(".ts", "")).filter((name) => /^[a-z]+\d+_/.test(name));
  expect(kernels.filter((name) => !exported.includes(name))).toEqual([]);
});
