/** The variants that this engine is expected to run; what it cannot run is told apart from what fails. */
import { type KernelSet, openEngine, type Variant } from "../../src/wasm/index.js";

export function variantsHere(set: KernelSet<string>): readonly Variant[] {
  const variants: Variant[] = ["reference"];
  for (const variant of ["simd", "relaxed"] as const) {
    try {
      openEngine(set, { variant });
      variants.push(variant);
    } catch (error) {
      if (!(error as Error).message.includes("does not know")) throw error;
    }
  }
  return variants;
}
