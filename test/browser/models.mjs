// The same bits everywhere, for the real models beside the repository:
//   node test/browser/models.mjs make FOLDER    int8 files of them, and the hashes that the plain code gives
//   node test/browser/models.mjs check FOLDER   every variant of this very node, with its flags, gives those
//   node test/browser/models.mjs chromium FOLDER
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleModels, importText } from "./bundle.mjs";
import { launchChromium, startServer } from "./server.mjs";

const [command, folder] = process.argv.slice(2);
const models = join(import.meta.dirname, "../../../shared/models");

if (!existsSync(models)) {
  console.log(`skipped: the same bits of real models, for ${models} is absent`);
} else if (command === "make") {
  await make();
} else {
  const hashes = await (command === "chromium" ? inChromium() : inNode());
  if (!report(hashes)) process.exitCode = 1;
}

async function make() {
  const { compress, importModel, readArtifacts } = await import("../../dist/index.js");
  for (const name of readdirSync(models)) {
    const path = join(models, name, "model.json");
    if (!existsSync(path)) continue;
    const { inputs, nodes } = importModel(await readArtifacts(path));
    let state = 3;
    const calibration = Object.fromEntries(
      inputs.map(({ name: input, shape }) => {
        const size = 8 * shape.slice(1).reduce((product, dim) => product * dim, 1);
        const isWords = nodes.some(({ op, inputs: [x] }) => op === "embedding" && x === input);
        const numbers = Float32Array.from({ length: size }, () => {
          state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
          return isWords ? Math.floor((state / 2 ** 32) * 400) : state / 2 ** 31 - 1;
        });
        return [input, numbers];
      }),
    );
    const result = await compress(path, { calibration });
    await result.save(join(folder, `${name}.pare`));
  }
  const wanted = (await inNode()).filter(({ variant }) => variant === "reference");
  writeFileSync(join(folder, "hashes.json"), JSON.stringify(wanted, null, 2));
  for (const { name, hash } of wanted) console.log(`${name} ${hash}`);
}

function files() {
  const names = readdirSync(folder).filter((file) => file.endsWith(".pare"));
  return names.map((file) => ({
    name: file.replace(".pare", ""),
    bytes: new Uint8Array(readFileSync(join(folder, file))),
  }));
}

async function inNode() {
  console.log(`models in Node ${process.versions.node} ${process.execArgv.join(" ")}`.trim());
  const { hashModels } = await importText(await bundleModels());
  return hashModels(files());
}

async function inChromium() {
  const all = files();
  const server = await startServer({
    "/empty.html": "<!doctype html><link rel=icon href=data:,>",
    "/models.js": await bundleModels(),
    ...Object.fromEntries(all.map(({ name, bytes }) => [`/${name}.pare`, bytes])),
  });
  const browser = await launchChromium();
  try {
    console.log(`models in Chromium ${browser.version()}`);
    const page = await browser.newPage();
    await page.goto(`${server.address}/empty.html`);
    return await page.evaluate(
      async (names) => {
        const { hashModels } = await import("/models.js");
        const fetched = names.map(async (name) => {
          const response = await fetch(`/${name}.pare`);
          return { name, bytes: new Uint8Array(await response.arrayBuffer()) };
        });
        return hashModels(await Promise.all(fetched));
      },
      all.map(({ name }) => name),
    );
  } finally {
    await browser.close();
    await server.stop();
  }
}

/** Node 20 knows no relaxed SIMD; every other engine that is tried must. */
function report(hashes) {
  const wanted = new Map(
    JSON.parse(readFileSync(join(folder, "hashes.json"), "utf8")).map(({ name, hash }) => [name, hash]),
  );
  const isOld = command === "check" && Number(process.versions.node.split(".")[0]) < 22;
  let [passed, failed] = [0, 0];
  for (const { name, variant, hash } of hashes) {
    if (hash === undefined && isOld && variant.startsWith("relaxed")) continue;
    const isSame = hash !== undefined && hash === wanted.get(name);
    if (!isSame) console.log(`${name} ${variant}: wanted ${wanted.get(name)}, got ${hash}`);
    passed += isSame ? 1 : 0;
    failed += isSame ? 0 : 1;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return passed > 0 && failed === 0;
}
