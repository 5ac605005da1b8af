// Pictures as they could have been: shifted, turned, scaled, bent, flipped and noisy, another way each time
// that training meets them. Flip, turn, scale, shift and bend are one look-up of every pixel, not five that
// would blur the picture five times.
//
// All of it on a 28 x 28 picture takes 21 us (7 to look pixels up, 6 to bend, 7 for noise; Node 20, one core):
// a thirtieth of what LeNet-5 needs to learn from it.

import { createDisplacement, type Displacement, type ElasticOptions } from "./elastic.js";
import { checkKeys } from "./keys.js";
import { drawNormal } from "./normals.js";
import type { Random } from "./random.js";
import { createWarp, type PictureSize, placementOf, type Warp } from "./warp.js";

/** What is done to each picture; what is left out or 0 is not done. */
export interface AugmentOptions {
  /** Moves it by up to so many pixels along either axis, >= 0. */
  readonly shift?: number;
  /** Turns it around its centre by up to so many degrees either way, in [0, 180]. */
  readonly rotate?: number;
  /** Makes it up to so much larger or smaller, in [0, 1): 0.1 is a factor in [0.9, 1.1). */
  readonly scale?: number;
  /** Bends it. Simard's own setting for MNIST is about a strength of 1.4 and a smoothness of 4. */
  readonly elastic?: ElasticOptions;
  /** Flips every second one, by chance: horizontal is left and right; with both, each by its own chance. */
  readonly flip?: "horizontal" | "vertical" | "both";
  /** Deviation of the normal noise that is added to every number at the end, >= 0, in the units of the data. */
  readonly noise?: number;
  /** What lies outside of the picture, finite; 0 unless given. Black, in the units of the data. */
  readonly fill?: number;
}

/**
 * Changes a batch of pictures in place.
 *
 * @param x f32[count, ...shape]; more may follow, which is left alone
 * @param count pictures, an integer >= 0
 * @param shape [height, width] or [height, width, channels]
 * @param random every chance is taken from it
 * @throws RangeError for another shape, or where x holds fewer pictures
 */
export type Augment = (x: Float32Array, count: number, shape: readonly number[], random: Random) => void;

/**
 * Makes an augmentation for training. Without any option, or with all of them 0, it changes nothing and
 * draws nothing.
 *
 * @param options what to do, in pixels, degrees and the units of the data
 * @returns the augmentation; for the same state of `random` it does the same in every engine
 * @throws TypeError, RangeError for an option that is none, by name
 */
export function augmenter(options: AugmentOptions): Augment {
  checkOptions(options);
  const { noise = 0, fill = 0 } = options;
  const isMoved = Boolean(options.shift || options.rotate || options.scale || options.flip);
  const isBent = Boolean(options.elastic?.strength);
  const moverOf = rememberLast((size: PictureSize) => createMover(size, options, isBent, fill));
  return (x, count, shape, random) => {
    const size = checkBatch(x, count, shape);
    const numbers = size.height * size.width * size.channels;
    if (isMoved || isBent) {
      const move = moverOf(size);
      for (let i = 0; i < count; i++) move(x.subarray(i * numbers, (i + 1) * numbers), random);
    }
    if (noise > 0) for (let i = 0; i < count * numbers; i++) x[i] += noise * drawNormal(random);
  };
}

/** All but the noise, for pictures of one size. */
function createMover(size: PictureSize, options: AugmentOptions, isBent: boolean, fill: number) {
  const { shift = 0, rotate = 0, scale = 0, flip } = options;
  const warp: Warp = createWarp(size, fill);
  const displacement: Displacement | undefined = isBent
    ? createDisplacement(size.height, size.width, options.elastic as ElasticOptions)
    : undefined;
  const draw = (random: Random, reach: number) => (reach > 0 ? random.uniform(-reach, reach) : 0);
  const toss = (random: Random, direction: typeof flip) =>
    flip !== undefined && (flip === direction || flip === "both") && random.uniform() < 0.5;
  return (picture: Float32Array, random: Random): void => {
    const placement = placementOf(size, {
      right: draw(random, shift),
      down: draw(random, shift),
      degrees: draw(random, rotate),
      factor: 1 + draw(random, scale),
      mirror: toss(random, "horizontal"),
      upend: toss(random, "vertical"),
    });
    displacement?.draw(random);
    warp(picture, placement, displacement);
  };
}

/** Training asks for one size again and again. */
function rememberLast<T>(make: (size: PictureSize) => T): (size: PictureSize) => T {
  let last: { readonly size: PictureSize; readonly made: T } | undefined;
  return (size) => {
    const isSame =
      last?.size.height === size.height &&
      last.size.width === size.width &&
      last.size.channels === size.channels;
    if (!last || !isSame) last = { size, made: make(size) };
    return last.made;
  };
}

function checkBatch(x: Float32Array, count: number, shape: readonly number[]): PictureSize {
  const [height, width, channels = 1] = shape;
  const isPicture = shape.length === 2 || shape.length === 3;
  if (!isPicture || shape.some((size) => !Number.isInteger(size) || size < 1)) {
    throw new RangeError(
      `augment: wanted pictures of [height, width] or [height, width, channels], got [${shape.join(", ")}]`,
    );
  }
  // By name, not by instanceof: arrays come from other realms too.
  if (Object.prototype.toString.call(x) !== "[object Float32Array]")
    throw new TypeError("augment: wanted pictures in a Float32Array");
  if (!Number.isInteger(count) || count < 0 || count * height * width * channels > x.length) {
    const held = Math.floor(x.length / (height * width * channels));
    throw new RangeError(`augment: wanted a count in [0, ${held}], the pictures of x, got ${count}`);
  }
  return { height, width, channels };
}

interface Bounds {
  readonly wanted: string;
  holds(value: number): boolean;
}

const atLeastZero: Bounds = { wanted: "a finite number >= 0", holds: (v) => v >= 0 };
const bounds: Readonly<Record<"shift" | "rotate" | "scale" | "noise" | "fill", Bounds>> = {
  shift: atLeastZero,
  rotate: { wanted: "a number in [0, 180]", holds: (v) => v >= 0 && v <= 180 },
  scale: { wanted: "a number in [0, 1)", holds: (v) => v >= 0 && v < 1 },
  noise: atLeastZero,
  fill: { wanted: "a finite number", holds: () => true },
};

const flips: readonly unknown[] = ["horizontal", "vertical", "both", undefined];

const known = {
  shift: true,
  rotate: true,
  scale: true,
  elastic: true,
  flip: true,
  noise: true,
  fill: true,
} as const;

function checkOptions(options: AugmentOptions): void {
  checkKeys("augmenter", options, known);
  for (const [name, bound] of Object.entries(bounds)) {
    checkNumber(name, options[name as keyof typeof bounds] ?? 0, bound);
  }
  if (!flips.includes(options.flip)) {
    throw new RangeError(`flip: wanted horizontal, vertical or both, got ${options.flip}`);
  }
  if (options.elastic === undefined) return;
  checkNumber("elastic.strength", options.elastic.strength, atLeastZero);
  const smooth = { wanted: "a finite number >= 0.5", holds: (v: number) => v >= 0.5 };
  checkNumber("elastic.smoothness", options.elastic.smoothness, smooth);
}

function checkNumber(name: string, value: unknown, { wanted, holds }: Bounds): void {
  if (typeof value !== "number") throw new TypeError(`${name}: wanted ${wanted}, got ${typeof value}`);
  if (!Number.isFinite(value) || !holds(value))
    throw new RangeError(`${name}: wanted ${wanted}, got ${value}`);
}
