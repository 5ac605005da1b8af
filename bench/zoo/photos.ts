/** Crops of photographs as samples: seeded scales, positions and flips, and some photographs kept out of calibration. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { decodePicture, type Picture } from "../../src/cli/images.js";
import { createRandom } from "../../src/data/index.js";

export const photoFolder = "../shared/data/photos";
export const hasPhotos = existsSync(photoFolder);

/** Two of the five are kept out: an animal in colour, and a scene with a large dark sky. */
export const photos = {
  calibration: ["astronaut.png", "camera.png", "coffee.png"],
  heldOut: ["chelsea.png", "rocket.jpg"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type PhotoSet = keyof typeof photos;

/** How a model takes pixels of 0 to 255: value = pixel * scale + offset. */
export interface PixelScale {
  readonly scale: number;
  readonly offset: number;
}

export interface CropOptions {
  readonly set: PhotoSet;
  readonly count: number;
  readonly seed: number;
  /** [height, width, 1 or 3]; one channel is luma. */
  readonly shape: readonly number[];
  readonly pixels: PixelScale;
}

/** f32[count][...shape]: of each photograph as many, in turn. */
export async function photoCrops({ set, count, seed, shape, pixels }: CropOptions): Promise<Float32Array> {
  const pictures = await Promise.all(photos[set].map(openPhoto));
  const random = createRandom(seed);
  const size = shape.reduce((product, dim) => product * dim, 1);
  const [height, width] = shape;
  const x = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const picture = pictures[i % pictures.length];
    const largest = Math.min(picture.width / width, picture.height / height);
    // From a third of the photograph to all of it, near and far alike.
    const step = largest * 3 ** -random.uniform();
    const left = random.uniform(0, picture.width - step * width);
    const top = random.uniform(0, picture.height - step * height);
    const isFlipped = random.below(2) === 1;
    sample(picture, { left, top, step, isFlipped }, shape, pixels, x.subarray(i * size, (i + 1) * size));
  }
  return x;
}

const opened = new Map<string, Promise<Picture>>();

function openPhoto(name: string): Promise<Picture> {
  let picture = opened.get(name);
  if (!picture) {
    const path = `${photoFolder}/${name}`;
    picture = readFile(path).then((bytes) => decodePicture(bytes, path));
    opened.set(name, picture);
  }
  return picture;
}

interface Crop {
  readonly left: number;
  readonly top: number;
  /** Pixels of the photograph a pixel of the sample. */
  readonly step: number;
  readonly isFlipped: boolean;
}

/** Bilinear, pixels by their centres. */
function sample(
  { width, height, data }: Picture,
  { left, top, step, isFlipped }: Crop,
  [rows, columns, channels]: readonly number[],
  { scale, offset }: PixelScale,
  out: Float32Array,
): void {
  const clamp = (at: number, limit: number) => Math.min(Math.max(at, 0), limit);
  const color = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    const y = clamp(top + (row + 0.5) * step - 0.5, height - 1);
    const above = Math.min(Math.floor(y), height - 2);
    for (let column = 0; column < columns; column++) {
      const x = clamp(left + (column + 0.5) * step - 0.5, width - 1);
      const before = Math.min(Math.floor(x), width - 2);
      const [down, across] = [y - above, x - before];
      for (let c = 0; c < 3; c++) {
        const at = (above * width + before) * 3 + c;
        const below = at + width * 3;
        const upper = data[at] + across * (data[at + 3] - data[at]);
        const lower = data[below] + across * (data[below + 3] - data[below]);
        color[c] = upper + down * (lower - upper);
      }
      const place = row * columns + (isFlipped ? columns - 1 - column : column);
      if (channels === 1) {
        out[place] = (0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]) * scale + offset;
      } else for (let c = 0; c < 3; c++) out[place * 3 + c] = color[c] * scale + offset;
    }
  }
}
