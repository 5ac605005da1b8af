// Compiles assembly/ into src/wasm/binaries/*.ts: each binary as text that src/wasm/text.ts decodes.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { main } from "assemblyscript/asc";
import { Transform } from "assemblyscript/transform";
import { arrange, kernelsOf } from "./likeness.mjs";

const sets = readdirSync("assembly").filter((file) => ["runtime.ts", "train.ts"].includes(file));
// What each build is made from. The relaxed builds of the runtime hold only the kernels that differ
// (assembly/products.ts) and lie over the simd one; see assembly/simd.ts.
const builds = {
  "runtime.ts": { simd: "runtime.ts", relaxed: "products.ts", relaxed16: "products.ts" },
  "train.ts": { simd: "train.ts", relaxed: "train.ts" },
};
const out = "src/wasm/binaries";
const sources = [
  "asconfig.json",
  "scripts/likeness.mjs",
  "scripts/wasm.mjs",
  ...readdirSync("assembly", { recursive: true }).map((file) => `assembly/${file}`),
]
  .filter((file) => /\.(ts|json|mjs)$/.test(file))
  .sort();
const stamp = createHash("sha256");
for (const file of [...sources, "package-lock.json"]) stamp.update(file).update(readFileSync(file));
const line = `// sha256 of the sources: ${stamp.digest("hex")}\n`;

// Functions of the runtime that stay functions: inlined wherever they are called, they were 0.5 KB of the download.
const kept = ["*/math/*", "*/words/*", "*/f32_conv2d/store8"];
class KeepFunctions extends Transform {
  afterCompile(module) {
    for (const pattern of kept) {
      this.binaryen.setPassArgument("no-inline", pattern);
      module.runPasses(["no-inline"]);
    }
    this.binaryen.clearPassArguments();
  }
}

mkdirSync(out, { recursive: true });
for (const set of sets) {
  const name = set.replace(".ts", "");
  const target = `${out}/${name}.ts`;
  if (isFresh(target)) continue;
  let text = `// Made by scripts/wasm.mjs from assembly/${set}.\n${line}`;
  let kernels;
  for (const [variant, source] of Object.entries(builds[set])) {
    mkdirSync("build", { recursive: true });
    const file = `build/${name}-${variant}.wasm`;
    const flags = [
      "--target",
      variant.replace("16", ""),
      "--use",
      `PARE_DOT16=${variant === "relaxed16" ? 1 : 0}`,
    ];
    const { error, stderr } = await main([`assembly/${source}`, ...flags, "--outFile", file], {
      transforms: set === "runtime.ts" ? [KeepFunctions] : [],
    });
    if (error) {
      console.error(stderr.toString());
      process.exit(1);
    }
    const module = readFileSync(file);
    // Of simd, the first build, which has them all.
    kernels ??= kernelsOf(module).sort();
    const bytes = arrange(module, kernels);
    // Typed, or the declaration file would hold the whole binary as a literal type.
    text += `export const ${variant}: string =\n  "${encodeText(bytes)}";\n`;
    console.log(`${file}: ${bytes.length} bytes`);
  }
  writeFileSync(`${target}.partial`, text);
  renameSync(`${target}.partial`, target);
}

function isFresh(target) {
  try {
    return readFileSync(target, "utf8").includes(line);
  } catch {
    return false;
  }
}

// 89 digits and two shifts out of printable ASCII, as src/wasm/text.ts has it. The order gives frequent bytes the
// characters that are frequent in our code: gzip has one table for what ends the binaries and begins the code, and
// makes them 0.4 KB smaller than with digits in the order of ASCII. A search found it.
function encodeText(bytes) {
  const digits =
    "'W71VOi(n:d mpocrl=)u}s.&f{[0+*8]?H-!;ea,x|b>yv3U@^YNFw<zq65DRT4_~PM/Ihg9AL%GjBEC#SJKXkZQt2";
  const text = Array.from(bytes, (byte) => {
    const value = (byte + 6) & 255;
    const shift = Math.floor(value / 89);
    return (shift === 0 ? "" : digits[88 + shift]) + digits[value % 89];
  });
  return digits + text.join("");
}
