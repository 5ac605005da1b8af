/** The entry of `npm run study -- NAME`: what training is worth, on real data. */

const studies: Readonly<Record<string, () => Promise<{ run(words: readonly string[]): Promise<number> }>>> = {
  fidelity: () => import("./studies/fidelity.js"),
  distillation: () => import("./studies/distillation.js"),
  kill: () => import("./studies/kill.js"),
  lenet5: () => import("./studies/lenet5.js"),
  pruning: () => import("./studies/pruning.js"),
  quantization: () => import("./studies/quantization.js"),
  transfer: () => import("./studies/transfer.js"),
  "zero-shot": () => import("./studies/zero-shot.js"),
};

const [, , , name, ...words] = process.argv;
const open = Object.hasOwn(studies, name ?? "") ? studies[name] : undefined;
if (open) {
  process.exitCode = await (await open()).run(words);
} else {
  console.error(`usage: npm run study -- ${Object.keys(studies).join("|")} [--quick]`);
  process.exitCode = 2;
}
