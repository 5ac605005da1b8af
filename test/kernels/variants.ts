/** The variants that this engine must run, by what it is: one that does not run here fails, it is not skipped. */
import type { KernelSet, Variant } from "../../src/wasm/index.js";

export function variantsHere(set: KernelSet<string>): readonly Variant[] {
  const relaxed: Variant[] = set.binaries.relaxed16 ? ["relaxed", "relaxed16"] : ["relaxed"];
  return ["reference", "simd", ...(hasRelaxed() ? relaxed : [])];
}

/** Node >= 22 has relaxed SIMD, and so has every browser the suites run in. */
export function hasRelaxed(): boolean {
  const node = globalThis.process?.versions?.node;
  return node === undefined || Number.parseInt(node, 10) >= 22;
}
