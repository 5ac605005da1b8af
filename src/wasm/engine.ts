/** Opens a set of kernels: compiles a binary once, probes its values, takes the best that passes. */

import { type Allocator, Heap, type Memory, PlainMemory, type Scope } from "./heap.js";
import { decodeText } from "./text.js";

/**
 * Which build of the kernels runs. All give the same bits; `reference` is plain TypeScript, `relaxed16`
 * is `relaxed` with its products summed in i16 first, which is faster on CPUs without a dot product.
 */
export type Variant = "relaxed" | "relaxed16" | "simd" | "reference";

/** Addresses and numbers in, at most one number out: the shape of every kernel. */
export type Kernel = (...args: number[]) => number;

/** One assembly/ export list: its binaries, its reference and how its values are probed. */
export interface KernelSet<Name extends string> {
  readonly name: string;
  /** Text (see text.ts) of the binary of each variant; the relaxed ones lie over simd and may hold only what differs. */
  readonly binaries: Readonly<Record<"relaxed" | "simd", string>> & { readonly relaxed16?: string };
  reference(heap: Heap): Readonly<Record<Name, Kernel>>;
  /** True when known questions get their known answers. Leaves the heap as it was. */
  probe(kernels: Readonly<Record<Name, Kernel>>, heap: Heap): boolean;
  /** Work whose time tells relaxed16 from relaxed; a set that has that binary has this too. */
  sample?(kernels: Readonly<Record<Name, Kernel>>, heap: Heap, alloc: Scope): () => void;
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
  if (variant !== undefined && !variants.includes(variant)) {
    throw new RangeError(`variant: wanted one of ${variants.join(", ")}, got ${variant}`);
  }
  if (variant) return tryOpen(set, variant, host);
  const failures: string[] = [];
  for (const candidate of order) {
    try {
      const engine = tryOpen(set, candidate, host);
      return candidate === "relaxed" && set.binaries.relaxed16 ? fasterRelaxed(set, engine, host) : engine;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join("; "));
}

const order: readonly Variant[] = ["relaxed", "simd", "reference"];
const variants: readonly Variant[] = ["relaxed16", ...order];

/** What was faster here, by name of the set: a CPU does not change while a process runs. */
const faster = new Map<string, Variant>();

/**
 * The engine, or its twin of the variant relaxed16 if that is faster: nothing but a clock tells whether
 * the i32 dot product is one instruction of this CPU or five. Takes about 10 ms, once.
 */
function fasterRelaxed<Name extends string>(
  set: KernelSet<Name>,
  engine: Engine<Name>,
  host: EngineOptions["host"],
): Engine<Name> {
  const known = faster.get(set.name);
  if (known === "relaxed") return engine;
  let twin: Engine<Name>;
  try {
    twin = tryOpen(set, "relaxed16", host, engine.heap);
  } catch {
    return engine;
  }
  if (!known) faster.set(set.name, isFaster(set, twin, engine) ? "relaxed16" : "relaxed");
  return faster.get(set.name) === "relaxed16" ? twin : engine;
}

// Each turn counts how much gets done in a time that a page's coarse clock (0.1 ms) can tell, and the best
// turn counts. The optimizing compiler comes when it comes: turns go on until none of the last few was
// better than those before.
const TURN_MS = 0.4;
const SETTLED = 6;
const MOST_TURNS = 60;

function isFaster<Name extends string>(
  set: KernelSet<Name>,
  twin: Engine<Name>,
  engine: Engine<Name>,
): boolean {
  return engine.heap.run((alloc) => {
    const works = [twin, engine].map(({ kernels, heap }) => set.sample?.(kernels, heap, alloc) ?? (() => {}));
    const best = [0, 0];
    let settled = 0;
    for (let turn = 0; turn < MOST_TURNS && settled < SETTLED; turn++) {
      settled += 1;
      works.forEach((work, i) => {
        const rate = rateOf(work);
        if (rate > best[i] * 1.05) settled = 0;
        best[i] = Math.max(best[i], rate);
      });
    }
    return best[0] > best[1];
  });
}

/** Calls in a millisecond. */
function rateOf(work: () => void): number {
  const start = performance.now();
  let done = 0;
  let passed = 0;
  while (passed < TURN_MS) {
    work();
    done += 1;
    passed = performance.now() - start;
  }
  return done / passed;
}

function tryOpen<Name extends string>(
  set: KernelSet<Name>,
  variant: Variant,
  host: EngineOptions["host"],
  shared?: Heap,
): Engine<Name> {
  if (variant === "reference") {
    const memory: Memory = host ? plain(host.memory) : new PlainMemory();
    const heap = new Heap(memory, host?.allocator);
    return { variant, kernels: set.reference(heap), heap };
  }
  const modules = variant === "simd" ? [variant] : ["simd" as const, variant];
  const memory = shared?.memory ?? host?.memory ?? new WebAssembly.Memory({ initial: 1 });
  const exports: Readonly<Record<string, Kernel>> = Object.assign(
    {},
    ...modules.map(
      (name) =>
        new WebAssembly.Instance(compile(set, name), { env: { memory: memory as WebAssembly.Memory } })
          .exports,
    ),
  );
  const heap = shared ?? new Heap(plain(memory as WebAssembly.Memory), host?.allocator);
  // The binaries know a kernel by its place in the list of all (see scripts/likeness.mjs).
  const names = Object.keys(set.reference(heap)).sort() as Name[];
  const kernels = Object.fromEntries(names.map((name, i) => [name, exports[i.toString(36)]])) as Record<
    Name,
    Kernel
  >;
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

function compile(set: KernelSet<string>, variant: "relaxed" | "relaxed16" | "simd"): WebAssembly.Module {
  const key = `${set.name}-${variant}`;
  const known = compiled.get(key);
  if (known) return known;
  if (typeof WebAssembly === "undefined") throw new Error(`${key}: there is no WebAssembly here`);
  const binary = set.binaries[variant];
  if (binary === undefined) throw new Error(`${set.name}: there is no variant ${variant} of these kernels`);
  const bytes = decodeText(binary);
  if (!WebAssembly.validate(bytes)) {
    throw new Error(`${key}: this engine does not know ${variant === "simd" ? "SIMD" : "relaxed SIMD"}`);
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
