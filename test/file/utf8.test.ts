import fc from "fast-check";
import { expect, it } from "vitest";
import { decodeUtf8 } from "../../src/file/utf8.js";

/** The platform's, strict and with byte order marks kept. */
function wanted(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

it("reads all that is UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
      expect(decodeUtf8(new TextEncoder().encode(text))).toBe(text);
    }),
  );
  const long = "aé€𝄞".repeat(30_000);
  expect(decodeUtf8(new TextEncoder().encode(long))).toBe(long);
});

it("refuses what is none, as a strict TextDecoder does", () => {
  // Bytes near the edges of what may follow what.
  const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1];
  const byte = fc.constantFrom(
    ...edges,
    0xec,
    0xed,
    0xee,
    0xef,
    0xf0,
    0xf1,
    0xf3,
    0xf4,
    0xf5,
    0xf8,
    0xff,
    0xbb,
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(byte, fc.nat(255)), { maxLength: 8 }), (list) => {
      const bytes = Uint8Array.from(list);
      expect(decodeUtf8(bytes)).toBe(wanted(bytes));
    }),
    { numRuns: 5000 },
  );
});
