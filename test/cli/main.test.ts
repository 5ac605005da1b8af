import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { saveModel } from "../../src/index.js";
import { denseArtifacts, pare, temporaryFolder } from "./support.js";

const commands = ["demo", "compress", "eval", "run", "inspect", "bench"];

describe("the command line", () => {
  test("--help lists the commands and exits with 0", async () => {
    const { code, out, err } = await pare(["--help"]);
    expect(code).toBe(0);
    expect(err).toBe("");
    expect(out).toMatch(/DATA is .*a folder of them/s);
    for (const command of commands) expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
  });

  test.each(commands)("%s --help knows --json", async (command) => {
    const { code, out } = await pare([command, "--help"]);
    expect(code).toBe(0);
    expect(out).toContain("--json");
  });

  test.each(commands)("%s --help has examples of options that there are", async (command) => {
    const { out } = await pare([command, "--help"]);
    const [help, shown] = out.split("Examples:\n");
    const lines = shown.trim().split("\n");
    for (const line of lines) {
      expect(line).toMatch(new RegExp(`^ *pare ${command}\\b`));
      for (const option of line.match(/--[\w-]+/g) ?? []) expect(help).toContain(`${option} `);
    }
  });

  test("--version", async () => {
    expect(await pare(["--version"])).toEqual({ code: 0, out: "9.8.7\n", err: "" });
  });

  test.each([
    [[], /Usage: pare/],
    [["shrink"], /unknown command 'shrink'/],
    [["inspect"], /missing required argument 'file'/],
    [["inspect", "a.pare", "b.pare"], /too many arguments/],
    [["run", "a.pare"], /required option '--input <DATA>'/],
    [["compress", "model.json"], /required option '-o, --output <FILE>'/],
    [["compress", "model.json", "-o", "x", "--sparsity", "1"], /--sparsity.*wanted a part of 1/s],
    [["compress", "model.json", "-o", "x", "--sparsity", ""], /wanted a part of 1/],
    [["compress", "model.json", "-o", "x", "--pattern", "4:4"], /--pattern.*wanted unstructured/s],
    [["compress", "model.json", "-o", "x", "--precision", "int4"], /Allowed choices are int8, f32/],
    [["compress", "model.json", "-o", "x", "--scale", "1e999"], /wanted a number/],
    [["compress", "model.json", "-o", "x"], /int8 needs --calibrate/],
    [["compress", "model.json", "-o", "x", "--max-drop", "1"], /--max-drop needs --data and --labels/],
    [["compress", "model.json", "-o", "x", "--data", "d.npy"], /--data and --labels go together/],
    [["compress", "model.json", "-o", "x", "--measure", "out"], /--measure needs --data and --labels/],
    [["compress", "model.json", "-o", "x", "--sparsity", "0.5", "--pattern", "4:16"], /wanted at least 0.75/],
    [["demo", "--samples", "12.5"], /wanted an integer/],
    [["bench", "model.json", "m.pare", "--batch", "0"], /wanted an integer from 1/],
    [
      ["run", "m.pare", "--input", "x.npy", "--engine", "tfjs"],
      /tfjs runs a model.json or a Keras file only/,
    ],
  ])("usage %j exits with 2", async (argv, message) => {
    const { code, out, err } = await pare(argv as string[]);
    expect(err).toMatch(message as RegExp);
    expect(out).toBe("");
    expect(code).toBe(2);
  });

  test("what is not there is a failure, not a refusal", async () => {
    for (const name of ["nowhere.pare", "nowhere.json"]) {
      const { code, err } = await pare(["inspect", join(await temporaryFolder(), name)]);
      expect(err).toMatch(/nowhere/);
      expect(code).toBe(1);
    }
  });

  test("a file that is refused exits with 3 and its code", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "page.pare");
    await writeFile(file, "<!doctype html><title>not found</title>");
    const html = await pare(["inspect", file, "--json"]);
    expect(html.code).toBe(3);
    expect(html.err).toMatch(/refused \(container-html\)/);
    expect(html.out).toBe("");

    const [json, pareFile] = ["https://example.com/model.json", "https://example.com/m.pare"];
    for (const argv of [
      ["inspect", json],
      ["inspect", pareFile],
      ["run", pareFile, "--input", "x.npy"],
    ]) {
      const remote = await pare(argv);
      expect(remote.err).toMatch(/import-remote/);
      expect(remote.code).toBe(3);
    }
  });

  test("what goes wrong with a file names it", async () => {
    const folder = await temporaryFolder();
    const model = await saveModel(folder, denseArtifacts([4, 3], ["relu"]));
    const empty = join(folder, "empty.pare");
    await writeFile(empty, "");
    for (const argv of [
      ["inspect", folder],
      ["run", folder, "--input", "x.npy"],
      ["train", folder],
    ]) {
      expect(await pare(argv)).toMatchObject({
        code: 1,
        err: `error: ${folder}: wanted a file, got a folder\n`,
      });
    }
    for (const argv of [
      ["inspect", empty],
      ["run", empty, "--input", "x.npy"],
      ["bench", model, empty],
    ]) {
      const { code, err } = await pare(argv);
      expect([code, err]).toEqual([3, expect.stringContaining(`${empty}: the file is empty`)]);
    }
    const table = join(folder, "table.csv");
    await writeFile(table, "1,2,3,4\n5,6,7,8\n");
    for (const argv of [
      ["inspect", table],
      ["run", table, "--input", "x.npy"],
    ]) {
      const { code, err } = await pare(argv);
      expect([code, err]).toEqual([3, expect.stringContaining(`${table}, taken for a .pare file: `)]);
    }
    const missing = await pare(["run", model, "--input", join(folder, "x.npy")]);
    expect(missing.err).toBe(`error: cannot read ${folder}/x.npy: ENOENT: no such file or directory\n`);
  });

  test("a folder to write into that is not there is told before any work", async () => {
    const nowhere = join(await temporaryFolder(), "nowhere");
    const argv = ["run", "m.pare", "--input", "x.npy", "-o", join(nowhere, "out.npy")];
    const { code, err } = await pare(argv);
    expect([code, err]).toEqual([2, expect.stringContaining(`wanted a folder ${nowhere}, got none`)]);
  });

  test("with --allow-remote a .pare file comes from a server", async () => {
    const folder = await temporaryFolder();
    const model = await saveModel(folder, denseArtifacts([4, 3], ["relu"]));
    const file = join(folder, "net.pare");
    await pare(["compress", model, "-o", file, "--precision", "f32"]);
    const server = createServer(async (request, response) => {
      if (request.url === "/net.pare") response.end(await readFile(file));
      else response.writeHead(404).end("<!doctype html>");
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const local = JSON.parse((await pare(["inspect", file, "--json"])).out);
    const remote = await pare(["inspect", `${root}/net.pare`, "--allow-remote", "--json"]);
    expect(JSON.parse(remote.out)).toEqual({ ...local, file: `${root}/net.pare` });
    const missing = await pare(["inspect", `${root}/other.pare`, "--allow-remote"]);
    expect(missing.err).toMatch(/fetch-status.*404/);
    expect(missing.code).toBe(3);
  });

  test("a model with layers that pare has not exits with 3 and names them all", async () => {
    const folder = await temporaryFolder();
    const artifacts = denseArtifacts([4, 3], ["relu"]);
    const { config } = artifacts.modelTopology as { config: { layers: object[] } };
    for (const name of ["Imaginary", "Impossible"]) {
      config.layers.push({ class_name: name, config: { name: name.toLowerCase() } });
    }
    const { code, err } = await pare(["inspect", await saveModel(folder, artifacts)]);
    expect(err).toMatch(/Imaginary.*Impossible/);
    expect(code).toBe(3);
  });
});

describe("colors", () => {
  const argv = ["inspect", "/nowhere/at/all.pare"];
  const colorCode = "\x1b[";

  test("on a terminal only", async () => {
    expect((await pare(argv, { tty: true })).err).toContain(colorCode);
    expect((await pare(argv)).err).not.toContain(colorCode);
  });

  test("NO_COLOR and a dumb terminal switch them off", async () => {
    expect((await pare(argv, { tty: true, env: { NO_COLOR: "1" } })).err).not.toContain(colorCode);
    expect((await pare(argv, { tty: true, env: { TERM: "dumb" } })).err).not.toContain(colorCode);
    expect((await pare(argv, { env: { FORCE_COLOR: "1" } })).err).toContain(colorCode);
    expect((await pare(argv, { env: { FORCE_COLOR: "1", NO_COLOR: "1" } })).err).not.toContain(colorCode);
  });
});
