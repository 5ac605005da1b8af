import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { encodeIdx, encodeNpy, parseArray, readArray, readDigits } from "../../src/data/index.js";
import { expectRejection, sharedData } from "./support.js";

const folder = mkdtempSync(join(tmpdir(), "pare-data-"));
afterAll(() => rmSync(folder, { recursive: true }));

function put(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const array = { shape: [2, 2], dtype: "uint8", data: Uint8Array.of(1, 2, 3, 4) } as const;
const arrayOf = { ...array, shape: [2, 2] };

describe("readArray", () => {
  test.each([
    ["plain", encodeNpy(arrayOf)],
    ["plain-idx", encodeIdx(arrayOf)],
    ["named-wrongly.csv", encodeNpy(arrayOf)],
    ["zipped-without-a-name", gzipSync(encodeNpy(arrayOf))],
    ["idx.gz", gzipSync(encodeIdx(arrayOf))],
  ])("%s is what its content says", async (name, bytes) => {
    expect(await readArray(put(name, bytes))).toEqual(arrayOf);
  });

  test("csv, gzipped or not", async () => {
    const want = { shape: [2, 2], dtype: "float64", data: Float64Array.of(1, 2, 3, 4) };
    expect(await readArray(put("a.csv", "x,y\n1,2\n3,4\n"))).toEqual(want);
    expect(await readArray(put("a.csv.gz", gzipSync("1;2\r\n3;4")), { csv: { separator: ";" } })).toEqual(
      want,
    );
  });

  test.each<[code: string, name: string, bytes: Uint8Array | string, maxBytes?: number]>([
    ["data-empty", "empty", ""],
    ["data-unknown", "page.npy", "<!DOCTYPE html>"],
    ["data-unknown", "short.idx", Uint8Array.of(0, 0)],
    ["data-size", "large", encodeNpy(arrayOf), 100],
    ["gzip-size", "bomb.gz", gzipSync(new Uint8Array(5_000_000)), 100_000],
    ["gzip-corrupt", "cut.gz", gzipSync(encodeNpy(arrayOf)).subarray(0, 40)],
    ["gzip-corrupt", "flipped.gz", gzipSync(encodeNpy(arrayOf)).fill(0, 20, 40)],
    ["npy-size", "cut.npy", encodeNpy(arrayOf).subarray(0, -1)],
    ["idx-size", "cut.idx", encodeIdx(arrayOf).subarray(0, -1)],
    ["csv-number", "words.csv", "1,2\n3,x\n"],
    ["csv-utf8", "latin.csv", Uint8Array.of(0x31, 0x2c, 0xe9, 0x0a)],
  ])("refuses %s (%s) and names the path", async (code, name, bytes, maxBytes) => {
    const path = put(name, bytes);
    const message = await expectRejection(code, readArray(path, maxBytes ? { maxBytes } : {}));
    expect(message.startsWith(`${path}: `)).toBe(true);
  });

  test("a limit that is exactly met is met", async () => {
    const file = encodeNpy(arrayOf);
    expect(await readArray(put("exact.gz", gzipSync(file)), { maxBytes: file.length })).toEqual(arrayOf);
    await expect(readArray("x", { maxBytes: 0 })).rejects.toThrow(RangeError);
  });

  test("an absent file is no refusal but an Error with its cause", async () => {
    const path = join(folder, "absent.npy");
    await expect(readArray(path)).rejects.toThrow(`cannot read ${path}`);
    await expect(readArray(path)).rejects.toMatchObject({ cause: { code: "ENOENT" } });
    await expect(readArray(folder)).rejects.toThrow(`cannot read ${folder}`);
  });

  test("bytes in memory", () => {
    expect(parseArray(encodeNpy(arrayOf), "anything")).toEqual(arrayOf);
  });
});

describe("readDigits", () => {
  const images = encodeIdx({ shape: [2, 1, 2], dtype: "uint8", data: Uint8Array.of(1, 2, 3, 4) });
  const labels = encodeIdx({ shape: [2], dtype: "uint8", data: Uint8Array.of(7, 8) });

  test("says which files are missing, reads them once there, and wants them to match", async () => {
    put("train-images-idx3-ubyte", images);
    put("train-labels.idx1-ubyte", labels);
    put("t10k-images-idx3-ubyte.gz", gzipSync(images));
    const message = await expectRejection("digits-missing", readDigits(folder));
    expect(message).toContain("t10k-labels-idx1-ubyte");
    expect(message).not.toContain("train-");

    put("t10k-labels-idx1-ubyte", labels);
    const { train, test } = await readDigits(folder);
    expect(test).toEqual(train);
    expect(train).toEqual({
      images: Uint8Array.of(1, 2, 3, 4),
      labels: Uint8Array.of(7, 8),
      count: 2,
      rows: 1,
      columns: 2,
    });

    put("t10k-labels-idx1-ubyte", images);
    await expectRejection("digits-shape", readDigits(folder));
    put("t10k-labels-idx1-ubyte", encodeIdx({ shape: [1], dtype: "uint8", data: Uint8Array.of(7) }));
    await expectRejection("digits-shape", readDigits(folder));
    put("train-images-idx3-ubyte", labels);
    await expectRejection("digits-shape", readDigits(folder));
  });

  const mnist = sharedData("mnist");

  test.skipIf(mnist === null)("MNIST itself", async () => {
    const { train, test } = await readDigits(mnist as string);
    expect([train.count, test.count, train.rows, train.columns]).toEqual([60_000, 10_000, 28, 28]);
    expect(train.images.length).toBe(60_000 * 784);
    expect(Array.from(train.labels.subarray(0, 5))).toEqual([5, 0, 4, 1, 9]);
    const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    expect(sha256(train.images.subarray(0, 784))).toBe(
      "23ceaef5eb61f0e70d64ac18fdf0f60df3d5971cf30bbadac7b6ebf07f782d2c",
    );
    expect(sha256(train.labels)).toBe("1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13");
  });
});
