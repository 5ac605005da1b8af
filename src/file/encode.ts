import type { Weight } from "../graph/index.js";
import { deflate, type Effort } from "./deflate.js";
import { type Block, codecs, type Descriptor, elementBytes, geometry, maxExpansion } from "./descriptor.js";

type Bytes = Uint8Array<ArrayBuffer>;

export interface EncodedWeight {
  readonly descriptor: Descriptor;
  /** One for each stream of the codec, deflated where that is smaller. */
  readonly streams: readonly Uint8Array[];
}

/** A way to store a weight, before DEFLATE. */
export interface Way {
  readonly descriptor: Descriptor;
  readonly raw: readonly Bytes[];
}

/** What a stream costs in the header of the file, about: its sizes as JSON. */
const streamCost = 10;

/** Weights up to this many bytes are packed at full effort in every way. */
const smallBytes = 65536;

/**
 * Stores a weight in the smallest way there is. Large ones are packed in every way at little effort, and
 * at full effort only in those that come within 5 % of the best: 3 M s8 weights, three quarters
 * of them zeros, take 1.8 s instead of 5.5 s.
 */
export async function encodeWeight(name: string, weight: Weight): Promise<EncodedWeight> {
  const size = weight.data.byteLength;
  let ways = waysToStore(name, weight);
  const dense = ways[0];
  if (size > smallBytes) {
    const costs = (await packAll(ways, "fast")).map(cost);
    const most = Math.min(...costs) * 1.05;
    ways = ways.filter((_, i) => costs[i] <= most);
  }
  const packed = (await packAll(ways, "best")).filter((way) => isReadable(way, size));
  if (packed.length === 0) return pack(dense, "best");
  return packed.reduce((best, way) => (cost(way) < cost(best) ? way : best));
}

/** Each codec, with and without byte planes; dense bytes are the first. */
export function waysToStore(name: string, weight: Weight): Way[] {
  const { dtype, shape, data } = weight;
  // A copy: its buffer is not shared, begins at 0 and ends with the data.
  const bytes: Bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  const ways: Way[] = [];
  for (const [codec, { block }] of Object.entries(codecs)) {
    const whole = block ? encodeBlocks(bytes, weight, block) : [bytes];
    if (whole === undefined) continue;
    for (const planes of elementBytes(dtype) === 4 ? [false, true] : [false]) {
      const raw = planes ? [splitPlanes(whole[0]), ...whole.slice(1)] : whole;
      const sizes = raw.map((stream) => stream.length);
      ways.push({ descriptor: { name, dtype, shape, codec, sizes, planes }, raw });
    }
  }
  return ways;
}

/** The reader refuses a block codec that leaves out too much. */
export function isReadable({ descriptor, streams }: EncodedWeight, size: number): boolean {
  return codecs[descriptor.codec].block === undefined || size <= stored(streams) * maxExpansion;
}

export async function pack({ descriptor, raw }: Way, effort: Effort): Promise<EncodedWeight> {
  const streams = await Promise.all(
    raw.map(async (stream) => {
      const packed = await deflate(stream, effort);
      return packed.length < stream.length ? packed : stream;
    }),
  );
  return { descriptor, streams };
}

// One after the other: each is on all threads already, and holds copies of the weight.
async function packAll(ways: readonly Way[], effort: Effort): Promise<EncodedWeight[]> {
  const packed: EncodedWeight[] = [];
  for (const way of ways) packed.push(await pack(way, effort));
  return packed;
}

function cost({ streams }: EncodedWeight): number {
  return stored(streams) + streams.length * streamCost;
}

function stored(streams: readonly Uint8Array[]): number {
  return streams.reduce((sum, stream) => sum + stream.length, 0);
}

/** The streams of a block codec, or undefined where it would leave nothing out. */
function encodeBlocks(bytes: Bytes, { dtype, shape }: Weight, block: Block): Bytes[] | undefined {
  if (shape.length < 2 || (dtype !== "f32" && dtype !== "s8")) return undefined;
  // Bits, not numbers: -0 and every NaN survive.
  const bits = dtype === "f32" ? new Uint32Array(bytes.buffer) : bytes;
  const { rows, columns, groups, blocks } = geometry(shape, block);
  const blockSize = block.outputs * block.inputs;
  const kind = dtype === "f32" ? Uint32Array : Uint8Array;
  const values = new kind(groups * blocks * blockSize);
  const deltas = new Uint8Array(groups * blocks);
  const counts: number[] = [];
  let kept = 0;
  let deltaAt = 0;
  for (let group = 0; group < groups; group++) {
    let last = -1;
    let count = 0;
    for (let at = 0; at < blocks; at++) {
      let any = 0;
      for (let i = 0; i < blockSize; i++) {
        const column = group * block.outputs + Math.floor(i / block.inputs);
        const row = at * block.inputs + (i % block.inputs);
        const value = row < rows && column < columns ? bits[row * columns + column] : 0;
        any |= value;
        values[kept * blockSize + i] = value;
      }
      if (any === 0) continue;
      let delta = at - last;
      for (; delta >= 255; delta -= 255) deltas[deltaAt++] = 255;
      deltas[deltaAt++] = delta;
      last = at;
      count++;
      kept++;
    }
    for (; count >= 128; count = Math.floor(count / 128)) counts.push((count % 128) + 128);
    counts.push(count);
  }
  if (kept === groups * blocks) return undefined;
  const keptValues = new Uint8Array(values.slice(0, kept * blockSize).buffer);
  return [keptValues, deltas.slice(0, deltaAt), new Uint8Array(counts)];
}

function splitPlanes(bytes: Bytes): Bytes {
  const elements = bytes.length / 4;
  const planes = new Uint8Array(bytes.length);
  for (let plane = 0; plane < 4; plane++) {
    for (let i = 0; i < elements; i++) planes[plane * elements + i] = bytes[i * 4 + plane];
  }
  return planes;
}
