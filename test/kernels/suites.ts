/** Every kernel's cases, by the set that they run on. */

import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { trainSet } from "../../src/kernels/train-set.js";
import type { KernelSet } from "../../src/wasm/index.js";
import { floatCases } from "./float-suite.js";
import { gradientCases } from "./gradient-suite.js";
import type { Case } from "./harness.js";
import { planeCases } from "./plane-suite.js";
import { runtimeCases } from "./runtime-suite.js";
import { trainCases } from "./train-suite.js";

export interface Suite {
  readonly set: KernelSet<string>;
  readonly cases: readonly Case[];
}

export const suites: readonly Suite[] = [
  { set: runtimeSet, cases: [...runtimeCases, ...planeCases, ...floatCases] },
  { set: trainSet, cases: [...trainCases, ...gradientCases] },
];
