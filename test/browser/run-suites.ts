/** Runs kernel suites without a test runner: in a page, or in a Node that was started with special flags. */

import { openEngine, type Variant } from "../../src/wasm/index.js";
import type { Suite } from "../kernels/suites.js";

export interface SuiteReport {
  readonly suite: string;
  readonly variant: Variant;
  /** Why the variant does not run on this engine; absent when it does. */
  readonly unknown?: string;
  readonly passed: number;
  /** One message for each case that failed. */
  readonly failures: readonly string[];
}

/** Every case of every suite on every variant. What the engine does not know is told, not passed. */
export function runSuites(suites: readonly Suite[]): SuiteReport[] {
  return suites.flatMap((suite) => {
    const variants = ["reference", ...Object.keys(suite.set.binaries)] as Variant[];
    return variants.map((variant) => runSuite(suite, variant));
  });
}

function runSuite({ set, cases }: Suite, variant: Variant): SuiteReport {
  const report = { suite: set.name, variant, passed: 0, failures: [] as string[] };
  try {
    openEngine(set, { variant });
  } catch (error) {
    const { message } = error as Error;
    if (message.includes("does not know")) return { ...report, unknown: message };
    report.failures.push(message);
    return report;
  }
  for (const item of cases) {
    try {
      item.run(variant);
      report.passed += 1;
    } catch (error) {
      report.failures.push((error as Error).message);
    }
  }
  return report;
}
