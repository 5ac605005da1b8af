import { dtypeBytes } from "./container.js";

export interface NamedTensor {
  readonly name: string;
  /** A dtype of safetensors: "U8", "F32". */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/**
 * Writes safetensors: wider dtypes first, so that all are aligned, else in the order given; the header
 * is padded with spaces to 8 bytes.
 *
 * @throws RangeError when a name is there twice or bytes are not what dtype and shape say
 */
export function writeContainer(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  const width = (tensor: NamedTensor) => dtypeBytes(tensor.dtype) ?? 0;
  const ordered = [...tensors].sort((a, b) => width(b) - width(a));
  let end = 0;
  for (const tensor of ordered) {
    const { name, dtype, shape, bytes } = tensor;
    const want = shape.reduce((product, size) => product * size, width(tensor));
    if (want !== bytes.length) throw new RangeError(`${name}: want ${want} bytes, got ${bytes.length}`);
    if (header.has(name)) throw new RangeError(`${name}: a tensor of this name is there already`);
    header.set(name, { dtype, shape, data_offsets: [end, end + bytes.length] });
    end += bytes.length;
  }
  // Not JSON.stringify of an object: it would put names that are numbers first.
  const entries = [...header].map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  const text = new TextEncoder().encode(`{${entries.join(",")}}`);
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end).fill(0x20, 8, 8 + headerBytes);
  new DataView(file.buffer).setUint32(0, headerBytes, true);
  file.set(text, 8);
  let at = 8 + headerBytes;
  for (const { bytes } of ordered) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}
