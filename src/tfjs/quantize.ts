/** Rounds the kernels of a LayersModel to a grid, so that stock tfjs runs what int8 would compute with. */

import type { LayersModel } from "@tensorflow/tfjs-layers";
import type { Kernels } from "../kernels/index.js";
import { asColumns, asStored, type Columns, columnsOf, product } from "./columns.js";
import { countZeros, editWeight, type View } from "./edit.js";
import { chooseWeights, listWeights, type ModelWeight, type WeightChoice } from "./weights.js";

export interface QuantizeOptions extends WeightChoice {
  /** One divisor for each output channel (default), or for the whole tensor. */
  readonly granularity?: "channel" | "tensor";
  /** code = rounded(weight / divisor), for every tensor; else absMax / 127, for "i16" absMax / 32767. */
  readonly divisor?: number;
  /** "halfEven" (default), "floor" or "trunc". */
  readonly rounding?: "halfEven" | "floor" | "trunc";
  /** Of the codes: "s8" in [-127, 127] (default), "i16" in [-32767, 32767], or "i32", with a divisor. */
  readonly output?: "s8" | "i16" | "i32";
  /** Puts the codes into the report; false unless given. */
  readonly codes?: boolean;
}

export interface QuantizedWeight {
  readonly name: string;
  readonly layer: string;
  readonly shape: readonly number[];
  readonly total: number;
  /** f32, one divisor for each output channel, or one: weight = code * scale. */
  readonly scale: Float32Array;
  /** Codes at the end of their range that wanted to be beyond it. */
  readonly saturated: number;
  /** Weights that were NaN, and are 0 now. */
  readonly nan: number;
  readonly zerosBefore: number;
  readonly zerosAfter: number;
  /** Largest |weight before - weight after|. */
  readonly maxError: number;
  readonly inPlace: boolean;
  /** In the order of the weight, if asked for. */
  readonly codes?: Int8Array | Int16Array | Int32Array;
}

export interface QuantizeReport {
  readonly weights: readonly QuantizedWeight[];
}

const ranges = { s8: 127, i16: 32767, i32: undefined } as const;

/**
 * Replaces weights by code * divisor, symmetric, without a zero point.
 *
 * @param model any LayersModel, nested or with shared layers
 * @param options granularity, rounding, range, and which weights
 * @returns scales, what was lost, and the codes if asked for
 * @throws TypeError where it is no LayersModel
 * @throws RangeError for options out of range, or a name that means no weight
 */
export function quantizeModel(model: LayersModel, options: QuantizeOptions = {}): QuantizeReport {
  checkOptions(options);
  const weights = chooseWeights(listWeights(model), options);
  return {
    weights: weights.map((weight) => {
      const columns = columnsOf(weight);
      const { result, inPlace } = editWeight(weight.variable, (view, kernels) => {
        const zerosBefore = countZeros(view());
        const quantized = asColumns(view, columns, (matrix) => quantize(matrix, kernels, columns, options));
        return { ...quantized, zerosBefore, zerosAfter: countZeros(view()) };
      });
      return report(weight, columns, result, inPlace, options.codes === true);
    }),
  };
}

function checkOptions({ granularity, divisor, rounding, output }: QuantizeOptions): void {
  const oneOf = (name: string, value: string | undefined, known: readonly string[]) => {
    if (value !== undefined && !known.includes(value)) {
      throw new RangeError(`${name}: wanted one of ${known.join(", ")}, got ${value}`);
    }
  };
  oneOf("granularity", granularity, ["channel", "tensor"]);
  oneOf("rounding", rounding, ["halfEven", "floor", "trunc"]);
  oneOf("output", output, Object.keys(ranges));
  if (divisor === undefined) {
    if (output === "i32") throw new RangeError("divisor: wanted one with output i32, got none");
  } else if (!(Number.isFinite(divisor) && divisor > 0 && Math.fround(divisor) > 0)) {
    throw new RangeError(`divisor: wanted a finite number > 0, got ${divisor}`);
  } else if (granularity === "channel") {
    throw new RangeError("divisor: wanted granularity tensor with it, got channel");
  }
}

type Quantized = Pick<QuantizedWeight, "scale" | "saturated" | "nan" | "maxError"> & {
  readonly codes: Int8Array | Int16Array | Int32Array;
};

function quantize(
  matrix: View,
  kernels: Kernels,
  { outputs }: Columns,
  { granularity, divisor, rounding = "halfEven", output = "s8" }: QuantizeOptions,
): Quantized {
  const scale = divisor === undefined ? measure() : Float32Array.of(divisor);
  const { codes, saturated, nan } = kernels.quantize(matrix(), {
    divisor: scale.length === 1 ? scale[0] : scale,
    rounding,
    output,
  });
  const values = matrix();
  let maxError = 0;
  for (let i = 0, channel = 0; i < values.length; i++) {
    const before = values[i];
    values[i] = codes[i] * scale[channel];
    channel = channel + 1 === scale.length ? 0 : channel + 1;
    const error = Math.abs(before - values[i]);
    if (error > maxError) maxError = error; // false for NaN, which is counted already
  }
  return { scale, saturated, nan, maxError, codes };

  function measure(): Float32Array {
    const range = ranges[output] as number;
    const largest =
      granularity === "tensor"
        ? Float32Array.of(kernels.absMax(matrix()))
        : kernels.absMax(matrix(), { channels: outputs });
    // A channel of zeros has any scale.
    return largest.map((absMax) => (Math.fround(absMax / range) > 0 ? absMax / range : 1));
  }
}

function report(
  { name, layer, shape }: ModelWeight,
  columns: Columns,
  { codes, ...quantized }: Quantized & Pick<QuantizedWeight, "zerosBefore" | "zerosAfter">,
  inPlace: boolean,
  withCodes: boolean,
): QuantizedWeight {
  const entry = { name, layer, shape, total: product(shape), ...quantized, inPlace };
  return withCodes ? { ...entry, codes: asStored(codes, columns) } : entry;
}
