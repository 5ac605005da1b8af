import { requireNode } from "./node.js";

export interface SaveOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes a file whole or not at all: into a temporary one beside it, which then takes its name. Whoever
 * reads the path sees the old bytes or the new ones, also after a crash or a power cut. Node only.
 *
 * @param path where to; a link is followed, what is not a file (a pipe, /dev/stdout) is written directly
 * @param data bytes, or text as UTF-8
 * @throws what node:fs throws, naming `path` also where it leaves it out, as of a full disk, and the reason of `signal`
 *   when it is aborted: the old file is then untouched
 */
export async function saveFile(
  path: string,
  data: Uint8Array | string,
  options: SaveOptions = {},
): Promise<void> {
  const fs = requireNode("node:fs/promises");
  const { basename, dirname, join } = requireNode("node:path");
  const { signal } = options;
  signal?.throwIfAborted();
  const target = await fs.realpath(path).catch(() => path);
  const old = await fs.stat(target).catch(() => undefined);
  if (old && !old.isFile()) return fs.writeFile(target, data, { signal }).catch(naming(path));

  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${crypto.randomUUID()}.tmp`);
  try {
    // wx: fail rather than write through something that has this name.
    const file = await fs.open(temporary, "wx", old?.mode);
    try {
      await file.writeFile(data, { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    naming(path)(error);
  }
  await syncFolder(folder);
}

/** Throws an error of the system on, with the path that the caller knows instead of a temporary one or none. */
function naming(path: string): (error: unknown) => never {
  return (error) => {
    const { errno, code, message } = (error ?? {}) as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    const full = code === "ENOSPC" && !message.includes(path) ? { message: `${message} '${path}'` } : {};
    throw Object.assign(error as Error, { path }, full);
  };
}

/** Makes a rename survive a power cut. Windows cannot open folders, and needs no such call. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await requireNode("node:fs/promises")
    .open(folder, "r")
    .catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
