/** Opens a set of kernels: compiles a binary once, probes its values, takes the best that passes. */

import { type Allocator, Heap, type Memory, PlainMemory } from "./heap.js";

/** Which build of the kernels runs. All give the same bits; `reference` is plain TypeScript. */
export type Variant = "relaxed" | "simd" | "reference";

/** Addresses and numbers in, at most one number out: the shape of every kernel. */
export type Kernel = (...args: number[]) => number;

/** One assembly/ export list: its binaries, its reference and how its values are probed. */
export interface KernelSet<Name extends string> {
  readonly name: string;
  /** Base64 of the binary of each variant. */
  readonly binaries: Readonly<Record<"relaxed" | "simd", string>>;
  reference(heap: Heap): Readonly<Record<Name, Kernel>>;
  /** True when known questions get their known answers. Leaves the heap as it was. */
  probe(kernels: Readonly<Record<Name, Kernel>>, heap: Heap): boolean;
}

export interface Engine<Name extends string> {
  readonly variant: Variant;
  readonly kernels: Readonly<Record<Name, Kernel>>;
  readonly heap: Heap;
}

export interface EngineOptions {
  /** Forces a variant; default: the first of relaxed, simd, reference that passes the probe. */
  readonly variant?: Variant;
  /** Works inside somebody else's memory, such as tfjs', with their allocator. */
  readonly host?: { readonly memory: WebAssembly.Memory; readonly allocator: Allocator };
}

/**
 * Opens an engine with a memory of its own, or inside a host's.
 *
 * @throws RangeError for an unknown variant; Error when the forced variant does not run here, or
 *   not with the right values, or when no variant can share the host's memory
 */
export function openEngine<Name extends string>(
  set: KernelSet<Name>,
  options: EngineOptions = {},
): Engine<Name> {
  const { variant, host } = options;
  if (variant !== undefined && !order.includes(variant)) {
    throw new RangeError(`variant: wanted one of ${order.join(", ")}, got ${variant}`);
  }
  if (variant) return tryOpen(set, variant, host);
  const failures: string[] = [];
  for (const candidate of order) {
    try {
      return tryOpen(set, candidate, host);
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join("; "));
}

const order: readonly Variant[] = ["relaxed", "simd", "reference"];

function tryOpen<Name extends string>(
  set: KernelSet<Name>,
  variant: Variant,
  host: EngineOptions["host"],
): Engine<Name> {
  if (variant === "reference") {
    const memory: Memory = host ? plain(host.memory) : new PlainMemory();
    const heap = new Heap(memory, host?.allocator);
    return { variant, kernels: set.reference(heap), heap };
  }
  const module = compile(set, variant);
  const memory = host?.memory ?? new WebAssembly.Memory({ initial: 1 });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const kernels = instance.exports as Readonly<Record<Name, Kernel>>;
  const heap = new Heap(plain(memory), host?.allocator);
  if (!set.probe(kernels, heap)) {
    throw new Error(`${set.name}: variant ${variant} computes wrong values on this engine`);
  }
  return { variant, kernels, heap };
}

// The buffer of a memory that is not shared is an ArrayBuffer; TypeScript's type leaves both open.
function plain(memory: WebAssembly.Memory): Memory {
  return memory as unknown as Memory;
}

const compiled = new Map<string, WebAssembly.Module>();

function compile(set: KernelSet<string>, variant: "relaxed" | "simd"): WebAssembly.Module {
  const key = `${set.name}-${variant}`;
  const known = compiled.get(key);
  if (known) return known;
  if (typeof WebAssembly === "undefined") throw new Error(`${key}: there is no WebAssembly here`);
  const bytes = Uint8Array.from(atob(set.binaries[variant]), (c) => c.charCodeAt(0));
  if (!WebAssembly.validate(bytes)) {
    throw new Error(`${key}: this engine does not know ${variant === "relaxed" ? "relaxed SIMD" : "SIMD"}`);
  }
  try {
    const module = new WebAssembly.Module(bytes);
    compiled.set(key, module);
    return module;
  } catch (cause) {
    // A page's Content-Security-Policy is the usual reason.
    throw new Error(
      `${key}: cannot compile WebAssembly; a Content-Security-Policy needs 'wasm-unsafe-eval' in script-src`,
      { cause },
    );
  }
}
