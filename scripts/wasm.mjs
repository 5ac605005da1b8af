// Compiles assembly/ into src/wasm/binaries/*.ts: each binary as a base64 string.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { main } from "assemblyscript/asc";

const sets = readdirSync("assembly").filter((file) => ["runtime.ts", "train.ts"].includes(file));
const variants = ["simd", "relaxed"];
const out = "src/wasm/binaries";
const sources = [
  "asconfig.json",
  ...readdirSync("assembly", { recursive: true }).map((file) => `assembly/${file}`),
]
  .filter((file) => /\.(ts|json)$/.test(file))
  .sort();
const stamp = createHash("sha256");
for (const file of [...sources, "package-lock.json"]) stamp.update(file).update(readFileSync(file));
const line = `// sha256 of the sources: ${stamp.digest("hex")}\n`;

mkdirSync(out, { recursive: true });
for (const set of sets) {
  const name = set.replace(".ts", "");
  const target = `${out}/${name}.ts`;
  if (isFresh(target)) continue;
  let text = `// Made by scripts/wasm.mjs from assembly/${set}.\n${line}`;
  for (const variant of variants) {
    mkdirSync("build", { recursive: true });
    const file = `build/${name}-${variant}.wasm`;
    const { error, stderr } = await main([`assembly/${set}`, "--target", variant, "--outFile", file]);
    if (error) {
      console.error(stderr.toString());
      process.exit(1);
    }
    const bytes = readFileSync(file);
    text += `export const ${variant} =\n  "${bytes.toString("base64")}";\n`;
    console.log(`${file}: ${bytes.length} bytes`);
  }
  writeFileSync(target, text);
}

function isFresh(target) {
  try {
    return readFileSync(target, "utf8").includes(line);
  } catch {
    return false;
  }
}
