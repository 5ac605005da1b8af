import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { deflate } from "../../src/file/deflate.js";
import { inflate } from "../../src/file/streams.js";
import { deflated, expectCode, seeded } from "./fixtures.js";

const random = seeded(3);
const raw = Uint8Array.from({ length: 5000 }, (_, i) => (i % 7) * Math.floor(random() * 9));

describe("inflate", () => {
  it("reads what deflate writes", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        expect(await inflate(await deflate(new Uint8Array(bytes), "best"), bytes.length, "test")).toEqual(
          bytes,
        );
      }),
      { numRuns: 30 },
    ));

  it("reads what CompressionStream writes, and DecompressionStream reads what deflate writes", async () => {
    const through = async (bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream) =>
      new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
    const packed = await through(raw, new CompressionStream("deflate"));
    expect(await inflate(packed, raw.length, "test")).toEqual(raw);
    expect(
      await through(
        (await deflate(raw, "best")) as Uint8Array<ArrayBuffer>,
        new DecompressionStream("deflate"),
      ),
    ).toEqual(raw);
  });

  it("refuses more and fewer bytes than declared", async () => {
    for (const size of [0, 1, raw.length - 1, raw.length + 1, raw.length * 3]) {
      await expectCode(inflate(deflated(raw), size, "test"), "stream-size");
    }
  });

  it("refuses a bomb after its first bytes, and a declared size that cannot be", async () => {
    const bomb = deflated(new Uint8Array(50_000_000));
    await expectCode(inflate(bomb, 1000, "test"), "stream-size");
    const before = process.memoryUsage().arrayBuffers;
    await expectCode(inflate(deflated(raw), 2 ** 40, "test"), "stream-size");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  });

  it("does not allocate what is declared before it arrives", async () => {
    const packed = deflated(Uint8Array.from({ length: 200_000 }, (_, i) => Math.imul(i, i) >> 7));
    const sizes: number[] = [];
    const { Uint8Array: Original } = globalThis;
    class Spy extends Original {
      constructor(...args: [number]) {
        super(...args);
        if (typeof args[0] === "number") sizes.push(args[0]);
      }
    }
    globalThis.Uint8Array = Spy as typeof Uint8Array;
    try {
      await expectCode(inflate(packed, packed.length * 1000, "test"), "stream-size");
    } finally {
      globalThis.Uint8Array = Original;
    }
    expect(Math.max(...sizes)).toBeLessThan(packed.length * 17);
  });

  it("refuses what is truncated anywhere, flipped or followed by more", async () => {
    const packed = deflated(raw.subarray(0, 300));
    for (let length = 0; length < packed.length; length++) {
      const error = await inflate(packed.slice(0, length), 300, "test").catch((error) => error);
      expect(["stream-corrupt", "stream-size"]).toContain(error.code);
    }
    await expectCode(inflate(packed.slice(0, -1), 300, "test"), "stream-corrupt");
    await expectCode(inflate(new Uint8Array([...packed, 1, 2, 3]), 300, "test"), "stream-corrupt");
    const flipped = packed.slice();
    flipped[packed.length - 1] ^= 1;
    await expectCode(inflate(flipped, 300, "test"), "stream-corrupt");
  });
});
