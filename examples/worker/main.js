// The page never waits: it posts an input and gets the outputs back.
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const answer = document.querySelector("#answer");

worker.onerror = (event) => {
  answer.textContent = `failed: ${event.message}`;
};
worker.onmessage = ({ data }) => {
  answer.textContent = `outputs: ${Array.from(data, (value) => value.toFixed(3)).join(" ")}`;
};
const input = Float32Array.from({ length: 28 * 28 }, (_, i) => i / (28 * 28 - 1));
worker.postMessage(input, [input.buffer]);
