#!/usr/bin/env node
/** `pare`, the command: wires the process to `main`. */

import { readFileSync } from "node:fs";
import { main } from "./cli/main.js";

const interrupt = new AbortController();
process.on("SIGINT", () => {
  // Once asks for an orderly end, which a stage that never yields would miss: twice is the way out.
  if (interrupt.signal.aborted) process.exit(130);
  interrupt.abort(new Error("interrupted"));
});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader such as `head` that has enough is no failure of ours.
  if (error.code === "EPIPE") process.exit(0);
  process.stderr.write(`error: cannot write to stdout: ${error.message}\n`);
  process.exit(1);
});

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: interrupt.signal,
  version,
}).then((code) => {
  process.exitCode = code;
});
