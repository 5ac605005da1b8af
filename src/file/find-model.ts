import { FormatError } from "./errors.js";
import { requireNode } from "./node.js";

/** What a model's file is called, the likeliest first. */
const names: readonly RegExp[] = [
  /^model\.json$/,
  /^model\.keras$/,
  /^model\.h(df)?5$/,
  /\.keras$/i,
  /\.h(df)?5$/i,
  /\.json$/i,
];

/** Entries of a folder that a message lists. */
const most = 8;

/**
 * The model of a folder: its model.json, or what else can be the one.
 *
 * @param path of a folder or a file, which is its own model
 * @throws FormatError import-missing or import-folder, saying what is there, where there is none or more than one
 */
export async function findModel(path: string): Promise<string> {
  const fs = requireNode("node:fs/promises");
  const { join } = requireNode("node:path");
  const folder = path.startsWith("file:") ? requireNode("node:url").fileURLToPath(path) : path;
  if (!(await fs.stat(folder).catch(() => undefined))?.isDirectory()) return path;
  const entries = await fs.readdir(folder, { withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  for (const name of names) {
    const found = files.filter((file) => name.test(file)).sort();
    if (found.length === 1) return join(folder, found[0]);
    if (found.length > 1) {
      throw new FormatError("import-folder", `${path}: wanted one model, got ${list(found)}: name it`);
    }
  }
  const all = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort();
  const isSaved = files.includes("saved_model.pb");
  const hint = isSaved ? "; a SavedModel has to be converted: tensorflowjs_converter" : "";
  const got = `${list(all) || "nothing"}${hint}`;
  throw new FormatError("import-missing", `${path}: wanted a model.json in this folder, got ${got}`);
}

function list(all: readonly string[]): string {
  const more = all.length - most;
  return `${all.slice(0, most).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
