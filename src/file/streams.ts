import { FormatError } from "./errors.js";

/**
 * One byte of DEFLATE makes at most this many: 258 bytes a match, 2 matches a byte (RFC 1951), less the
 * header. A stream that declares more lies.
 */
const maxRatio = 1032;

/**
 * Inflates zlib data (RFC 1950, which has a checksum) whose size is known beforehand. Memory follows
 * the data that arrives and never passes `size`, so a bomb is refused for the price of its first bytes.
 *
 * @param packed zlib data
 * @param size the exact number of bytes it holds
 * @throws FormatError stream-size (more or fewer bytes than `size`), stream-corrupt
 */
export async function inflate(
  packed: Uint8Array,
  size: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = await inflateAs("deflate", packed, size, what);
  // Node 20 ignores bytes after the end of the stream, browsers refuse them.
  if (adler32(out) !== new DataView(packed.buffer, packed.byteOffset + packed.length - 4).getUint32(0)) {
    throw new FormatError("stream-corrupt", `${what}: bytes after the end of the stream`);
  }
  return out;
}

/**
 * As `inflate`, of either framing; a checksum is the caller's to check.
 *
 * @param format "deflate" is zlib (RFC 1950), "deflate-raw" the stream alone (RFC 1951)
 */
export async function inflateAs(
  format: "deflate" | "deflate-raw",
  packed: Uint8Array,
  size: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (size > packed.length * maxRatio) throw wrongSize(what, size, "what DEFLATE can make of so few bytes");
  const { readable, writable } = new DecompressionStream(format);
  const feeding = feed(writable.getWriter(), packed);
  // Its failure is the reader's too, which reports it; unhandled, it would end a Node process.
  feeding.catch(() => {});
  const reader = readable.getReader();
  let out = new Uint8Array(Math.min(size, packed.length * 8));
  let filled = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const end = filled + value.length;
      if (end > size) throw wrongSize(what, size, "more");
      if (end > out.length) {
        const grown = new Uint8Array(Math.min(size, Math.max(end, out.length * 2)));
        grown.set(out.subarray(0, filled));
        out = grown;
      }
      out.set(value, filled);
      filled = end;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    if (error instanceof FormatError) throw error;
    throw new FormatError("stream-corrupt", `${what}: not a DEFLATE stream (${(error as Error).message})`);
  }
  if (filled < size) throw wrongSize(what, size, `${filled}`);
  return out;
}

// In pieces: a browser inflates each one whole before it looks at what the reader has taken.
async function feed(writer: WritableStreamDefaultWriter<BufferSource>, packed: Uint8Array): Promise<void> {
  const piece = 16384;
  for (let at = 0; at < packed.length; at += piece) {
    await writer.write(packed.slice(at, at + piece));
  }
  await writer.close();
}

/** The checksum of zlib (RFC 1950). */
function adler32(bytes: Uint8Array): number {
  let low = 1;
  let high = 0;
  for (let at = 0; at < bytes.length; ) {
    // 5552 is the most bytes after which `high` is still below 2^32.
    for (const end = Math.min(at + 5552, bytes.length); at < end; at++) {
      low += bytes[at];
      high += low;
    }
    low %= 65521;
    high %= 65521;
  }
  return high * 65536 + low;
}

function wrongSize(what: string, size: number, got: string): FormatError {
  return new FormatError("stream-size", `${what}: want ${size} bytes, got ${got}`);
}
