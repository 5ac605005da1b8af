import { describe, expect, test } from "vitest";
import { trainReference } from "../../src/kernels/reference/train/index.js";
import { trainSet } from "../../src/kernels/train-set.js";
import { Heap, PlainMemory } from "../../src/wasm/index.js";
import { decodeText } from "../../src/wasm/text.js";
import { gradientCases } from "./gradient-suite.js";
import { trainCases } from "./train-suite.js";
import { variantsHere } from "./variants.js";

const kernels = Object.keys(trainReference(new Heap(new PlainMemory()))).sort();
const binary = (variant: "simd" | "relaxed") => Buffer.from(decodeText(trainSet.binaries[variant]));

describe.each(variantsHere(trainSet))("%s equals the reference", (variant) => {
  test.each(kernels)("%s", (kernel) => {
    const own = [...trainCases, ...gradientCases].filter((item) => item.name.startsWith(`${kernel} `));
    expect(own.length).toBeGreaterThan(10);
    for (const item of own) item.run(variant);
  });
});

describe.each(["simd", "relaxed"] as const)("the %s binary", (variant) => {
  const CODE = { type: 1, import: 2, function: 3, table: 4, memory: 5, start: 8, element: 9, data: 11 };

  // It is linked into tfjs' own memory, where every byte has an owner already.
  test("claims no memory: no data, no heap, no stack, nothing that runs when it is linked", () => {
    const sections = sectionsOf(binary(variant));
    for (const name of ["table", "memory", "start", "element", "data"] as const) {
      expect(sections, name).not.toContain(CODE[name]);
    }
    // A global would be a stack pointer or a heap's end.
    expect(sections, "global").not.toContain(6);
    expect(sections, "code").toContain(10);
  });
});

test("the simd binary imports one memory and exports the kernels, nothing else", () => {
  const module = new WebAssembly.Module(binary("simd"));
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
  const exported = WebAssembly.Module.exports(module);
  const places = kernels.map((_, i) => i.toString(36));
  expect(exported.map((item) => item.name).sort()).toEqual(places.sort());
  expect(exported.every((item) => item.kind === "function")).toBe(true);
});

/** The ids of the sections of a binary, in order. */
function sectionsOf(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let at = 8;
  while (at < bytes.length) {
    ids.push(bytes[at++]);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      size |= (bytes[at] & 0x7f) << shift;
      if (bytes[at++] < 0x80) break;
    }
    at += size;
  }
  return ids;
}
