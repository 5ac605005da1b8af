import { describe, expect, test } from "vitest";
import { hasPhotos, photoCrops, photoFolder, photos } from "../../../bench/zoo/photos.js";

if (!hasPhotos) console.log(`skipped: crops of photographs, ${photoFolder} is absent`);

describe.skipIf(!hasPhotos)("crops", () => {
  const pixels = { scale: 1 / 127.5, offset: -1 };
  const crops = (set: "calibration" | "heldOut", seed: number) =>
    photoCrops({ set, count: 6, seed, shape: [24, 32, 3], pixels });

  test("are the same for the same seed, and in the scale of the model", async () => {
    const x = await crops("calibration", 1);
    expect(x.length).toBe(6 * 24 * 32 * 3);
    expect(await crops("calibration", 1)).toEqual(x);
    expect(await crops("calibration", 2)).not.toEqual(x);
    expect(x.every((value) => value >= -1 && value <= 1)).toBe(true);
    // A photograph is neither black nor white all over.
    expect(Math.max(...x) - Math.min(...x)).toBeGreaterThan(1);
  });

  test("of one channel are the luma of those of three", async () => {
    const [grey, color] = await Promise.all(
      [1, 3].map((channels) =>
        photoCrops({
          set: "heldOut",
          count: 2,
          seed: 3,
          shape: [8, 8, channels],
          pixels: { scale: 1, offset: 0 },
        }),
      ),
    );
    grey.forEach((value, i) => {
      const [red, green, blue] = color.subarray(i * 3, i * 3 + 3);
      expect(value).toBeCloseTo(0.299 * red + 0.587 * green + 0.114 * blue, 2);
    });
  });

  test("come of photographs that calibration has, or of those it has not", () => {
    const names: readonly string[] = photos.calibration;
    expect(photos.heldOut.filter((name) => names.includes(name))).toEqual([]);
  });
});
