// Owns the model. In a project with a bundler: import { load } from "pare/runtime".
import { load } from "../../dist/runtime.js";

// Messages that come while the model loads wait in the promise.
const loading = load(new URL("../browser/digits.pare", import.meta.url));

self.onmessage = async ({ data }) => {
  const model = await loading;
  const outputs = model.run(data);
  // A copy: the array belongs to the model, which writes it again with the next run.
  const scores = outputs[model.outputs[0].name].slice();
  self.postMessage(scores, [scores.buffer]);
};
