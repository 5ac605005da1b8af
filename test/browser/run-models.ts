/** SHA-256 of what `.pare` files compute in every variant: in a page, or in a Node with any flags. */

import { type LoadedModel, load } from "../../src/runtime.js";
import type { Variant } from "../../src/wasm/index.js";

export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ModelHash {
  readonly name: string;
  readonly variant: Variant;
  /** Hexadecimal; absent where the engine does not know the variant. */
  readonly hash?: string;
}

const variants: readonly Variant[] = ["reference", "simd", "relaxed", "relaxed16"];

export async function hashModels(files: readonly ModelFile[]): Promise<ModelHash[]> {
  const hashes: ModelHash[] = [];
  for (const { name, bytes } of files) {
    for (const variant of variants) {
      const model = await open(bytes, variant);
      hashes.push({ name, variant, ...(model && { hash: await hashOf(model) }) });
      model?.dispose();
    }
  }
  return hashes;
}

async function open(bytes: Uint8Array, variant: Variant): Promise<LoadedModel | undefined> {
  try {
    return await load(bytes, { variant });
  } catch (error) {
    if ((error as Error).message.includes("does not know")) return undefined;
    throw error;
  }
}

/** Of all outputs for two samples at once: whole numbers below 400, which words are, and pictures may be. */
async function hashOf(model: LoadedModel): Promise<string> {
  let state = 7;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const inputs = Object.fromEntries(
    model.inputs.map(({ name, shape }) => {
      const size = 2 * shape.reduce((product, dim) => product * dim, 1);
      const isWords = model.graph.nodes.some(({ op, inputs: [x] }) => op === "embedding" && x === name);
      return [
        name,
        Float32Array.from({ length: size }, () => (isWords ? Math.floor(next() * 400) : next() * 2 - 1)),
      ];
    }),
  );
  const outputs = model.run(inputs);
  const parts = model.outputs.map(({ name }) => outputs[name]);
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
