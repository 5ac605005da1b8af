/** `load` and whatever holds the bytes of a file, on engines that lack what others have. */

import vm from "node:vm";
import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { compress, describePare, FormatError, importModel } from "../../src/index.js";
import { load as loadSource } from "../../src/runtime.js";
import { shipped } from "./shipped.js";

const artifacts = {
  format: "layers-model",
  modelTopology: {
    class_name: "Sequential",
    config: {
      name: "s",
      layers: [
        {
          class_name: "Dense",
          config: { name: "d", batch_input_shape: [null, 2], units: 1, use_bias: false },
        },
      ],
    },
  },
  weightSpecs: [{ name: "d/kernel", shape: [2, 1], dtype: "float32" }],
  weightData: new Uint8Array(Float32Array.of(1, 2).buffer),
};

let file: Uint8Array<ArrayBuffer>;
beforeAll(async () => {
  file = new Uint8Array(await (await compress(artifacts, { precision: "f32" })).bytes());
});

/** Typed arrays of this realm or another, over some bytes of a longer buffer, and the buffer itself. */
const realms = { here: globalThis, "a vm context": vm.runInNewContext("globalThis") as typeof globalThis };
const views = [
  "Uint8Array",
  "Int8Array",
  "Uint8ClampedArray",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
  "DataView",
] as const;

interface Holder {
  readonly realm: keyof typeof realms;
  readonly kind: (typeof views)[number] | "buffer";
  readonly isShared: boolean;
  readonly isResizable: boolean;
  readonly before: number;
  readonly after: number;
}

const holders: fc.Arbitrary<Holder> = fc.record({
  realm: fc.constantFrom(...(Object.keys(realms) as (keyof typeof realms)[])),
  kind: fc.constantFrom(...views, "buffer" as const),
  isShared: fc.boolean(),
  isResizable: fc.boolean(),
  before: fc.nat(4),
  after: fc.nat(20),
});

/** The bytes in a holder. `bytes.length` is a multiple of 8, as a view of wide numbers needs it. */
function hold(bytes: Uint8Array, { realm, kind, isShared, isResizable, before, after }: Holder) {
  const own = realms[realm];
  const offset = kind === "buffer" ? 0 : before * 8;
  const length = bytes.length + (kind === "buffer" ? 0 : offset + after);
  const Buffer = (isShared ? own.SharedArrayBuffer : own.ArrayBuffer) as new (
    length: number,
    options?: { maxByteLength: number },
  ) => ArrayBuffer;
  const buffer =
    isResizable && !isShared ? new Buffer(length, { maxByteLength: length * 2 }) : new Buffer(length);
  new Uint8Array(buffer).fill(0x55).set(bytes, offset);
  if (kind === "buffer") return buffer;
  const View = own[kind] as unknown as {
    new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
    readonly BYTES_PER_ELEMENT?: number;
  };
  return new View(buffer, offset, bytes.length / (View.BYTES_PER_ELEMENT ?? 1));
}

describe.each([
  ["src", loadSource],
  ["dist/runtime.js", shipped.load],
])("load of %s", (_where, load) => {
  const runs = async (source: unknown) => {
    using model = await load(source as Uint8Array);
    return [...model.run(Float32Array.of(3, 4)).d];
  };

  it("takes bytes of any realm, shared or not, in any view", () =>
    fc.assert(
      fc.asyncProperty(holders, async (holder) => {
        // A file in f32 with one weight of 8 bytes ends at a multiple of 8.
        expect(await runs(hold(file, holder))).toEqual([11]);
      }),
      { numRuns: 60 },
    ));

  it("takes a Buffer that begins inside of another", async () => {
    const whole = Buffer.concat([Buffer.from("xyz"), file, Buffer.from("tail")]);
    expect(await runs(whole.subarray(3, 3 + file.length))).toEqual([11]);
  });

  it("takes a Blob, a File and a Response", async () => {
    for (const source of [new Blob([file]), new File([file], "m.pare"), new Response(file)]) {
      expect(await runs(source)).toEqual([11]);
    }
  });

  it("says what it got where that is none of these", async () => {
    const wanted = "load: wanted a path, URL, Response, Blob or bytes, got ";
    for (const [source, kind] of [
      [undefined, "Undefined"],
      [null, "Null"],
      [12, "Number"],
      [{}, "Object"],
      [[1, 2], "Array"],
    ]) {
      await expect(load(source as Uint8Array)).rejects.toThrow(new TypeError(wanted + kind));
    }
  });

  describe("where the engine has no strict TextDecoder", () => {
    afterEach(() => vi.unstubAllGlobals());
    const lax = class {
      decode = () => "{}";
    };
    const throwing = class {
      constructor(_: string, { fatal = false } = {}) {
        if (fatal) throw new RangeError("fatal is not supported");
      }
    };
    it.each([
      ["none", undefined],
      ["one that is never strict", lax],
      ["one that refuses to be", throwing],
    ])("but %s", async (_what, decoder) => {
      vi.stubGlobal("TextDecoder", decoder);
      expect(await runs(file)).toEqual([11]);
      const broken = file.slice();
      broken[20] = 0xff;
      await expect(runs(broken)).rejects.toThrow("header is not UTF-8");
    });
  });
});

describe("other doors for bytes", () => {
  it("are as wide: artifacts of a model, in one piece or in parts, and blobs of compress", () =>
    fc.assert(
      fc.asyncProperty(holders, holders, fc.boolean(), async (first, second, isWhole) => {
        const kernel = (scale: number) => new Uint8Array(Float32Array.of(scale, 2 * scale).buffer);
        const weightSpecs = [
          { name: "d/kernel", shape: [2, 1], dtype: "float32" },
          { name: "other", shape: [2], dtype: "float32" },
        ];
        const both = new Uint8Array([...kernel(5), ...kernel(7)]);
        const parts = [hold(kernel(5), first), hold(kernel(7), second)];
        const weightData = isWhole ? hold(both, first) : parts;
        const graph = importModel({ ...artifacts, weightSpecs, weightData });
        expect([...(graph.weights.get("d/kernel")?.data ?? [])]).toEqual([5, 10]);
      }),
      { numRuns: 60 },
    ));

  it("a Buffer of a pool: its weights are its own", () => {
    const weightData = Buffer.from(Float32Array.of(5, 10).buffer.slice(0)).subarray(0);
    const pooled = Buffer.concat([Buffer.from("xxxxxxxx"), weightData]).subarray(8);
    const graph = importModel({ ...artifacts, weightData: pooled });
    expect([...(graph.weights.get("d/kernel")?.data ?? [])]).toEqual([5, 10]);
  });

  it("compress reads blobs, importModel says that it cannot wait for one", async () => {
    const blob = new Blob([artifacts.weightData]);
    for (const weightData of [blob, [blob]]) {
      const result = await compress({ ...artifacts, weightData }, { precision: "f32" });
      expect(new Uint8Array(await result.bytes())).toEqual(file);
    }
    const importBlob = () => importModel({ ...artifacts, weightData: blob as unknown as ArrayBuffer });
    expect(importBlob).toThrow(/got Blob; await its arrayBuffer\(\)/);
  });

  it("describePare takes a buffer, and names what is none", () => {
    expect(describePare(file.buffer).fileBytes).toBe(file.length);
    expect(() => describePare("m.pare" as unknown as Uint8Array)).toThrow("got String");
  });
});

describe("FormatError", () => {
  const broken = (load: (bytes: Uint8Array) => Promise<unknown>) =>
    load(new Uint8Array(3)).then(
      () => undefined,
      (error: unknown) => error,
    );

  it("is one class for all entries, whichever bundle threw", async () => {
    const entries = ["index", "runtime", "tfjs"].map((name) => `../../dist/${name}.js`);
    const modules = await Promise.all(entries.map((path) => import(path)));
    const classes: unknown[] = [FormatError, ...modules.map((module) => module.FormatError)];
    const errors = [await broken(loadSource), await broken(shipped.load), await broken(modules[0].load)];
    for (const error of errors) {
      for (const kind of classes.filter(Boolean)) expect(error).toBeInstanceOf(kind as typeof FormatError);
      expect(error).toMatchObject({ name: "FormatError", code: "container-short" });
    }
    for (const other of [new Error("no"), { name: "FormatError" }, null, undefined, 3]) {
      expect(other instanceof FormatError).toBe(false);
    }
  });
});
