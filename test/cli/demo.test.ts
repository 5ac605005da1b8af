import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pare, temporaryFolder } from "./support.js";

// 1,500 digits and 3 + 4 epochs: the way is the whole one, the figures are not the demo's.
const small = ["demo", "--samples", "1500", "--epochs", "3", "--sparse-epochs", "4"];

test("a small demo goes all the way", async () => {
  const output = join(await temporaryFolder(), "digits.pare");
  const { code, out, err } = await pare([...small, "-o", output, "--json"]);
  expect(code, err).toBe(0);
  const { rows, samples, validation, file, tfjsMs } = JSON.parse(out);
  expect(file).toBe(output);
  expect(existsSync(output)).toBe(true);
  expect(samples).toEqual({ train: 1375, validation: 125, test: 500 });
  expect(rows.map(({ name }: { name: string }) => name)).toEqual(["dense f32", "sparse f32", "sparse int8"]);
  const [dense, sparse, int8] = rows;
  expect(tfjsMs).toBeGreaterThan(0);
  expect(dense.zeros).toBeLessThan(0.01);
  for (const { zeros } of [sparse, int8]) expect(zeros).toBeGreaterThanOrEqual(0.9);
  // Guessing gets 10 %.
  for (const { accuracy } of rows) expect(accuracy).toBeGreaterThan(0.6);
  expect(Math.abs(int8.accuracy - sparse.accuracy)).toBeLessThan(0.03);
  expect(dense.f32Bytes).toBe(266_610 * 4);
  expect(int8.pareBytes).toBeLessThanOrEqual(dense.f32Bytes / 20);
  expect(validation.int8).toBeGreaterThan(0.6);
  const inspected = JSON.parse((await pare(["inspect", output, "--json"])).out);
  expect(inspected.bytes).toBe(int8.pareBytes);
});

test("Ctrl-C while it trains ends it with 130 and no file", async () => {
  const output = join(await temporaryFolder(), "digits.pare");
  const controller = new AbortController();
  const onError = (text: string) => {
    if (text.includes("loss")) controller.abort(new Error("interrupted"));
  };
  const { code, err } = await pare([...small, "-o", output], {
    signal: controller.signal,
    tty: true,
    onError,
  });
  expect(err).toMatch(/training dense, 3 epochs.* left/);
  expect(code).toBe(130);
  expect(existsSync(output)).toBe(false);
});

test("a folder without the four files is refused by name", async () => {
  const { code, err } = await pare(["demo", "--data", await temporaryFolder()]);
  expect(err).toMatch(/refused \(digits-missing\).*train-images-idx3-ubyte/);
  expect(code).toBe(3);
});

test("a folder that is not there is told before the training, not after", async () => {
  const { code, err } = await pare(["demo", "-o", join(await temporaryFolder(), "no/such/digits.pare")]);
  expect(err).toMatch(/wanted a folder .*such, got none/);
  expect(err).not.toMatch(/data /);
  expect(code).toBe(2);
});
