import { FormatError } from "./errors.js";
import { requireNode } from "./node.js";

/** Where a model is read from: a folder or a server. Paths are checked already to hold no `..`. */
export interface Source {
  /** @throws FormatError import-missing, import-json-large */
  readModel(maxBytes: number): Promise<Uint8Array>;
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
      const bytes = await read(model, maxBytes);
      if (bytes === "missing") throw new FormatError("import-missing", `${source}: no such file`);
      if (bytes === "long") throw jsonLarge(source, maxBytes);
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

  async function read(path: string, maxBytes: number): Promise<Uint8Array | "missing" | "long"> {
    const stat = await fs.stat(path).catch(() => undefined);
    // Not a file: a folder, or a device that never ends.
    if (!stat?.isFile()) return "missing";
    if (stat.size > maxBytes) return "long";
    return fs.readFile(path);
  }
}

function server(model: URL, fetch: typeof globalThis.fetch): Source {
  const root = new URL(".", model).href;
  return {
    async readModel(maxBytes) {
      const response = await fetch(model.href);
      if (!response.ok)
        throw new FormatError("import-missing", `${model}: the server says ${response.status}`);
      const bytes = await readBody(response, maxBytes);
      if (bytes === undefined) throw jsonLarge(model.href, maxBytes);
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
      const bytes = await readBody(response, maxBytes);
      if (bytes === undefined) throw shardLong(path, maxBytes);
      return bytes;
    },
  };
}

/** The body, or undefined when it is longer than `maxBytes`, whatever the server says of its length. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done || !value) break;
    chunks.push(value);
    length += value.length;
    if (length > maxBytes) {
      await reader?.cancel();
      return undefined;
    }
  }
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
