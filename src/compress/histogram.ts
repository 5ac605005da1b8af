/** What a value was over the calibration samples: extremes, a fine histogram, means by channel. */

/** Half on each side of 0: a bin is 1/8192 of the range, so at least 32 bins to a u7 code. */
const bins = 16_384;
const half = bins / 2;

export interface Statistics {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  /** Numbers in bin i, which is [(i - half) width, (i - half + 1) width); zeros are in bin half. */
  readonly histogram: Float64Array;
  readonly width: number;
  /** Mean, and largest magnitude, of each channel of the last axis. */
  readonly mean: Float64Array;
  readonly largest: Float64Array;
}

/**
 * Gathers statistics in one pass, without knowing the range in advance: the histogram spans
 * [-2^e, 2^e) and doubles when a number does not fit, each two bins becoming one.
 */
export class StatisticsBuilder {
  #count = 0;
  #min = Infinity;
  #max = -Infinity;
  // Grows from the smallest: the first number fits it.
  #reach = 2 ** -126;
  #histogram = new Float64Array(bins);
  readonly #sums: Float64Array;
  readonly #largest: Float64Array;

  /**
   * @param name of the value, for messages
   * @param channels size of its last axis
   */
  constructor(
    readonly name: string,
    readonly channels: number,
  ) {
    this.#sums = new Float64Array(channels);
    this.#largest = new Float64Array(channels);
  }

  /**
   * @param data whole rows of channels
   * @throws RangeError for NaN or Infinity, naming the value
   */
  add(data: Float32Array): void {
    if (data.length === 0) return;
    let low = Infinity;
    let high = -Infinity;
    let zero = 0;
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      // NaN for NaN and for infinities, 0 for all else.
      zero += value * 0;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    if (zero !== 0) this.#refuse(data);
    this.#min = Math.min(this.#min, low);
    this.#max = Math.max(this.#max, high);
    while (Math.max(-low, high) >= this.#reach) this.#double();
    this.#gather(data);
    this.#count += data.length;
  }

  #gather(data: Float32Array): void {
    const histogram = this.#histogram;
    const perUnit = half / this.#reach;
    const sums = this.#sums;
    const largest = this.#largest;
    const { channels } = this;
    // A loop of its own for a row: a fifth of the time of calibration is spent here.
    for (let i = 0; i < data.length; ) {
      for (let channel = 0; channel < channels; channel++, i++) {
        const value = data[i];
        histogram[Math.floor(value * perUnit) + half] += 1;
        sums[channel] += value;
        const magnitude = Math.abs(value);
        if (magnitude > largest[channel]) largest[channel] = magnitude;
      }
    }
  }

  #refuse(data: Float32Array): never {
    const wrong = data.find((value) => !Number.isFinite(value));
    throw new RangeError(`calibration: wanted finite numbers in value ${this.name}, got ${wrong}`);
  }

  /** @throws RangeError when nothing was added */
  finish(): Statistics {
    if (this.#count === 0) throw new RangeError(`calibration: value ${this.name} had no numbers`);
    const rows = this.#count / this.channels;
    return {
      count: this.#count,
      min: this.#min,
      max: this.#max,
      histogram: this.#histogram,
      width: this.#reach / half,
      mean: this.#sums.map((sum) => sum / rows),
      largest: this.#largest,
    };
  }

  #double(): void {
    this.#reach *= 2;
    if (this.#count === 0) return;
    const wider = new Float64Array(bins);
    for (let i = 0; i < bins; i++) wider[((i - half) >> 1) + half] += this.#histogram[i];
    this.#histogram = wider;
  }
}

/** What all of them were together, but for what is by channel: each value has channels of its own. */
export function mergeStatistics(all: readonly Statistics[]): Statistics {
  if (all.length === 1) return all[0];
  const width = all.reduce((widest, each) => Math.max(widest, each.width), 0);
  const histogram = new Float64Array(bins);
  for (const each of all) {
    // Both widths are powers of two times the same number.
    const shift = Math.log2(width / each.width);
    for (let i = 0; i < bins; i++) {
      histogram[Math.floor((i - half) / 2 ** shift) + half] += each.histogram[i];
    }
  }
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    min: all.reduce((least, { min }) => Math.min(least, min), Infinity),
    max: all.reduce((most, { max }) => Math.max(most, max), -Infinity),
    histogram,
    width,
    mean: new Float64Array(0),
    largest: new Float64Array(0),
  };
}

/** The bins that hold something: the middle of each, within the extremes, and how many. */
export function filledBins({ histogram, width, min, max }: Statistics): {
  readonly middles: Float64Array;
  readonly counts: Float64Array;
} {
  const filled: number[] = [];
  for (let i = 0; i < bins; i++) if (histogram[i] > 0) filled.push(i);
  const middle = (i: number) => Math.min(Math.max((i - half + 0.5) * width, min), max);
  return {
    middles: Float64Array.from(filled, middle),
    counts: Float64Array.from(filled, (i) => histogram[i]),
  };
}
