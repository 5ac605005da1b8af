/** The checksum of zip and PNG: ISO 3309, polynomial 0xedb88320, as in RFC 1952 section 8. */

const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let word = byte;
  for (let bit = 0; bit < 8; bit++) word = word & 1 ? (word >>> 1) ^ 0xedb88320 : word >>> 1;
  return word;
});

/**
 * @param bytes any
 * @param before checksum of what comes before them; 0 at the start
 * @returns uint32
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let word = ~before;
  for (let i = 0; i < bytes.length; i++) word = table[(word ^ bytes[i]) & 255] ^ (word >>> 8);
  return ~word >>> 0;
}
