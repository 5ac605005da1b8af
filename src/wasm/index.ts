/** Compile once, probe values, choose a binary, hand out memory. */

export {
  type Engine,
  type EngineOptions,
  type Kernel,
  type KernelSet,
  openEngine,
  type Variant,
} from "./engine.js";
export { type Allocator, Heap, type Memory, PlainMemory, type Scope } from "./heap.js";
