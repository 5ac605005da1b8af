/** Options and results of the weight kernels. */

export type PruneMode = "magnitude" | "signed";

export interface PruneOptions {
  /** "magnitude" (default) zeroes |w| < threshold; "signed" zeroes w < threshold, so every negative weight. */
  readonly mode?: PruneMode;
}

/** "1x4": 4 inputs of one output; "4x4": 4 inputs x 4 outputs; "n:m": n of every m inputs are kept. */
export type BlockPattern = "1x4" | "4x4" | `${number}:${number}`;

export interface BlockOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly pattern: BlockPattern;
  /** Share of the blocks to zero, in [0, 1]; wanted for 1x4 and 4x4, refused for n:m, which says it itself. */
  readonly sparsity?: number;
}

export type Rounding = "floor" | "trunc" | "halfEven";

/** The codes of each output type: [-127, 127], [-32767, 32767], [-2147483647, 2147483647]. */
export interface CodesOf {
  readonly s8: Int8Array;
  readonly i16: Int16Array;
  readonly i32: Int32Array;
}

export type CodeType = keyof CodesOf;
export type Codes = CodesOf[CodeType];

export interface QuantizeOptions<Type extends CodeType = CodeType> {
  /** f32, finite, > 0: one for the tensor, or one for each output channel, the last axis. */
  readonly divisor: number | Float32Array;
  /** Of the exact quotient; "halfEven" unless given. */
  readonly rounding?: Rounding;
  /** "s8" unless given. */
  readonly output?: Type;
  /** Where the codes go, of the length of w; a new array unless given. */
  readonly out?: CodesOf[Type];
}

export interface Quantized<Type extends CodeType = CodeType> {
  readonly codes: CodesOf[Type];
  /** Codes at the end of their range that wanted to be beyond it; infinities are among them. */
  readonly saturated: number;
  /** Weights that were NaN; their code is 0. */
  readonly nan: number;
}

export interface HistogramOptions {
  /** Number of bins of equal width, in [1, 2^20]. */
  readonly bins: number;
  /** The first bin begins here. */
  readonly low: number;
  /** The last bin ends here, and holds it. */
  readonly high: number;
}

export interface Histogram {
  readonly counts: Int32Array;
  /** Weights below the first bin, above the last, and NaN. */
  readonly below: number;
  readonly above: number;
  readonly nan: number;
}
