// The kernel suites, the built runtime and the examples in headless Chromium: npm run test:browser.
// CHROMIUM names another browser than /usr/bin/chromium.
import assert from "node:assert/strict";
import { bundleSuites, bundleTraining, makeDigitModel } from "./bundle.mjs";
import { printReports } from "./report.mjs";
import { launchChromium, startServer } from "./server.mjs";

const model = await makeDigitModel();
const server = await startServer({
  "/empty.html": "<!doctype html><link rel=icon href=data:,>",
  "/suites.js": await bundleSuites(),
  "/training.js": await bundleTraining(),
  "/examples/browser/digits.pare": model,
});
const browser = await launchChromium();
try {
  console.log(`kernels in Chromium ${browser.version()}`);
  const reports = await inPage("/empty.html", (page) =>
    page.evaluate(async () => (await import("/suites.js")).run()),
  );
  const checks = [sameBits, blockedWasm, drawing, worker, training];
  for (const check of checks) reports.push(await outcomeOf(check));
  if (!printReports(reports, ["reference", "simd", "relaxed", "relaxed16"])) process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop();
}

async function outcomeOf(check) {
  const report = { suite: "page", variant: check.name, passed: 0, failures: [] };
  try {
    await check();
    report.passed += 1;
  } catch (error) {
    report.failures.push(error.message);
  }
  return report;
}

/** Opens a page, works on it, and fails if anything in it threw or complained. */
async function inPage(path, work) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  try {
    await page.goto(server.address + path);
    const result = await work(page);
    assert.deepEqual(complaints, [], path);
    return result;
  } finally {
    await page.close();
  }
}

/** dist/runtime.js gives the same bits here and in this Node, in every variant. */
async function sameBits() {
  const { load } = await import("../../dist/runtime.js");
  const pixels = Float32Array.from({ length: 28 * 28 }, (_, i) => ((i * 37) % 101) / 100);
  const { scores } = (await load(model)).run(pixels);
  for (const variant of ["relaxed", "relaxed16", "simd", "reference"]) {
    const got = await inPage("/empty.html", (page) =>
      page.evaluate(
        async ([variant, pixels]) => {
          const { load } = await import("/dist/runtime.js");
          const model = await load("/examples/browser/digits.pare", { variant });
          return Array.from(model.run(pixels).scores);
        },
        [variant, Array.from(pixels)],
      ),
    );
    assert.deepEqual(got, Array.from(scores), variant);
  }
}

/** Without 'wasm-unsafe-eval' a forced binary says what is missing, and the plain code runs. */
async function blockedWasm() {
  const page = await browser.newPage();
  await page.goto(`${server.address}/empty.html?no-wasm`);
  const outcome = await page.evaluate(async () => {
    const { load } = await import("/dist/runtime.js");
    const path = "/examples/browser/digits.pare";
    const forced = await load(path, { variant: "simd" }).then(
      () => "loaded",
      (error) => error.message,
    );
    return { forced, variant: (await load(path)).variant };
  });
  await page.close();
  assert.match(outcome.forced, /'wasm-unsafe-eval'/);
  assert.equal(outcome.variant, "reference");
}

/** A line drawn across the seventh tenth of the paper is a 7. */
async function drawing() {
  await inPage("/examples/browser/index.html", async (page) => {
    await page.getByText("ready (").waitFor();
    const { x, y } = await page.locator("#paper").boundingBox();
    await page.mouse.move(x + 20, y + 210);
    await page.mouse.down();
    await page.mouse.move(x + 140, y + 210);
    await page.mouse.move(x + 260, y + 210);
    await page.mouse.up();
    await page.getByText(/^7 in \d+ us$/).waitFor({ timeout: 5000 });
  });
}

/** An image that brightens downwards gets rising scores from the worker. */
async function worker() {
  await inPage("/examples/worker/index.html", async (page) => {
    await page.getByText("outputs:").waitFor({ timeout: 5000 });
    const text = await page.locator("#answer").textContent();
    const scores = text.split(" ").slice(1).map(Number);
    assert.equal(scores.length, 10);
    // Bands have 3 rows or 2: means by row rise.
    assert.ok(scores[9] > scores[0] && scores[9] > 0, text);
  });
}

/** tfjs learns in a page with our kernels as on its own cpu backend, and what it learned runs as a `.pare`. */
async function training() {
  const { losses, added, agreeing, count } = await inPage("/empty.html", (page) =>
    page.evaluate(async () =>
      (await import("/training.js")).train("/node_modules/@tensorflow/tfjs-backend-wasm/dist/"),
    ),
  );
  assert.ok(added.includes("Conv2DBackpropFilter"), added.join());
  assert.ok(losses.wasm.at(-1) < losses.wasm[0], losses.wasm.join());
  losses.cpu.forEach((loss, i) => {
    assert.ok(Math.abs(losses.wasm[i] - loss) < 1e-3 * loss, `${losses.wasm} and ${losses.cpu}`);
  });
  assert.ok(agreeing >= count - 2, `${agreeing} of ${count}`);
}
