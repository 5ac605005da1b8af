import type { Bytes, Weight } from "../graph/index.js";
import { codecs, elementBytes, type StoredWeight } from "./descriptor.js";
import type { Provenance } from "./provenance.js";
import { readHeader } from "./read.js";

export interface WeightSummary {
  readonly name: string;
  readonly dtype: Weight["dtype"];
  readonly shape: readonly number[];
  /** "dense", "1x1", "1x4" or "4x4". */
  readonly codec: string;
  /** Bytes in the file: streams and scales, without their lines in the header. */
  readonly storedBytes: number;
  /** Elements of the weight. */
  readonly elements: number;
  /** Elements that the file holds: all of a dense weight, those of the kept blocks of a sparse one. */
  readonly keptElements: number;
  /** The part of its elements that the file leaves out, 0 to 1. More of them may be zero. */
  readonly sparsity: number;
}

export interface PareSummary {
  readonly provenance: Provenance;
  readonly weights: readonly WeightSummary[];
  /** Bytes of the file. */
  readonly fileBytes: number;
}

/**
 * What a `.pare` file holds, from its header alone: no weight is decoded.
 *
 * @throws FormatError as `readPare`, for faults of the header
 */
export function describePare(bytes: Bytes, source?: string): PareSummary {
  const { provenance, stored } = readHeader(bytes, source);
  return { provenance, weights: stored.map(summary), fileBytes: bytes.byteLength };
}

function summary({ descriptor, streams, scale }: StoredWeight): WeightSummary {
  const { name, dtype, shape, codec, sizes } = descriptor;
  const elements = shape.reduce((product, size) => product * size, 1);
  // Blocks that stick out of the matrix may hold more than there is.
  const keptElements = Math.min(elements, sizes[0] / elementBytes(dtype));
  const storedBytes = streams.reduce((sum, stream) => sum + stream.length, scale.length);
  const sparsity = codecs[codec].block && elements > 0 ? 1 - keptElements / elements : 0;
  return { name, dtype, shape, codec, storedBytes, elements, keptElements, sparsity };
}
