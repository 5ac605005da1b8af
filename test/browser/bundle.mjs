// Bundles of the sources, made for a page and good in Node too.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** The text of a module that exports `run()`: every test/kernels/*-suite.ts on every variant, reported. */
export function bundleSuites() {
  const names = readdirSync(join(root, "test/kernels"))
    .filter((file) => file.endsWith("-suite.ts"))
    .map((file) => file.replace("-suite.ts", ""));
  const lines = names.flatMap((name) => [
    `import { ${name}Set } from "./src/kernels/${name}-set.ts";`,
    `import { ${name}Cases } from "./test/kernels/${name}-suite.ts";`,
  ]);
  const suites = names.map((name) => `{ set: ${name}Set, cases: ${name}Cases }`);
  lines.push('import { runSuites } from "./test/browser/run-suites.ts";');
  lines.push(`export const run = () => runSuites([${suites.join(", ")}]);`);
  return bundle(lines.join("\n"));
}

/** The bytes of a `.pare` file whose answers are known. */
export async function makeDigitModel() {
  const { encodeDigitModel } = await importText(
    await bundle('export { encodeDigitModel } from "./test/browser/digit-model.ts";'),
  );
  return encodeDigitModel();
}

/** Imports a module from its text. */
export function importText(text) {
  return import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`);
}

async function bundle(contents) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  return outputFiles[0].text;
}
