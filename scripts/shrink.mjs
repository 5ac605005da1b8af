/**
 * Makes the runtime's one file small: minifies what esbuild bundles of it, writes its functions as arrows, and puts
 * these in an order in which gzip, which looks back 32 KB, finds near what they are like: 1 KB in all. `order.txt` has the
 * order, by names; `node scripts/build.mjs --js --search SECONDS` found it, and functions that it does not name stay
 * where they are.
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
 * @returns the module, and the names of its declarations in order
 */
export async function shrink(bundle, seconds = 0) {
  const nameCache = {};
  const numbers = bundle
    .replace(/\bNumber\.POSITIVE_INFINITY\b/g, "(1 / 0)")
    .replace(/\bNumber\.NEGATIVE_INFINITY\b/g, "(-1 / 0)");
  // Terser makes it 5 % smaller. No getter of ours does anything but get, and a function that is not moved into its only
  // caller stays beside what it is like; so do comparisons that are not turned round.
  const { code } = await minify(numbers, {
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
  const order = [...new Set(readFileSync(ORDER, "utf8").split(/\r?\n/))];
  const parts = settle(arrange(partsOf(code, names), order));
  const best = seconds > 0 ? search(parts, seconds) : parts;
  return { code: print(best), order: best.flatMap(({ name }) => name ?? []) };
}

/** Declarations and other statements of a module; functions, which do nothing where they stand, may be moved. */
function partsOf(code, names) {
  return parse(code, { ecmaVersion: "latest", sourceType: "module" }).body.flatMap((node) => {
    const isArrow = node.type === "FunctionDeclaration" && !node.generator && !hasThis(node);
    const all = node.type === "VariableDeclaration" ? node.declarations : [node];
    return all.map((each) => {
      const name = names.get(each.id?.name);
      const text = isArrow ? arrowOf(code, node) : code.slice(each.start, each.end);
      const isMoved = isArrow || each.init?.type === "ArrowFunctionExpression";
      return { text, name, short: each.id?.name, isMoved, isVariable: isArrow || each !== node };
    });
  });
}

/** `name=parameters=>body`, without `function` and `return`: 1 % of the file. */
function arrowOf(code, { id, async, params, body }) {
  const textOf = ({ start, end }) => code.slice(start, end);
  const list = params.map(textOf).join(",");
  const parameters = params.length === 1 && params[0].type === "Identifier" ? list : `(${list})`;
  const [only, another] = body.body;
  let result = textOf(body);
  if (only?.type === "ReturnStatement" && only.argument && !another) {
    result = textOf(only.argument);
    if (result.startsWith("{") || only.argument.type === "SequenceExpression") result = `(${result})`;
  }
  return `${id.name}=${async ? "async " : ""}${parameters}=>${result}`;
}

/** Whether a function is more than an arrow can be. */
function hasThis(node, isInner = false) {
  if (node === null || typeof node !== "object") return false;
  if (node.type === "ThisExpression" || node.type === "MetaProperty" || node.name === "arguments")
    return true;
  if (isInner && /^(Function|Class)/.test(node.type)) return false;
  return Object.values(node).some((each) => hasThis(each, true));
}

function print(parts) {
  return parts
    .map(({ text, isVariable }, i) => {
      // A line that begins so would go on with the one before.
      if (!isVariable) return `${/^[([`/+-]/.test(text) ? ";" : "\n"}${text}`;
      return i > 0 && parts[i - 1].isVariable ? `,${text}` : `\nvar ${text}`;
    })
    .join("")
    .trimStart();
}

/** Functions that the order knows where it has them; what else there is, one after the other as it is. */
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

/** What a module reads at import before it is there: declarations are no longer hoisted. */
function readEarly(parts) {
  // `let` throws where `var` would be undefined.
  const lines = parts
    .filter(({ text }) => !/^export\b/.test(text))
    .map(({ text, isVariable }) => `${isVariable ? "let " : ""}${text};`);
  try {
    new Function(`"use strict";${lines.join("\n")}`)();
  } catch (error) {
    const [, name] = /^Cannot access '(.+)' before/.exec(error.message) ?? [];
    if (name === undefined) throw error;
    return name;
  }
}

/** Functions that are read early go in front. */
function settle(parts) {
  let settled = parts;
  for (let name = readEarly(settled); name !== undefined; name = readEarly(settled)) {
    const at = settled.findIndex(({ short }) => short === name);
    if (!settled[at].isMoved) throw new Error(`${settled[at].name} is read before it is declared`);
    settled = [settled[at], ...settled.toSpliced(at, 1)];
  }
  return settled;
}

/** Moves a few functions at a time, and keeps what is no longer and still can be imported. */
function search(parts, seconds) {
  let best = parts;
  let size = gzipped(print(best));
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const [from, to, length] = [best.length, best.length, 8].map((n) => Math.floor(Math.random() * n));
    const some = best.slice(from, from + length + 1);
    if (!some.every(({ isMoved }) => isMoved)) continue;
    const next = best.toSpliced(from, some.length).toSpliced(to, 0, ...some);
    const bytes = gzipped(print(next));
    if (bytes > size || readEarly(next) !== undefined) continue;
    if (bytes < size) console.log(`${bytes} bytes, ${Math.ceil((end - Date.now()) / 1000)} s left`);
    [best, size] = [next, bytes];
  }
  return best;
}
