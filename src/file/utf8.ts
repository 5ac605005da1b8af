/**
 * The text of UTF-8, or undefined where it is none (RFC 3629). Not `TextDecoder`: some engines have none, and some one
 * that is never strict, of which a file could be read in two ways.
 */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  // No character has more units of UTF-16 than bytes of UTF-8.
  const units = new Uint16Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; ) {
    let code = bytes[at++];
    if (code >= 0x80) {
      const more = code < 0xc2 ? 0 : code < 0xe0 ? 1 : code < 0xf0 ? 2 : code < 0xf5 ? 3 : 0;
      if (more === 0) return undefined;
      code &= 0x3f >> more;
      for (const end = at + more; at < end; at++) {
        // Beyond the end there is undefined, which is no continuation either.
        if ((bytes[at] & 0xc0) !== 0x80) return undefined;
        code = (code << 6) | (bytes[at] & 0x3f);
      }
      // Written longer than need be, a surrogate, or beyond Unicode.
      if (code < [0, 0x80, 0x800, 0x10000][more] || code >> 11 === 27 || code > 0x10ffff) return undefined;
      if (code > 0xffff) {
        units[length++] = 0xd7c0 + (code >> 10);
        code = 0xdc00 + (code & 0x3ff);
      }
    }
    units[length++] = code;
  }
  let text = "";
  // No engine takes a million arguments.
  for (let at = 0; at < length; at += 8192) {
    text += String.fromCharCode(...units.subarray(at, Math.min(at + 8192, length)));
  }
  return text;
}
