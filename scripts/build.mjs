// Makes dist/: binaries, bundles, declarations. `--js` leaves the declarations out, which is quicker.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { minify } from "terser";
import "./wasm.mjs";

const options = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  packages: "external",
  external: ["node:*"],
  outdir: "dist",
  metafile: true,
  logLevel: "warning",
};

rmSync("dist/chunks", { recursive: true, force: true });

// One file that needs no other: what a phone downloads.
// The binaries come first, and so do not part what is alike in the code for gzip: 0.7 KB.
const runtime = await bundle({
  entryPoints: ["src/runtime.ts"],
  inject: ["src/wasm/binaries/runtime.ts"],
  minifyIdentifiers: true,
  minifySyntax: true,
});
const foreign = Object.values(runtime.metafile.outputs).flatMap((output) => output.imports);
if (foreign.length > 0) throw new Error(`pare/runtime imports ${foreign.map(({ path }) => path).join(", ")}`);

// The others share what they have in common, and stay as they are for readable errors: Node shows the line of one.
await bundle({
  entryPoints: ["index", "kernels", "tfjs", "cli"].map((name) => `src/${name}.ts`).filter(existsSync),
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});
if (existsSync("dist/cli.js")) chmodSync("dist/cli.js", 0o755);

// Functions as arrows, without `function` and `return`: 0.2 KB. None has a `this`, and none is called before its line is
// reached: all such calls would be made at import.
const arrows = readFileSync("dist/runtime.js", "utf8")
  .replace(/^(async )?function (\w+)(\(.*\)) \{$/gm, "var $2 = $1$3 => {")
  .replace(/Number.POSITIVE_INFINITY/g, "1 / 0")
  .replace(/Number.NEGATIVE_INFINITY/g, "-1 / 0");

// Terser makes it 5 % smaller. No getter of ours does anything but get, and a function that is not moved into its only
// caller stays beside what it is like; so do comparisons that are not turned round.
const { code } = await minify(arrows, {
  module: true,
  ecma: 2022,
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
writeFileSync("dist/runtime.js", code);

const bytes = readFileSync("dist/runtime.js");
console.log(`dist/runtime.js: ${bytes.length} bytes, ${gzipSync(bytes, { level: 9 }).length} gzipped`);

if (!process.argv.includes("--js")) {
  // The compiler's memory of what it has written outlives what it has written.
  if (!existsSync("dist/types/runtime.d.ts")) rmSync("build/types.tsbuildinfo", { force: true });
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"];
  const { status } = spawnSync(process.execPath, tsc, { stdio: "inherit" });
  if (status !== 0) process.exit(1);
}

// esbuild has already said what is wrong.
function bundle(more) {
  return build({ ...options, ...more }).catch(() => process.exit(1));
}
