// Bundles of the sources, made for a page and good in Node too.
import { join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** The text of a module that exports `run()`: every case of test/kernels/suites.ts on every variant, reported. */
export function bundleSuites() {
  return bundle(`
    import { suites } from "./test/kernels/suites.ts";
    import { runSuites } from "./test/browser/run-suites.ts";
    export const run = () => runSuites(suites);
  `);
}

/** The text of a module that exports `hashModels(files)`. */
export function bundleModels() {
  return bundle('export { hashModels } from "./test/browser/run-models.ts";');
}

/** The text of a module that exports `train(path)`. */
export function bundleTraining() {
  return bundle('export { train } from "./test/browser/train-page.ts";');
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
