/**
 * Makes the runtime's one file small: what esbuild bundles of it, minified, its functions in an order in which gzip,
 * which looks back 32 KB, finds near what they are like: 0.7 KB. `order.txt` has that order, by names; it was found by
 * `node scripts/build.mjs --js --search SECONDS`, and functions that it does not know stay where they are.
 */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { parse } from "acorn";
import { minify } from "terser";

const ORDER = "scripts/order.txt";

/** Bytes of a download. */
export const gzipped = (text) => gzipSync(text, { level: 9 }).length;

/**
 * @param bundle ES module, not minified
 * @param seconds to look for a better order; 0 takes the one that there is
 * @returns the module, and the names of its functions in order
 */
export async function shrink(bundle, seconds = 0) {
  // Functions as arrows, without `function` and `return`: 0.2 KB. None has a `this`.
  const arrows = bundle
    .replace(/^(async )?function (\w+)(\(.*\)) \{$/gm, "var $2 = $1$3 => {")
    .replace(/Number.POSITIVE_INFINITY/g, "1 / 0")
    .replace(/Number.NEGATIVE_INFINITY/g, "-1 / 0");
  const nameCache = {};
  // Terser makes it 5 % smaller. No getter of ours does anything but get, and a function that is not moved into its only
  // caller stays beside what it is like; so do comparisons that are not turned round.
  const { code } = await minify(arrows, {
    module: true,
    ecma: 2022,
    nameCache,
    compress: {
      passes: 4,
      ecma: 2022,
      reduce_funcs: false,
      lhs_constants: false,
      pure_getters: true,
      unsafe_arrows: true,
      arrows: false,
      sequences: false,
    },
    // Node prints the line of an error that nobody caught: a statement each, but for the binaries' own.
    format: { semicolons: false },
  });
  const names = new Map(Object.entries(nameCache.vars.props).map(([name, short]) => [short, name.slice(1)]));
  const natural = partsOf(code, names);
  const ordered = arrange(natural, readFileSync(ORDER, "utf8").split("\n"));
  // A function may be called at import now that was not when the order was found.
  const parts = runs(print(ordered)) ? ordered : natural;
  if (parts === natural) console.warn(`${ORDER} no longer fits: --search finds another`);
  const best = seconds > 0 ? search(parts, seconds) : parts;
  return { code: print(best), order: best.flatMap(({ name }) => name ?? []) };
}

/** Declarations and other statements of a module; only functions may be moved, which do nothing where they stand. */
function partsOf(code, names) {
  return parse(code, { ecmaVersion: "latest", sourceType: "module" }).body.flatMap((node) => {
    const textOf = ({ start, end }) => code.slice(start, end);
    if (node.type !== "VariableDeclaration") return [{ text: textOf(node), isVariable: false }];
    return node.declarations.map((each) => {
      const isMoved = each.init?.type === "ArrowFunctionExpression";
      return { text: textOf(each), isVariable: true, isMoved, name: names.get(each.id.name) };
    });
  });
}

function print(parts) {
  return parts
    .map(({ text, isVariable }, i) => {
      // A line that begins so would go on with the one before.
      if (!isVariable) return `${/^[([`]/.test(text) ? ";" : "\n"}${text}`;
      return i > 0 && parts[i - 1].isVariable ? `,${text}` : `\nvar ${text}`;
    })
    .join("")
    .trimStart();
}

/** Functions that the order knows where it has them; what else there is stays as it is, one after the other. */
function arrange(parts, order) {
  const known = new Map(parts.flatMap((part) => (part.name ? [[part.name, part]] : [])));
  const listed = order.flatMap((name) => known.get(name) ?? []);
  const moved = new Set(listed.filter(({ isMoved }) => isMoved));
  const fixed = parts.filter((part) => !moved.has(part));
  let at = 0;
  const placed = listed.flatMap((part) => {
    if (moved.has(part)) return [part];
    const end = Math.max(at, fixed.indexOf(part) + 1);
    const before = fixed.slice(at, end);
    at = end;
    return before;
  });
  return [...placed, ...fixed.slice(at)];
}

/** Moves a few functions at a time, and keeps what is no longer and still can be imported. */
function search(parts, seconds) {
  let best = parts;
  let size = gzipped(print(best));
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const [from, to, length] = [best.length, best.length, 8].map((n) => Math.floor(Math.random() * n));
    const some = best.slice(from, from + length + 1);
    if (!some.every(({ isMoved }) => isMoved)) continue;
    const rest = best.toSpliced(from, some.length);
    const next = rest.toSpliced(to, 0, ...some);
    const bytes = gzipped(print(next));
    if (bytes > size || !runs(print(next))) continue;
    if (bytes < size) console.log(`${bytes} bytes, ${Math.ceil((end - Date.now()) / 1000)} s left`);
    [best, size] = [next, bytes];
  }
  return best;
}

/** Whether no function is called before its declaration. */
function runs(code) {
  try {
    new Function(code.replace(/export\{[^}]*\}$/, ""))();
    return true;
  } catch {
    return false;
  }
}
