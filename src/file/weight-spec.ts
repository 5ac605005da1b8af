import type { ModelArtifacts } from "../graph/index.js";
import { FormatError } from "./errors.js";

/** A weight as tfjs writes it into the weights manifest. */
export type WeightSpec = ModelArtifacts["weightSpecs"][number];

// biome-ignore format: a table reads best in rows
const widths: Readonly<Record<string, number>> = {
  float32: 4, int32: 4, complex64: 8, bool: 1, float16: 2, uint16: 2, uint8: 1,
};

function width(dtype: unknown, what: string): number {
  if (typeof dtype !== "string" || !Object.hasOwn(widths, dtype)) {
    throw new FormatError("import-dtype", `${what}: dtype ${JSON.stringify(dtype)}`);
  }
  return widths[dtype];
}

/**
 * Checks a weight of the manifest.
 *
 * @throws FormatError import-spec, import-dtype
 */
export function readSpec(json: unknown): WeightSpec {
  const spec = (json ?? {}) as Record<string, unknown>;
  const { name, shape, dtype, quantization } = spec;
  if (typeof name !== "string")
    throw new FormatError("import-spec", `weight ${JSON.stringify(name)}: want a name`);
  const what = `weight ${name}`;
  const sizes: unknown[] | undefined = Array.isArray(shape) ? shape : undefined;
  if (!sizes?.every((size) => Number.isSafeInteger(size) && (size as number) >= 0)) {
    throw new FormatError("import-spec", `${what}: want a shape of sizes, got ${JSON.stringify(shape)}`);
  }
  width(dtype, what);
  if (quantization !== undefined) {
    const { dtype: stored, scale, min } = (quantization ?? {}) as Record<string, unknown>;
    width(stored, `${what}: quantization`);
    if (stored !== "float16" && !(Number.isFinite(scale) && Number.isFinite(min))) {
      throw new FormatError("import-spec", `${what}: quantization wants a finite scale and min`);
    }
  }
  const spread = specBytes(json as WeightSpec);
  if (!Number.isSafeInteger(spread)) {
    throw new FormatError("import-spec", `${what}: shape [${sizes}] overflows 2^53 bytes`);
  }
  return json as WeightSpec;
}

/** Bytes of a weight in the shards: of the quantized numbers, if it is quantized in the file. */
export function specBytes({ name, shape, dtype, quantization }: WeightSpec): number {
  const stored = (quantization as { dtype?: unknown } | undefined)?.dtype ?? dtype;
  return shape.reduce((product, size) => product * size, width(stored, name));
}
