import type { Weight } from "../graph/index.js";
import { FormatError } from "./errors.js";
import { asArray, asRecord, asSize, asSizes, asString, byteSize } from "./fields.js";
import type { Json } from "./strict-json.js";

/**
 * How one weight is stored. A weight of rank >= 2 is a matrix with a column for each output channel:
 * [everything but the last axis, last axis]. Block codecs keep the blocks that hold a nonzero, group by
 * group of `outputs` columns, each block `outputs` by `inputs` values, output by output:
 *
 *   values  the kept blocks
 *   deltas  for each: how far it is from the block before it in its group (the first: from -1), in bytes
 *           that add up, where 255 means that another follows
 *   counts  for each group: how many blocks it keeps, LEB128
 *
 * Where a block sticks out of the matrix its values are zero.
 */
export interface Codec {
  readonly streams: readonly StreamName[];
  /** Block size; none is dense. */
  readonly block?: Block;
}

export interface Block {
  readonly outputs: number;
  readonly inputs: number;
}

export type StreamName = "values" | "deltas" | "counts";

const sparse = ["values", "deltas", "counts"] as const;

/** Every way to store a weight. */
export const codecs: Readonly<Record<string, Codec>> = {
  dense: { streams: ["values"] },
  "1x1": { streams: sparse, block: { outputs: 1, inputs: 1 } },
  "1x4": { streams: sparse, block: { outputs: 1, inputs: 4 } },
  "4x4": { streams: sparse, block: { outputs: 4, inputs: 4 } },
};

/**
 * A block codec may leave out so much that a weight is at most this many times its bytes in the file:
 * else a few bytes could ask for any amount of memory. All zeros as dense bytes get to 1000.
 */
export const maxExpansion = 4096;

export interface Descriptor {
  readonly name: string;
  readonly dtype: Weight["dtype"];
  readonly shape: readonly number[];
  readonly codec: string;
  /** Bytes of each stream of the codec before DEFLATE. A tensor of exactly this size is not deflated. */
  readonly sizes: readonly number[];
  /** Values are stored as all first bytes of the elements, then all second bytes... */
  readonly planes: boolean;
}

/** A weight in the file: how it is stored, and views of the file. */
export interface StoredWeight {
  readonly descriptor: Descriptor;
  readonly streams: readonly Uint8Array[];
  readonly scale: Uint8Array;
}

export function elementBytes(dtype: string): number {
  return dtype === "f32" || dtype === "i32" ? 4 : 1;
}

interface DecodedForm {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** Bytes of the weight once it is decoded. */
export function decodedBytes({ name, dtype, shape }: DecodedForm): number {
  return byteSize(shape, elementBytes(dtype), name);
}

/** The weight as a matrix of blocks. */
export function geometry(shape: readonly number[], { outputs, inputs }: Block) {
  const columns = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  return { rows, columns, groups: Math.ceil(columns / outputs), blocks: Math.ceil(rows / inputs) };
}

/**
 * Reads and checks a descriptor: whatever passes has sizes that a weight of its shape can have.
 *
 * @throws FormatError weight-*, codec-*, layout-rank, layout-overflow, sparse-block, sparse-size
 */
export function readDescriptor(name: string, json: Json | undefined): Descriptor {
  const what = `weight ${name}`;
  const fields = asRecord(json, what, ["dtype", "shape", "codec", "bytes"], ["planes"]);
  const dtype = asString(fields.dtype, `${what}: dtype`) as Weight["dtype"];
  if (!["f32", "s8", "i32", "u7"].includes(dtype)) {
    throw new FormatError("weight-dtype", `${what}: dtype "${dtype}"`);
  }
  const codec = asString(fields.codec, `${what}: codec`);
  if (!Object.hasOwn(codecs, codec)) throw new FormatError("codec-unknown", `${what}: codec "${codec}"`);
  const { streams, block } = codecs[codec];
  const shape = asSizes(fields.shape, `${what}: shape`);
  const sizes = asArray(fields.bytes, `${what}: bytes`).map((size) => asSize(size, `${what}: bytes`));
  if (sizes.length !== streams.length) {
    throw new FormatError("codec-streams", `${what}: want ${streams.length} streams, got ${sizes.length}`);
  }
  const planes = fields.planes !== undefined;
  if (planes && (fields.planes !== true || elementBytes(dtype) === 1)) {
    throw new FormatError("weight-planes", `${what}: planes are true or absent, and of 4 bytes`);
  }
  const descriptor = { name, dtype, shape, codec, sizes, planes };
  const whole = decodedBytes(descriptor);
  if (block) checkBlocks(descriptor, block);
  else if (sizes[0] !== whole) {
    throw new FormatError("weight-size", `${what}: ${dtype} [${shape}] is ${whole} bytes, got ${sizes[0]}`);
  }
  return descriptor;
}

function checkBlocks({ name, dtype, shape, codec, sizes }: Descriptor, block: Block): void {
  const what = `weight ${name}`;
  if (shape.length < 2 || dtype === "i32" || dtype === "u7") {
    throw new FormatError("codec-weight", `${what}: ${dtype} of rank ${shape.length} may not be ${codec}`);
  }
  const blockBytes = block.outputs * block.inputs * elementBytes(dtype);
  if (sizes[0] % blockBytes !== 0) {
    throw new FormatError("sparse-block", `${what}: blocks of ${blockBytes} bytes do not divide ${sizes[0]}`);
  }
  const { groups, blocks } = geometry(shape, block);
  // A gap of g takes at most g bytes, a count at most 8 (2^53).
  const most = [groups * blocks * blockBytes, groups * blocks, groups * 8];
  for (const [i, size] of sizes.entries()) {
    if (size > most[i]) {
      throw new FormatError("sparse-size", `${what}: ${sparse[i]} of ${size} bytes, at most ${most[i]}`);
    }
  }
}
