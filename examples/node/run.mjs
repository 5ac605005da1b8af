// Runs a .pare file on noise and says how long a run takes: node examples/node/run.mjs MODEL.pare
import { load } from "pare/runtime";

const path = process.argv[2];
if (!path) {
  console.error("usage: node examples/node/run.mjs MODEL.pare");
  process.exit(2);
}

const model = await load(path);
const inputs = {};
for (const { name, shape } of model.inputs) {
  const size = shape.reduce((product, n) => product * n, 1);
  inputs[name] = Float32Array.from({ length: size }, Math.random);
  console.log(`input ${name}: ${shape.join(" x ")}`);
}

for (let i = 0; i < 100; i++) model.run(inputs);
const start = performance.now();
for (let i = 0; i < 1000; i++) model.run(inputs);
const microseconds = performance.now() - start; // of 1000 runs in ms: of one run in us

for (const [name, values] of Object.entries(model.run(inputs))) {
  console.log(`output ${name}: ${Array.from(values.slice(0, 10), (v) => v.toFixed(3)).join(" ")}`);
}
console.log(`${microseconds.toFixed(1)} us a run (${model.variant})`);
model.dispose();
