/** The ranges of values in codes while a model trains: where they begin and how they move. */

import type * as tf from "@tensorflow/tfjs-core";
import {
  chooseParams,
  mergeStatistics,
  type RangeMethod,
  StatisticsBuilder,
  searchParams,
} from "../../compress/index.js";
import type { QuantParams } from "../../graph/index.js";

export interface LiveRange {
  readonly min: number;
  readonly max: number;
}

/** Ranges by name; each kind moves them in its own way. */
export interface LiveRanges {
  paramsOf(range: string): QuantParams;
  /** Rounds a tensor of a range in a training step, and notes what moves the range. */
  round(range: string, x: tf.Tensor): tf.Tensor;
  /** After a step, if ranges still move. */
  move(): void;
  /** Drops what a step noted. */
  forget(): void;
  current(range: string): LiveRange;
  /** Sets all ranges at once: what calibration found. */
  begin(params: ReadonlyMap<string, QuantParams>): void;
  readonly begun: boolean;
  state(): Readonly<Record<string, number>>;
  restore(numbers: Readonly<Record<string, number>>): void;
}

/** The range that codes of these parameters cover: `paramsOf` makes the same parameters of it. */
export function coveredBy({ scale, zero }: QuantParams): LiveRange {
  return { min: zero === 0 ? 0 : -zero * scale, max: (127 - zero) * scale };
}

/** Gathers what values are, and chooses parameters as `compress` does. */
export class Calibration {
  readonly #builders = new Map<string, StatisticsBuilder>();

  add(range: string, x: tf.Tensor): void {
    let builder = this.#builders.get(range);
    if (!builder) {
      builder = new StatisticsBuilder(range, 1);
      this.#builders.set(range, builder);
    }
    builder.add(x.dataSync() as Float32Array);
  }

  /**
   * @param functions of ranges that only the input of a table has: what matters is what the function makes of them
   * @throws RangeError for a value that was NaN or infinite
   */
  choose(
    method: RangeMethod,
    functions: ReadonlyMap<string, (x: number) => number>,
  ): ReadonlyMap<string, QuantParams> {
    return new Map(
      [...this.#builders].map(([range, builder]) => {
        const statistics = mergeStatistics([builder.finish()]);
        const table = functions.get(range);
        return [range, table ? searchParams(statistics, table) : chooseParams(statistics, method)];
      }),
    );
  }
}
