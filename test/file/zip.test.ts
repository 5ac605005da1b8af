import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../src/file/errors.js";
import { openZip } from "../../src/file/zip.js";

const text = (value: string) => new TextEncoder().encode(value);
const files = {
  "a.txt": text("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
  "b/c": text("other"),
  empty: text(""),
};
const make = (level: 0 | 6) => zipSync(files, { level, comment: "a comment" });

/** Of all entries. */
async function readAll(bytes: Uint8Array) {
  const zip = openZip(bytes);
  for (const name of zip.names) await zip.read(name, 2 ** 20);
}

const refused = (bytes: Uint8Array, code: string) =>
  expect((async () => readAll(bytes))()).rejects.toMatchObject({ name: "FormatError", code });

/** Where a signature stands for the n-th time. */
function find(bytes: Uint8Array, signature: number, n = 0): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let left = n;
  for (let at = 0; at + 4 <= bytes.length; at++) {
    if (view.getUint32(at, true) === signature && left-- === 0) return at;
  }
  throw new Error("no such signature");
}

const directoryEntry = 0x02014b50;
const end = 0x06054b50;

/** Writes a number of `size` bytes at a place after a signature. */
function patched(
  bytes: Uint8Array,
  signature: number,
  offset: number,
  value: number,
  n = 0,
  size = 4,
): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  const at = find(copy, signature, n) + offset;
  if (size === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
  return copy;
}

describe.each([0, 6] as const)("zip archives of level %i", (level) => {
  it("gives the bytes of each entry", async () => {
    const zip = openZip(make(level));
    expect(zip.names).toEqual(Object.keys(files));
    for (const [name, bytes] of Object.entries(files)) expect(await zip.read(name, 100)).toEqual(bytes);
    expect(await zip.read("nothing", 100)).toBeUndefined();
    await expect(zip.read("a.txt", 39)).rejects.toMatchObject({ code: "zip-large" });
  });

  it("refuses one that is cut anywhere", async () => {
    const bytes = make(level);
    for (let length = 0; length < bytes.length; length++) {
      await expect((async () => readAll(bytes.subarray(0, length)))(), `${length} bytes`).rejects.toThrow(
        FormatError,
      );
    }
  });

  it("refuses sizes, places and sums that are others", async () => {
    const bytes = make(level);
    await refused(patched(bytes, directoryEntry, 16, 1), "zip-corrupt");
    await refused(patched(bytes, directoryEntry, 20, 10_000), "zip-corrupt");
    await refused(patched(bytes, directoryEntry, 42, 1_000_000), "zip-corrupt");
    await refused(patched(bytes, directoryEntry, 42, 0, 1), "zip-corrupt");
    await refused(patched(bytes, directoryEntry, 8, 1, 0, 2), "zip-unsupported");
    await refused(patched(bytes, directoryEntry, 10, 12, 0, 2), "zip-unsupported");
    await refused(patched(bytes, end, 10, 60_000, 0, 2), "zip-corrupt");
    await refused(patched(bytes, end, 16, 5), "zip-corrupt");
    await refused(patched(bytes, end, 16, 0xffffffff), "zip-corrupt");
    await refused(patched(bytes, directoryEntry, 24, 0xffffffff), "zip-corrupt");
  });
});

it("refuses a bomb for the price of its first bytes", async () => {
  const bytes = zipSync({ zeros: new Uint8Array(50 * 2 ** 20) }, { level: 9 });
  await refused(bytes, "zip-large");
  await refused(patched(bytes, directoryEntry, 24, 1000), "stream-size");
  await refused(patched(bytes, directoryEntry, 24, 0x7fffffff), "zip-large");
});

it("refuses a name that is there twice", async () => {
  const bytes = zipSync({ ab: text("1"), ac: text("2") }, { level: 0 });
  const copy = bytes.slice();
  copy[find(copy, directoryEntry, 1) + 47] = "b".charCodeAt(0);
  await refused(copy, "zip-corrupt");
});

it("reads numbers of 64 bits where an archive has them", async () => {
  const plain = zipSync({ x: text("hello") }, { level: 0 });
  const at = find(plain, directoryEntry);
  const tail = find(plain, end);
  // One entry whose three numbers stand in an extra field of 28 bytes.
  const entry = plain.slice(at, tail);
  const view = new DataView(entry.buffer);
  for (const offset of [20, 24, 42]) view.setUint32(offset, 0xffffffff, true);
  view.setUint16(30, 28, true);
  const extra = new DataView(new ArrayBuffer(28));
  extra.setUint16(0, 1, true);
  extra.setUint16(2, 24, true);
  extra.setBigUint64(4, 5n, true);
  extra.setBigUint64(12, 5n, true);
  const record = new DataView(new ArrayBuffer(56));
  record.setUint32(0, 0x06064b50, true);
  record.setBigUint64(32, 1n, true);
  record.setBigUint64(40, BigInt(entry.length + 28), true);
  record.setBigUint64(48, BigInt(at), true);
  const locator = new DataView(new ArrayBuffer(20));
  locator.setUint32(0, 0x07064b50, true);
  locator.setBigUint64(8, BigInt(at + entry.length + 28), true);
  const last = plain.slice(tail);
  new DataView(last.buffer).setUint32(16, 0xffffffff, true);
  const whole = new Uint8Array(
    Buffer.concat([
      plain.subarray(0, at),
      entry,
      new Uint8Array(extra.buffer),
      new Uint8Array(record.buffer),
      new Uint8Array(locator.buffer),
      last,
    ]),
  );
  expect(await openZip(whole).read("x", 10)).toEqual(text("hello"));
});
