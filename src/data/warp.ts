// Moves the pixels of a picture: every pixel of the result is looked up once in the picture, between four
// pixels of it (bilinear), and outside of it there is the fill value.

import type { Displacement } from "./elastic.js";

export interface PictureSize {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Where a pixel comes from: x = x0 + xx column + xy row, y = y0 + yx column + yy row, in pixels. */
export interface Placement {
  readonly x0: number;
  readonly xx: number;
  readonly xy: number;
  readonly y0: number;
  readonly yx: number;
  readonly yy: number;
}

/** A sequence of moves, each around the centre of the picture: it is flipped, turned, scaled, then shifted. */
export interface Moves {
  /** Pixels to the right, and down. */
  readonly right: number;
  readonly down: number;
  /** Clockwise. */
  readonly degrees: number;
  /** Above 1 the picture grows. */
  readonly factor: number;
  /** Left and right change places. */
  readonly mirror: boolean;
  /** Top and bottom change places. */
  readonly upend: boolean;
}

/** The moves undone, from the last to the first: where in the picture each pixel of the result comes from. */
export function placementOf({ height, width }: PictureSize, moves: Moves): Placement {
  const { right, down, degrees, factor, mirror, upend } = moves;
  const { cosine, sine } = turn(degrees);
  const flipX = (mirror ? -1 : 1) / factor;
  const flipY = (upend ? -1 : 1) / factor;
  const [xx, xy] = [flipX * cosine, flipX * sine];
  const [yx, yy] = [-flipY * sine, flipY * cosine];
  const [centerX, centerY] = [(width - 1) / 2, (height - 1) / 2];
  return {
    x0: centerX - xx * (centerX + right) - xy * (centerY + down),
    xx,
    xy,
    y0: centerY - yx * (centerX + right) - yy * (centerY + down),
    yx,
    yy,
  };
}

/** Cosine and sine by their series at an eighth of the angle: engines differ in Math.cos. |degrees| <= 180 */
function turn(degrees: number): { cosine: number; sine: number } {
  const angle = (degrees * Math.PI) / 180 / 8;
  const square = angle * angle;
  let cosine = 1;
  let sine = 1;
  for (let k = 12; k >= 2; k -= 2) {
    cosine = 1 - (cosine * square) / (k * (k - 1));
    sine = 1 - (sine * square) / (k * (k + 1));
  }
  sine *= angle;
  for (let doubled = 0; doubled < 3; doubled++) {
    [cosine, sine] = [1 - 2 * sine * sine, 2 * sine * cosine];
  }
  return { cosine, sine };
}

/** Changes pictures of one size in place: f32[height * width * channels]. */
export type Warp = (picture: Float32Array, placement: Placement, displacement?: Displacement) => void;

export function createWarp({ height, width, channels }: PictureSize, fill: number): Warp {
  // The picture with a border of the fill value, one pixel before it and two behind: whatever lies further
  // off is brought to the border, and no pixel needs to ask whether its neighbours exist.
  const stride = (width + 3) * channels;
  const padded = new Float32Array((height + 3) * stride).fill(fill);

  return (picture, { x0, xx, xy, y0, yx, yy }, displacement) => {
    const across = width * channels;
    for (let row = 0; row < height; row++) {
      padded.set(picture.subarray(row * across, (row + 1) * across), (row + 1) * stride + channels);
    }
    for (let row = 0, at = 0; row < height; row++) {
      const rowX = x0 + xy * row;
      const rowY = y0 + yy * row;
      for (let column = 0; column < width; column++, at++) {
        let x = rowX + xx * column;
        let y = rowY + yx * column;
        if (displacement) {
          x += displacement.x[at];
          y += displacement.y[at];
        }
        // Not Math.min and Math.max, which look for NaN and -0.
        x = (x < -1 ? -1 : x > width ? width : x) + 1;
        y = (y < -1 ? -1 : y > height ? height : y) + 1;
        const left = x | 0;
        const top = y | 0;
        const u = x - left;
        const v = y - top;
        let from = top * stride + left * channels;
        for (let to = at * channels; to < (at + 1) * channels; to++, from++) {
          const above = padded[from] + u * (padded[from + channels] - padded[from]);
          const low = from + stride;
          const below = padded[low] + u * (padded[low + channels] - padded[low]);
          picture[to] = above + v * (below - above);
        }
      }
    }
  };
}
