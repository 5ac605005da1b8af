/** The binaries know a kernel by its place among all in alphabetical order, which the reference's names give. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { trainSet } from "../../src/kernels/train-set.js";
import { Heap, PlainMemory } from "../../src/wasm/index.js";

const listed = (file: string) =>
  [...readFileSync(`assembly/${file}.ts`, "utf8").matchAll(/^export \{ (\w+) \}/gm)].map(([, name]) => name);

test.each([runtimeSet, trainSet])("$name exports what its reference has", (set) => {
  const names = Object.keys(set.reference(new Heap(new PlainMemory()))).sort();
  expect(listed(set.name).sort()).toEqual(names);
});
