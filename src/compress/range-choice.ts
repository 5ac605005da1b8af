/** What the codes of a value cover. */

import type { RangeMethod } from "./range.js";

/** By what a value is alone, or by the error that its readers make of it (choose-ranges.ts). */
export type RangeChoice = RangeMethod | { readonly method: "output-error" };

/** The method for a value that nothing is known of but what it is. */
export function ofValue(choice: RangeChoice): RangeMethod {
  return choice.method === "output-error" ? { method: "percentile", percentile: 99.99 } : choice;
}
