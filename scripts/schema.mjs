// Makes schema/train.schema.json and the tables of docs/recipes.md from what `pare train` checks.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const made = resolve("build/train-schema.mjs");
await build({
  entryPoints: ["src/cli/train/schema.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  outfile: made,
  logLevel: "warning",
});
const { recipePage, schemaPath, schemaText } = await import(pathToFileURL(made).href);
rmSync(made);
mkdirSync("schema", { recursive: true });
writeFileSync(schemaPath, schemaText());
const page = "docs/recipes.md";
writeFileSync(page, recipePage(readFileSync(page, "utf8")));
