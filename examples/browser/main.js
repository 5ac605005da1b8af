// Draws on a canvas and asks a model what digit it is. The model, digits.pare, reads 28 x 28 pixels in [0, 1].
// After `npm run build`, `node dist/cli.js demo -o examples/browser/digits.pare` makes one; then serve the
// root of the repository.
// In a project with a bundler: import { load } from "pare/runtime".
import { load } from "../../dist/runtime.js";

const size = 28;
const paper = document.querySelector("#paper");
const answer = document.querySelector("#answer");
const pen = paper.getContext("2d", { willReadFrequently: true });
const small = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true });
const pixels = new Float32Array(size * size);

const model = await load(new URL("digits.pare", import.meta.url));
pen.lineWidth = 20;
pen.lineCap = "round";
pen.strokeStyle = "white";
clear();

paper.addEventListener("pointerdown", (event) => {
  paper.setPointerCapture(event.pointerId);
  pen.beginPath();
  pen.moveTo(event.offsetX, event.offsetY);
});
paper.addEventListener("pointermove", (event) => {
  if (event.buttons === 0) return;
  pen.lineTo(event.offsetX, event.offsetY);
  pen.stroke();
  guess();
});
document.querySelector("#clear").addEventListener("click", clear);

function clear() {
  pen.fillStyle = "black";
  pen.fillRect(0, 0, paper.width, paper.height);
  answer.textContent = `ready (${model.variant})`;
}

function guess() {
  small.drawImage(paper, 0, 0, size, size);
  const { data } = small.getImageData(0, 0, size, size);
  for (let i = 0; i < pixels.length; i++) pixels[i] = data[i * 4] / 255;
  const start = performance.now();
  const scores = model.run(pixels)[model.outputs[0].name];
  const microseconds = (performance.now() - start) * 1000;
  const digit = scores.indexOf(Math.max(...scores));
  answer.textContent = `${digit} in ${microseconds.toFixed(0)} us`;
}
