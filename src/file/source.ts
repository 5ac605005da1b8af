import { FormatError } from "./errors.js";
import { requireNode } from "./node.js";

/** Where a model is read from: a folder or a server. Paths are checked already to hold no `..`. */
export interface Source {
  /**
   * @param maxBytes of a file that begins with these bytes, 8 at least where it has as many
   * @throws FormatError import-missing, import-json-large
   */
  readModel(maxBytes: (head: Uint8Array) => number): Promise<Uint8Array>;
  /** @throws FormatError import-shard-missing, import-shard-long, import-path-link */
  readShard(path: string, maxBytes: number): Promise<Uint8Array>;
}

export function isRemote(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

export function openSource(source: string, options: { allowRemote?: boolean; fetch?: typeof fetch }): Source {
  if (!isRemote(source)) return folder(source);
  if (!options.allowRemote) {
    throw new FormatError(
      "import-remote",
      `${source}: reading from the network needs allowRemote (--allow-remote)`,
    );
  }
  return server(new URL(source), options.fetch ?? fetch);
}

function folder(source: string): Source {
  const fs = requireNode("node:fs/promises");
  const { dirname, join, sep } = requireNode("node:path");
  const model = source.startsWith("file:") ? requireNode("node:url").fileURLToPath(source) : source;
  return {
    async readModel(maxBytes) {
      const most = maxBytes(await readHead(model));
      const bytes = await read(model, most);
      if (bytes === "missing") throw new FormatError("import-missing", `${source}: no such file`);
      if (bytes === "long") throw jsonLarge(source, most);
      return bytes;
    },
    async readShard(path, maxBytes) {
      const root = await fs.realpath(dirname(model));
      // Never what a link says it is: what it is.
      const real = await fs.realpath(join(root, path)).catch(() => undefined);
      if (real === undefined) throw shardMissing(path, root);
      if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
        throw new FormatError("import-path-link", `weights path "${path}" is a link out of ${root}`);
      }
      const bytes = await read(real, maxBytes);
      if (bytes === "missing") throw shardMissing(path, root);
      if (bytes === "long") throw shardLong(path, maxBytes);
      return bytes;
    },
  };

  async function readHead(path: string): Promise<Uint8Array> {
    const stat = await fs.stat(path).catch(() => undefined);
    if (!stat?.isFile()) return new Uint8Array(0);
    const file = await fs.open(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  }

  async function read(path: string, maxBytes: number): Promise<Uint8Array | "missing" | "long"> {
    const stat = await fs.stat(path).catch(() => undefined);
    // Not a file: a folder, or a device that never ends.
    if (!stat?.isFile()) return "missing";
    if (stat.size > maxBytes) return "long";
    return fs.readFile(path);
  }
}

/** As many as tell what a file is: HDF5 may have a block of its user's before it. */
const headBytes = 4096;

function server(model: URL, fetch: typeof globalThis.fetch): Source {
  const root = new URL(".", model).href;
  return {
    async readModel(maxBytes) {
      const response = await fetch(model.href);
      if (!response.ok)
        throw new FormatError("import-missing", `${model}: the server says ${response.status}`);
      let most = headBytes;
      const bytes = await readBody(response, (head) => {
        most = maxBytes(head);
        return most;
      });
      if (bytes === undefined) throw jsonLarge(model.href, most);
      return bytes;
    },
    async readShard(path, maxBytes) {
      const url = new URL(path, root);
      // URLs know other spellings of "..": %2e%2e.
      if (!url.href.startsWith(root)) {
        throw new FormatError("import-path-parent", `weights path "${path}" leaves ${root}`);
      }
      // Servers that sign their URLs want the query on each file.
      url.search ||= model.search;
      const response = await fetch(url.href);
      if (!response.ok) throw shardMissing(path, root);
      const bytes = await readBody(response, () => maxBytes);
      if (bytes === undefined) throw shardLong(path, maxBytes);
      return bytes;
    },
  };
}

/** The body, or undefined when it is longer than `maxBytes` of its first bytes, whatever the server says of its length. */
async function readBody(
  response: Response,
  maxBytes: (head: Uint8Array) => number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let most: number | undefined;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !value) break;
    chunks.push(value);
    length += value.length;
    if (most === undefined && length >= 8) most = maxBytes(join(chunks, length));
    if (length > (most ?? 8)) {
      await reader?.cancel();
      return undefined;
    }
  }
  return length > (most ?? maxBytes(join(chunks, length))) ? undefined : join(chunks, length);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function jsonLarge(source: string, maxBytes: number): FormatError {
  return new FormatError("import-json-large", `${source}: want at most ${maxBytes} bytes`);
}

function shardMissing(path: string, root: string): FormatError {
  return new FormatError("import-shard-missing", `weights "${path}" is not in ${root}`);
}

function shardLong(path: string, maxBytes: number): FormatError {
  return new FormatError(
    "import-shard-long",
    `weights "${path}": longer than the ${maxBytes} bytes that are left`,
  );
}
