import type { Weight } from "../graph/index.js";
import { type Block, codecs, type Descriptor, decodedBytes, elementBytes, geometry } from "./descriptor.js";
import { FormatError } from "./errors.js";

type Elements = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

/**
 * The weight that streams hold. Ranges of codes are for `checkGraph`.
 *
 * @param descriptor how it is stored, checked by `readDescriptor`
 * @param streams the inflated streams of its codec, of the sizes that the descriptor declares
 * @param scale for s8: one a channel
 * @throws FormatError sparse-*
 */
export function decodeWeight(
  descriptor: Descriptor,
  streams: readonly Uint8Array<ArrayBuffer>[],
  scale: Float32Array,
): Weight {
  const { dtype, shape, codec, planes } = descriptor;
  const [bytes, deltas, counts] = streams;
  const joined = planes ? joinPlanes(bytes) : bytes;
  const values = elementBytes(dtype) === 4 ? new Uint32Array(joined.buffer) : joined;
  const { block } = codecs[codec];
  const { buffer } = block ? decodeBlocks(descriptor, block, values, deltas, counts) : values;
  if (dtype === "s8") return { dtype, shape, data: new Int8Array(buffer), scale };
  if (dtype === "f32") return { dtype, shape, data: new Float32Array(buffer) };
  if (dtype === "i32") return { dtype, shape, data: new Int32Array(buffer) };
  return { dtype, shape, data: new Uint8Array(buffer) };
}

/** Puts kept blocks where they belong; what `Codec` says, in reverse. */
function decodeBlocks(
  descriptor: Descriptor,
  block: Block,
  values: Elements,
  deltas: Uint8Array,
  counts: Uint8Array,
): Elements {
  const { rows, columns, groups, blocks } = geometry(descriptor.shape, block);
  const refuse = (code: string, message: string) =>
    new FormatError(code, `weight ${descriptor.name}: ${message}`);
  const elements = decodedBytes(descriptor) / elementBytes(descriptor.dtype);
  const out = values instanceof Uint32Array ? new Uint32Array(elements) : new Uint8Array(elements);
  const blockSize = block.outputs * block.inputs;
  let valueAt = 0;
  let deltaAt = 0;
  let countAt = 0;

  const readCount = (): number => {
    let count = 0;
    for (let unit = 1; ; unit *= 128) {
      if (countAt === counts.length) throw refuse("sparse-counts-end", "counts end early");
      const byte = counts[countAt++];
      count += (byte & 127) * unit;
      // Checked for each byte, so that `unit` cannot grow without bound.
      if (count > blocks || unit > blocks) {
        throw refuse("sparse-count", `a group of ${blocks} blocks keeps ${count}`);
      }
      if (byte < 128) return count;
    }
  };
  const readDelta = (): number => {
    for (let delta = 0; ; ) {
      if (deltaAt === deltas.length) throw refuse("sparse-deltas-end", "deltas end early");
      const byte = deltas[deltaAt++];
      delta += byte;
      if (byte < 255) return delta;
    }
  };

  for (let group = 0; group < groups; group++) {
    let at = -1;
    for (let left = readCount(); left > 0; left--) {
      const delta = readDelta();
      // Deltas have no sign, so columns can be repeated, but not unsorted and not negative.
      if (delta === 0) throw refuse("sparse-repeated", `block ${at} of group ${group} is there twice`);
      at += delta;
      if (at >= blocks) throw refuse("sparse-column", `group ${group}: block ${at} of ${blocks}`);
      if (valueAt === values.length)
        throw refuse("sparse-sum", "counts add up to more blocks than there are");
      for (let i = 0; i < blockSize; i++) {
        const value = values[valueAt++];
        const column = group * block.outputs + Math.floor(i / block.inputs);
        const row = at * block.inputs + (i % block.inputs);
        if (row < rows && column < columns) out[row * columns + column] = value;
        else if (value !== 0) throw refuse("sparse-padding", "a nonzero outside of the matrix");
      }
    }
  }
  if (countAt < counts.length) throw refuse("sparse-counts-left", "counts go on after the last group");
  if (valueAt < values.length) throw refuse("sparse-sum", "counts add up to fewer blocks than there are");
  if (deltaAt < deltas.length) throw refuse("sparse-deltas-left", "deltas go on after the last block");
  return out;
}

function joinPlanes(planes: Uint8Array): Uint8Array<ArrayBuffer> {
  const elements = planes.length / 4;
  const joined = new Uint8Array(planes.length);
  for (let plane = 0; plane < 4; plane++) {
    for (let i = 0; i < elements; i++) joined[i * 4 + plane] = planes[plane * elements + i];
  }
  return joined;
}
