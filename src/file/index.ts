/**
 * `.pare` files: read, validate, write. What is imported decides what is bundled: reading needs neither
 * the writer nor Node.
 */

export { type ArtifactsOptions, type ReadArtifacts, readArtifacts } from "./artifacts.js";
export { describePare, type PareSummary, type WeightSummary } from "./describe.js";
export { FormatError } from "./errors.js";
export type { Provenance } from "./provenance.js";
export { type PareFile, type ReadOptions, readPare } from "./read.js";
export { type SaveOptions, saveFile } from "./save.js";
export { saveModel } from "./save-model.js";
export { encodePare } from "./write.js";
