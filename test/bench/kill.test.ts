/** The study of kills, in small: processes that train, die and go on, bundled as `npm run study` does. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("training that is killed five times ends with the same weights", async () => {
  const outfile = join(root, "build/test/kill.js"); // within reach of node_modules
  await build({
    stdin: {
      contents: `import { run } from "./bench/studies/kill.ts"; process.exitCode = await run(process.argv.slice(3));`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node20",
  });
  const study = spawn(process.execPath, [outfile, "kill", "--quick"], { cwd: root });
  let said = "";
  for (const stream of [study.stdout, study.stderr]) stream.on("data", (text) => (said += text));
  const code = await new Promise((resolve) => study.once("close", resolve));
  expect(said).toContain("met: every bit is the same");
  expect(said).toContain("kill 5: ");
  expect(code, said).toBe(0);
});
