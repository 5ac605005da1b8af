import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type BuildOptions, build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { denseArtifacts, temporaryFolder } from "./support.js";

// Inside the repository: what is bundled looks for its packages there.
const folder = resolve(`build/cli-test-${process.pid}`);
const script = join(folder, "dist/cli.js");

const bundling: BuildOptions = {
  entryPoints: ["src/cli.ts"],
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  logLevel: "error",
};

beforeAll(async () => {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module", version: "3.2.1" }));
  await build({ ...bundling, packages: "external", outdir: join(folder, "dist") });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function outcomeOf(child: ChildProcess) {
  let out = "";
  let err = "";
  child.stdout?.on("data", (text) => (out += text));
  child.stderr?.on("data", (text) => (err += text));
  const [code] = await once(child, "close");
  return { code, out, err };
}

test("the process takes its version from package.json and its exit code from the command", async () => {
  expect(await outcomeOf(spawn(process.execPath, [script, "--version"]))).toMatchObject({
    code: 0,
    out: "3.2.1\n",
  });
  expect((await outcomeOf(spawn(process.execPath, [script, "eval"]))).code).toBe(2);
});

test("SIGINT while it trains: exit code 130, nothing written", async () => {
  const target = await temporaryFolder();
  const argv = ["demo", "--samples", "2400", "--epochs", "500", "-o", join(target, "digits.pare")];
  const child = spawn(process.execPath, [script, ...argv]);
  const outcome = outcomeOf(child);
  // The line about the data is the last before the training.
  child.stderr.once("data", () => setTimeout(() => child.kill("SIGINT"), 300));
  const { code, out, err } = await outcome;
  expect(err).toMatch(/interrupted/);
  expect([code, out]).toEqual([130, ""]);
  expect(await readdir(target)).toEqual([]);
});

test("a reader that has enough is no error", async () => {
  const model = await saveModel(await temporaryFolder(), denseArtifacts([400, 400], ["relu"]));
  const argv = [script, "inspect", model];
  const { code, err } = await outcomeOf(
    spawn("sh", ["-c", `"$@" | true; exit 0`, "sh", process.execPath, ...argv]),
  );
  expect([code, err]).toEqual([0, ""]);
});

test.skipIf(!existsSync("/dev/full"))("a full disk under stdout is a line and a failure", async () => {
  const model = await saveModel(await temporaryFolder(), denseArtifacts([4, 3], ["relu"]));
  const argv = [script, "inspect", model];
  const { code, err } = await outcomeOf(
    spawn("sh", ["-c", `"$@" > /dev/full`, "sh", process.execPath, ...argv]),
  );
  expect([code, err]).toEqual([1, expect.stringMatching(/^error: cannot write to stdout: ENOSPC.*\n$/)]);
});

test("without tfjs, commands that need it say what to install, and the others run", async () => {
  const away = await temporaryFolder();
  await writeFile(join(away, "package.json"), JSON.stringify({ type: "module", version: "1.0.0" }));
  // Commander is CommonJS and requires modules of Node.
  const js = `import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);`;
  await build({ ...bundling, external: ["@tensorflow/*"], banner: { js }, outdir: join(away, "dist") });
  const model = await saveModel(away, denseArtifacts([4, 3], ["relu"]));
  const run = (...argv: string[]) =>
    outcomeOf(spawn(process.execPath, [join(away, "dist/cli.js"), ...argv], { cwd: away }));
  const file = join(away, "net.pare");
  expect((await run("compress", model, "-o", file, "--precision", "f32")).code).toBe(0);
  expect((await run("inspect", file)).code).toBe(0);
  for (const argv of [["bench", model, file], ["demo"]]) {
    const { code, err } = await run(...argv);
    expect(err).toMatch(/needs tfjs: npm install @tensorflow\/tfjs/);
    expect(code).toBe(1);
  }
});
