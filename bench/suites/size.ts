/** What is downloaded and what is stored, in bytes. */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { createModel } from "../../src/runtime/index.js";
import { load } from "../../src/runtime.js";
import * as runtimeBinaries from "../../src/wasm/binaries/runtime.js";
import * as trainBinaries from "../../src/wasm/binaries/train.js";
import { decodeText } from "../../src/wasm/text.js";
import type { SizeCase } from "../contest.js";
import { matchExact } from "../match.js";
import { buildModel, type ModelCase, modelName, models } from "./models.js";

const runtimeLimit = 48_000;

const runtimeCase: SizeCase = {
  suite: "size",
  name: "pare/runtime gzip",
  subject: "pare",
  peer: "tfjs-wasm layers",
  async measure() {
    const subjectBytes = gzipped(await readFile("dist/runtime.js"));
    const peerBytes = gzipped(await bundleTfjs()) + gzipped(await tfjsBinary());
    return {
      match: {
        matched: subjectBytes <= runtimeLimit,
        detail: `dist/runtime.js, both binaries inlined: at most ${runtimeLimit}; tfjs' core, layers and wasm`,
      },
      subjectBytes,
      peerBytes,
    };
  },
};

const binaryCases: readonly SizeCase[] = Object.entries({
  runtime: runtimeBinaries,
  train: trainBinaries,
}).flatMap(([set, binaries]) =>
  Object.entries(binaries).map(
    ([variant, text]): SizeCase => ({
      suite: "size",
      name: `${set} ${variant} wasm gzip`,
      subject: "pare",
      peer: "tfjs-wasm f32",
      async measure() {
        const bytes = Buffer.from(decodeText(text));
        const isWasm = bytes.toString("latin1", 0, 4) === "\0asm";
        return {
          match: { matched: isWasm, detail: `${bytes.length} bytes plain` },
          subjectBytes: gzipped(bytes),
          peerBytes: gzipped(await tfjsBinary()),
        };
      },
    }),
  ),
);

const modelSizeCases: readonly SizeCase[] = models.map((entry) => ({
  suite: "size",
  name: `${modelName(entry)} .pare`,
  subject: "pare",
  peer: "gzip of f32",
  measure: () => measureModel(entry),
}));

export const sizeCases: readonly SizeCase[] = [runtimeCase, ...binaryCases, ...modelSizeCases];

export const sizeNote =
  "size: gzip -9. .pare files are whole, header and provenance included, of weights that nobody trained: trained " +
  "ones compress better. gzip of f32: the weights of the same, equally sparse, tfjs model.";

async function measureModel(entry: ModelCase) {
  const { graph, bytes, samples } = await buildModel(entry);
  const loaded = await load(bytes);
  const output = loaded.outputs[0].name;
  // A file that lost something on its way would be small too.
  const unsaved = createModel(loaded.graph);
  const { matched, detail } = matchExact("file", loaded.run(samples)[output], unsaved.run(samples)[output]);
  const weights = Buffer.concat(
    [...graph.weights.values()].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  );
  for (const disposable of [unsaved, loaded]) disposable.dispose();
  const smaller = (weights.length / bytes.length).toFixed(1);
  return {
    match: { matched, detail: `${detail}; 1/${smaller} of ${weights.length} bytes of f32` },
    subjectBytes: bytes.length,
    peerBytes: gzipped(weights),
  };
}

const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

/** What a page needs of tfjs to load a layers model and run it on the wasm backend, unused parts shaken off. */
async function bundleTfjs(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { setBackend, tensor } from "@tensorflow/tfjs-core";
        export { loadLayersModel } from "@tensorflow/tfjs-layers";
        export { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";`,
      resolveDir: process.cwd(),
    },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    logLevel: "error",
  });
  return outputFiles[0].contents;
}

function tfjsBinary(): Promise<Uint8Array> {
  const main = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  return readFile(join(dirname(main), "tfjs-backend-wasm-simd.wasm"));
}
