// Makes dist/: binaries, bundles, declarations. `--js` leaves the declarations out, which is quicker;
// `--search SECONDS` looks for an order of the runtime's functions that makes it smaller (see shrink.mjs).
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { gzipped, shrink } from "./shrink.mjs";
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

const searched = process.argv.indexOf("--search");
const seconds = searched < 0 ? 0 : Number(process.argv[searched + 1]);
const { code, order } = await shrink(readFileSync("dist/runtime.js", "utf8"), seconds);
writeFileSync("dist/runtime.js", code);
if (seconds > 0) writeFileSync("scripts/order.txt", `${order.join("\n")}\n`);
console.log(`dist/runtime.js: ${Buffer.byteLength(code)} bytes, ${gzipped(code)} gzipped`);

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
