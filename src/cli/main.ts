/** argv -> command -> exit code. */

import { Command } from "commander";
import { addBench } from "./commands/bench.js";
import { addCompress } from "./commands/compress.js";
import { addDemo } from "./commands/demo.js";
import { addEval } from "./commands/eval.js";
import { addExport } from "./commands/export.js";
import { addInspect } from "./commands/inspect.js";
import { addRun } from "./commands/run.js";
import { addTrain } from "./commands/train.js";
import { exitCodeOf, messageOf } from "./errors.js";
import { colorsFor, type Host, note } from "./host.js";

const epilogue = `
MODEL is a tfjs model.json, a Keras file (.keras or .h5) or, to run it, a .pare file, told apart by their bytes.
DATA is .npy, IDX or numeric .csv, each also gzipped;
for an input that is a picture also .jpg, .png or a folder of them.

Exit codes: 0 fine, 1 failure, 2 usage, 3 refused file, 4 a quality gate was missed, 130 interrupted.`;

/** Shown at the end of the help of a command. */
const examples: Readonly<Record<string, readonly string[]>> = {
  compress: [
    "compress model.json -o model.pare --calibrate samples.npy",
    "compress model.json -o model.pare --calibrate photos/ --scale 0.00392157 --data test.npy --labels labels.npy",
  ],
  eval: ["eval model.pare --data test-images.idx.gz --labels test-labels.idx.gz --scale 0.00392157"],
  run: [
    "run model.pare --input photo.jpg --scale 0.00392157",
    "run model.pare --input samples.npy -o outputs.npy",
  ],
  bench: ["bench model.json model.pare --data samples.npy --profile"],
  inspect: ["inspect model.pare"],
  demo: ["demo", "demo --data mnist/ -o digits.pare"],
};

/**
 * Runs one command line.
 *
 * @param argv without node and script
 * @returns the exit code; never throws
 */
export async function main(argv: readonly string[], host: Host): Promise<number> {
  try {
    await createProgram(host).parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    const message = messageOf(error, host.signal);
    if (message) note(host, `${colorsFor(host.stderr, host.env).red("error:")} ${message}`);
    return exitCodeOf(error, host.signal);
  }
}

function createProgram(host: Host): Command {
  const program = new Command("pare")
    .description("Shrinks TensorFlow.js and Keras models and runs them sparse and int8 in WebAssembly.")
    .version(host.version)
    // Before the commands are added: they take these settings over.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      getOutHasColors: () => colorsFor(host.stdout, host.env).isColorSupported,
      getErrHasColors: () => colorsFor(host.stderr, host.env).isColorSupported,
    })
    .showHelpAfterError("(add --help for what there is)")
    .addHelpText("after", epilogue);
  for (const add of [addDemo, addCompress, addEval, addRun, addTrain, addInspect, addExport, addBench])
    add(program, host);
  for (const command of program.commands) {
    const lines = examples[command.name()]?.map((line) => `  pare ${line}`);
    if (lines) command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`);
  }
  return program;
}
