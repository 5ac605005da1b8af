// Arranges a module so that gzip finds more that is alike. Its functions do what they did.

/**
 * Functions that are exported come in the order of the exports, after the others. The locals of each are numbered
 * anew: by type, i32 first and v128 last, and of each type those first that the code reads or writes last. Of the
 * orders that were tried it is the one that makes our binaries smallest, 0.3 KB of 12 (by count, as Binaryen's
 * reorder-locals has them, they are 1.2 KB larger).
 *
 * Exported functions are named by their place in the list of all kernels, as src/wasm/engine.ts expects it: the names
 * themselves are in the code already.
 *
 * @param {Uint8Array} module with no imports but memory, no tables, exceptions, references or threads
 * @param {readonly string[]} kernels of the whole set, sorted
 * @returns {Uint8Array}
 */
export function arrange(module, kernels) {
  const sections = readSections(module);
  const signatures = readSignatures(sections.get(TYPE));
  const signatureOf = readVector(sections.get(FUNCTION), readLeb);
  const exported = readVector(sections.get(EXPORT), readExport);
  const first = exported.filter(({ kind }) => kind === 0).map(({ index }) => index);
  const order = [...signatureOf.keys()].filter((index) => !first.includes(index)).concat(first);
  const indices = new Map(order.map((old, index) => [old, index]));
  const bodies = readVector(sections.get(CODE), readBody).map((body, i) =>
    rewrite(body, signatures[signatureOf[i]], indices),
  );
  sections.set(FUNCTION, vector(order.map((old) => leb(signatureOf[old]))));
  sections.set(CODE, vector(order.map((old) => [...leb(bodies[old].length), ...bodies[old]])));
  sections.set(
    EXPORT,
    vector(
      exported.map(({ name, kind, index }) => {
        const short = kind === 0 ? kernels.indexOf(name).toString(36) : name;
        return [
          ...leb(short.length),
          ...Buffer.from(short),
          kind,
          ...leb(kind === 0 ? indices.get(index) : index),
        ];
      }),
    ),
  );
  const made = [...sections].flatMap(([id, section]) => [Uint8Array.of(id, ...leb(section.length)), section]);
  return Buffer.concat([module.subarray(0, 8), ...made]);
}

/** Names of the functions that a module exports. */
export function kernelsOf(module) {
  const exported = readVector(readSections(module).get(EXPORT), readExport);
  return exported.filter(({ kind }) => kind === 0).map(({ name }) => name);
}

const [TYPE, IMPORT, FUNCTION, MEMORY, GLOBAL, EXPORT, CODE, DATA] = [1, 2, 3, 5, 6, 7, 10, 11];
const KNOWN = [TYPE, IMPORT, FUNCTION, MEMORY, GLOBAL, EXPORT, CODE, DATA];
const TYPES = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b]; // i32 i64 f32 f64 v128

function readSections(module) {
  const sections = new Map();
  for (let at = 8; at < module.length; ) {
    const id = module[at];
    if (!KNOWN.includes(id)) throw new Error(`section ${id} is not known here`);
    const [size, start] = readLeb(module, at + 1);
    at = start + size;
    sections.set(id, module.subarray(start, at));
  }
  return sections;
}

function readExport(bytes, start) {
  const [length, at] = readLeb(bytes, start);
  const [index, next] = readLeb(bytes, at + length + 1);
  return [{ name: bytes.subarray(at, at + length).toString(), kind: bytes[at + length], index }, next];
}

function readBody(bytes, at) {
  const [size, start] = readLeb(bytes, at);
  return [bytes.subarray(start, start + size), start + size];
}

/**
 * @param parameters how many, the first locals
 * @param functions new indices
 */
function rewrite(body, parameters, functions) {
  const [runs, start] = readVectorAt(body, 0, (bytes, at) => {
    const [count, next] = readLeb(bytes, at);
    return [Array(count).fill(bytes[next]), next + 1];
  });
  const types = runs.flat();
  const names = namesIn(body, start);
  const used = names.filter(({ isLocal, index }) => isLocal && index >= parameters).map(({ index }) => index);
  const latest = [...new Set(used.reverse())];
  const order = TYPES.map((type) => latest.filter((local) => types[local - parameters] === type));
  const locals = new Map(order.flat().map((local, i) => [local, parameters + i]));
  const kept = TYPES.map((type, i) => [...leb(order[i].length), type]).filter((_, i) => order[i].length > 0);
  const made = [...vector(kept)];
  let at = start;
  for (const { from, to, isLocal, index } of names) {
    const now = isLocal ? (locals.get(index) ?? index) : functions.get(index);
    made.push(...body.subarray(at, from), ...leb(now));
    at = to;
  }
  return Uint8Array.of(...made, ...body.subarray(at));
}

/** Where the code names locals and functions. */
function namesIn(body, start) {
  const names = [];
  let at = start;
  const number = () => {
    const [value, next] = readLeb(body, at);
    at = next;
    return value;
  };
  while (at < body.length) {
    const code = body[at++];
    const isLocal = code >= 0x20 && code <= 0x22;
    if (isLocal || code === 0x10) {
      const from = at;
      const index = number();
      names.push({ from, to: at, isLocal, index });
    } else if (code === 0x0e) {
      for (let left = number() + 1; left > 0; left--) number(); // br_table
    } else {
      const read = code === 0xfd ? immediatesOfSimd : code === 0xfc ? immediatesOfBulk : undefined;
      const [numbers, bytes] = read ? read(number()) : immediatesOf(code);
      for (let i = 0; i < numbers; i++) number();
      at += bytes;
    }
  }
  return names;
}

/** How many LEB128 numbers follow an instruction, and how many plain bytes. */
function immediatesOf(code) {
  if (code === 0x43) return [0, 4];
  if (code === 0x44) return [0, 8];
  if (code >= 0x28 && code <= 0x3e) return [2, 0];
  if ([2, 3, 4, 0x0c, 0x0d, 0x23, 0x24, 0x3f, 0x40, 0x41, 0x42].includes(code)) return [1, 0];
  if ([0, 1, 5, 0x0b, 0x0f, 0x1a, 0x1b].includes(code) || (code >= 0x45 && code <= 0xc4)) return [0, 0];
  throw new Error(`instruction 0x${code.toString(16)} is not known here`);
}

const immediatesOfBulk = (code) => [code < 8 ? 0 : code === 9 || code === 11 ? 1 : 2, 0];

function immediatesOfSimd(code) {
  if (code === 12 || code === 13) return [0, 16];
  if (code >= 21 && code <= 34) return [0, 1];
  if (code >= 84 && code <= 91) return [2, 1];
  return [code < 12 || code === 92 || code === 93 ? 2 : 0, 0];
}

/** How many parameters each has. */
function readSignatures(section) {
  const counted = (bytes, at) => readVectorAt(bytes, at, (types, type) => [types[type], type + 1]);
  return readVector(section, (bytes, at) => {
    const [parameters, results] = counted(bytes, at + 1);
    return [parameters.length, counted(bytes, results)[1]];
  });
}

const readVector = (bytes, read) => readVectorAt(bytes, 0, read)[0];

function readVectorAt(bytes, start, read) {
  const [count, first] = readLeb(bytes, start);
  const items = [];
  let at = first;
  while (items.length < count) {
    const [item, next] = read(bytes, at);
    items.push(item);
    at = next;
  }
  return [items, at];
}

/** The value of an unsigned one; signed ones are skipped. */
function readLeb(bytes, start) {
  let value = 0;
  for (let at = start, shift = 0; ; at++, shift += 7) {
    value += (bytes[at] & 127) * 2 ** shift;
    if (bytes[at] < 128) return [value, at + 1];
  }
}

function leb(number) {
  const bytes = [number & 127];
  for (let left = number >>> 7; left > 0; left >>>= 7) {
    bytes[bytes.length - 1] |= 128;
    bytes.push(left & 127);
  }
  return bytes;
}

const vector = (items) => Uint8Array.of(...leb(items.length), ...items.flat());
