/** `pare/runtime` as it ships, minified and its functions moved: `npm test` builds it first. */

const path: string = "../../dist/runtime.js";

export const shipped: typeof import("../../src/runtime.js") = await import(path);
