// The kernel suites in this very node: node --liftoff-only test/browser/node.mjs
import { bundleSuites, importText } from "./bundle.mjs";
import { printReports } from "./report.mjs";

const { run } = await importText(await bundleSuites());
console.log(`kernels in Node ${process.versions.node} ${process.execArgv.join(" ")}`.trim());
// Relaxed SIMD came with Node 22, without a flag.
const isModern = Number(process.versions.node.split(".")[0]) >= 22;
const required = ["reference", "simd", ...(isModern ? ["relaxed", "relaxed16"] : [])];
if (!printReports(run(), required)) process.exitCode = 1;
