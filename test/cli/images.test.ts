import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isPictures, readClassPictures, readPictures } from "../../src/cli/images.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-images-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function png(
  name: string,
  width: number,
  height: number,
  channels: number,
  data: number[],
  depth: 8 | 16 = 8,
) {
  const path = join(folder, name);
  const pixels = depth === 16 ? Uint16Array.from(data) : Uint8Array.from(data);
  writeFileSync(path, encodePng({ width, height, channels: channels as 1 | 2 | 3 | 4, data: pixels, depth }));
  return path;
}

test("a PNG in its own size comes as it is, without its alpha", async () => {
  const path = png("a.png", 2, 1, 4, [1, 2, 3, 255, 40, 50, 60, 0]);
  expect(await isPictures(path)).toBe(true);
  const { shape, data } = await readPictures(path, [1, 2, 3]);
  expect(shape).toEqual([1, 1, 2, 3]);
  expect([...data]).toEqual([1, 2, 3, 40, 50, 60]);
});

test("grey becomes three channels, colours become luma, 16 bits become 8", async () => {
  expect([...(await readPictures(png("g.png", 1, 2, 1, [7, 200]), [2, 1, 3])).data]).toEqual([
    7, 7, 7, 200, 200, 200,
  ]);
  expect([...(await readPictures(png("c.png", 1, 1, 3, [255, 0, 0]), [1, 1])).data]).toEqual([76]);
  expect([...(await readPictures(png("d.png", 1, 1, 1, [65_535], 16), [1, 1, 1])).data]).toEqual([255]);
});

test("samples of fewer bits than 8 lie packed, each row from a byte of its own", async () => {
  const path = join(folder, "bits.png");
  // 10 x 2 of one bit: alternating, then the last four of eight and two more.
  const data = Uint8Array.from([0b10101010, 0b10000000, 0b00001111, 0b01000000]);
  writeFileSync(path, encodePng({ width: 10, height: 2, channels: 1, depth: 1, data }));
  const rows = [
    [1, 0, 1, 0, 1, 0, 1, 0, 1, 0],
    [0, 0, 0, 0, 1, 1, 1, 1, 0, 1],
  ];
  expect([...(await readPictures(path, [2, 10, 1])).data]).toEqual(rows.flat().map((bit) => bit * 255));
});

test("another size is resized, pixels by their centres", async () => {
  const path = png("r.png", 4, 1, 1, [0, 100, 200, 40]);
  expect([...(await readPictures(path, [1, 2, 1])).data]).toEqual([50, 120]);
  expect([...(await readPictures(path, [2, 4, 1])).data]).toEqual([0, 100, 200, 40, 0, 100, 200, 40]);
  expect([...(await readPictures(png("s.png", 2, 1, 1, [0, 100]), [1, 4, 1])).data]).toEqual([
    0, 25, 75, 100,
  ]);
});

test("a folder is its pictures in the order of their names, a JPEG is read too", async () => {
  const inner = mkdtempSync(join(folder, "all-"));
  writeFileSync(join(inner, "notes.txt"), "no picture");
  const grey = (value: number) => ({ width: 8, height: 8, data: Buffer.alloc(256, value) });
  writeFileSync(join(inner, "b.jpg"), jpeg.encode(grey(200), 100).data);
  writeFileSync(join(inner, "a.jpeg"), jpeg.encode(grey(30), 100).data);
  expect(await isPictures(inner)).toBe(true);
  const { shape, data } = await readPictures(inner, [8, 8, 1]);
  expect(shape).toEqual([2, 8, 8, 1]);
  expect([data[0], data[64]].map((value) => Math.round(value / 5))).toEqual([6, 40]);
});

test.each([
  ["no picture", () => join(folder, "bad.png"), [1, 1, 3], /bad\.png: wanted a PNG or JPEG picture/],
  [
    "an empty folder",
    () => mkdtempSync(join(folder, "none-")),
    [1, 1, 3],
    /wanted \.jpg or \.png files, got none/,
  ],
  [
    "an input that is none",
    () => join(folder, "bad.png"),
    [784],
    /wanted an input of \[height, width, 1 or 3\]/,
  ],
])("%s is refused", async (_what, path, shape, message) => {
  if (!existsSync(join(folder, "bad.png"))) writeFileSync(join(folder, "bad.png"), "not a picture");
  await expect(readPictures(path(), shape)).rejects.toThrow(message);
});

test("a damaged PNG is refused, wherever a bit of it fell over", async () => {
  const path = png("damaged.png", 4, 3, 3, [...Array(36).keys()]);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at++) {
    writeFileSync(path, bytes.with(at, bytes[at] ^ 4));
    await expect(readPictures(path, [3, 4, 3]), `byte ${at}`).rejects.toThrow(
      /damaged\.png: wanted a PNG or JPEG picture \(.*[^:]\)$/,
    );
  }
});

test("a folder a class is labelled data, classes in the order of their names", async () => {
  const inner = mkdtempSync(join(folder, "classes-"));
  const name = inner.slice(folder.length + 1);
  for (const kind of ["dog", "Cat", "ant", ".cache"]) mkdirSync(join(inner, kind));
  writeFileSync(join(inner, "README.txt"), "no class");
  writeFileSync(join(inner, "dog", "notes.txt"), "no picture");
  png(`${name}/dog/b.png`, 2, 1, 1, [5, 6]);
  png(`${name}/dog/a.png`, 2, 1, 1, [3, 4]);
  png(`${name}/Cat/z.png`, 2, 1, 1, [1, 2]);
  png(`${name}/ant/q.png`, 4, 2, 1, Array(8).fill(9)); // resized, as all pictures are
  const { pictures, labels, classes } = await readClassPictures(inner, [1, 2, 1]);
  expect(classes).toEqual(["Cat", "ant", "dog"]);
  expect([...labels]).toEqual([0, 1, 2, 2]);
  expect(pictures.shape).toEqual([4, 1, 2, 1]);
  expect([...pictures.data]).toEqual([1, 2, 9, 9, 3, 4, 5, 6]);

  writeFileSync(join(inner, "ant", "broken.png"), "not a picture");
  await expect(readClassPictures(inner, [1, 2, 1])).rejects.toThrow(/ant\/broken\.png: /);
  mkdirSync(join(inner, "empty"));
  await expect(readClassPictures(inner, [1, 2, 1])).rejects.toThrow(/empty: wanted \.jpg or \.png files/);
  png(`${name}/stray.png`, 1, 1, 1, [0]);
  await expect(readClassPictures(inner, [1, 2, 1])).rejects.toThrow(/got stray\.png beside them/);
});

test("a folder without classes is refused, and an input that is no picture", async () => {
  const inner = mkdtempSync(join(folder, "flat-"));
  await expect(readClassPictures(inner, [1, 2, 1])).rejects.toThrow(
    /wanted a folder of pictures a class, got none/,
  );
  await expect(readClassPictures(inner, [784])).rejects.toThrow(/wanted an input of/);
});
