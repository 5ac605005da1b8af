/**
 * `.pare` files: read, validate, write. What is imported decides what is bundled: reading needs neither
 * the writer nor Node.
 */

export { type ArtifactsOptions, type ReadArtifacts, readArtifacts, readKeras } from "./artifacts.js";
export { type Container, readContainer, type StoredTensor } from "./container.js";
export { type NamedTensor, writeContainer } from "./container-write.js";
export { crc32 } from "./crc32.js";
export { describePare, type PareSummary, type WeightSummary } from "./describe.js";
export { detectFormat, type ModelFormat } from "./detect.js";
export { FormatError } from "./errors.js";
export { findModel } from "./find-model.js";
export { requireNode } from "./node.js";
export type { Provenance } from "./provenance.js";
export { type PareFile, type ReadOptions, readPare } from "./read.js";
export { type SaveOptions, saveFile } from "./save.js";
export { saveModel } from "./save-model.js";
export { encodePare } from "./write.js";
