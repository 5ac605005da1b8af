// The door of distillation.

export { type AttentionOptions, type AttentionPair, attentionTransfer } from "./attention.js";
export { type DecoupledOptions, decoupled } from "./decoupled.js";
export { type DistillOptions, type DistillResult, distill } from "./distill.js";
export type { Kind } from "./head.js";
export { type HintOptions, hint } from "./hint.js";
export type { DistillationLoss } from "./loss.js";
export { type RelationalOptions, relational } from "./relational.js";
export { type SoftTargetsOptions, softTargets } from "./soft-targets.js";
export type { TeacherChoice, TeacherLayer, WeightedTeacher } from "./teachers.js";
export { type ThinnerOptions, thinnerCopy } from "./thinner.js";
