import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";

// What each folder may import, and what the linter must refuse it.
const rules: readonly { file: string; allowed: readonly string[]; refused: readonly string[] }[] = [
  {
    file: "src/kernels/x.ts",
    allowed: ["../wasm/index.js", "./reference/runtime/index.js"],
    refused: ["../graph/index.js", "../file/index.js", "../runtime/index.js", "../data/index.js", "node:fs"],
  },
  {
    file: "src/kernels/reference/train/x.ts",
    allowed: ["../runtime/math.js", "../../../wasm/index.js"],
    refused: ["../../../runtime/index.js", "../../../graph/index.js"],
  },
  {
    file: "src/wasm/x.ts",
    allowed: ["./binaries/runtime.js"],
    refused: ["../kernels/layouts.js", "../graph/index.js", "../runtime/index.js", "node:fs"],
  },
  {
    file: "src/graph/ops/x.ts",
    allowed: ["../types.js", "../graph.js", "./rule.js"],
    refused: [
      "../../kernels/layouts.js",
      "../../file/index.js",
      "../../wasm/index.js",
      "@tensorflow/tfjs-core",
    ],
  },
  {
    file: "src/compress/x.ts",
    allowed: ["../graph/index.js", "../kernels/index.js"],
    refused: ["../file/index.js", "../runtime/index.js", "../tfjs/index.js", "@tensorflow/tfjs", "commander"],
  },
  {
    file: "src/file/x.ts",
    allowed: ["../graph/index.js", "./errors.js"],
    refused: ["../runtime/index.js", "../kernels/layouts.js", "../wasm/index.js", "node:zlib"],
  },
  {
    file: "src/runtime/ops/x.ts",
    allowed: [
      "../../file/index.js",
      "../../kernels/layouts.js",
      "../../wasm/index.js",
      "../../graph/index.js",
      "../lowering.js",
    ],
    refused: ["../../compress/index.js", "../../data/index.js", "../../cli/main.js", "picocolors", "node:fs"],
  },
  {
    file: "src/data/x.ts",
    allowed: ["../file/errors.js", "./random.js"],
    refused: ["../file/index.js", "../graph/index.js", "../wasm/index.js", "../runtime/index.js", "node:fs"],
  },
  {
    file: "src/tfjs/x.ts",
    allowed: ["@tensorflow/tfjs-core", "../compress/index.js", "../data/index.js", "../kernels/index.js"],
    refused: ["../cli/main.js", "../report/index.js", "commander", "node:fs"],
  },
  {
    file: "src/report/x.ts",
    allowed: ["../graph/index.js"],
    refused: ["../runtime/index.js", "../tfjs/index.js", "../file/index.js"],
  },
  {
    file: "src/cli/commands/x.ts",
    allowed: [
      "../../index.js",
      "../../runtime.js",
      "../../tfjs.js",
      "../../data/index.js",
      "commander",
      "node:fs",
    ],
    refused: ["../../graph/index.js", "../../data/random.js", "../../kernels/layouts.js", "@tensorflow/tfjs"],
  },
  {
    file: "src/x.ts",
    allowed: ["./graph/index.js", "./runtime/index.js", "./compress/index.js"],
    refused: [
      "./cli/main.js",
      "../test/kernels/harness.js",
      "../bench/index.js",
      "@tensorflow/tfjs",
      "commander",
    ],
  },
];

/** Runs the linter with the repository's rules over files that hold nothing but imports. */
function refusedLines(): ReadonlyMap<string, readonly number[]> {
  const folder = mkdtempSync(join(tmpdir(), "pare-boundaries-"));
  try {
    copyFileSync("biome.jsonc", join(folder, "biome.jsonc"));
    for (const { file, allowed, refused } of rules) {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      const lines = [...allowed, ...refused].map((path) => `import ${JSON.stringify(path)};\n`);
      writeFileSync(join(folder, file), lines.join(""));
    }
    const biome = join(process.cwd(), "node_modules/@biomejs/biome/bin/biome");
    const args = [biome, "lint", "--colors=off", "--max-diagnostics=none", "--vcs-enabled=false", "."];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    const found = new Map<string, number[]>();
    for (const match of (stdout + stderr).matchAll(/^(\S+):(\d+):\d+ lint\/style\/noRestrictedImports/gm)) {
      found.set(match[1], [...(found.get(match[1]) ?? []), Number(match[2])]);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const found = refusedLines();

it.each(rules)("$file imports what it may and nothing else", ({ file, allowed, refused }) => {
  const lines = [...new Set(found.get(file) ?? [])].sort((a, b) => a - b);
  expect(lines).toEqual(refused.map((_, i) => allowed.length + i + 1));
});
