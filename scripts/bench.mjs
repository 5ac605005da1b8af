// npm run bench -- [kernels|models|train|size|all] [--quick] [--json FILE] and npm run study -- NAME [--quick]:
// bundles bench/ and runs it with this same node. tfjs and the other packages stay outside of the bundle, as their users load them.
import { spawnSync } from "node:child_process";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
// `costs` prints the table of src/kernels/costs.ts, `study` trains on real data: neither compares times.
const entry = ["costs", "study"].includes(process.argv[2]) ? process.argv[2] : "main";
const outfile = `${root}/build/bench/${entry}.js`;

// The size of dist/ is measured too: it has to be made of these sources.
run(["inherit", 2, "inherit"], "scripts/build.mjs", "--js");
await build({
  absWorkingDir: root,
  entryPoints: [`bench/${entry}.ts`],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  logLevel: "warning",
});
// Flags of V8 that this node was started with hold for the bench too.
run("inherit", ...process.execArgv, outfile, ...process.argv.slice(2));

function run(stdio, ...words) {
  const { status, signal, error } = spawnSync(process.execPath, words, { cwd: root, stdio });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? (signal ? 1 : 0));
}
