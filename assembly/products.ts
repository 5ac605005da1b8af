// The export list of the build relaxed16: what simd.ts' dot products make faster there.
export { u7_s8w_spmm_4x4 } from "./u7_s8w_spmm_4x4";
export { u7_s8w_depthwise } from "./u7_s8w_depthwise";
export { u7_s8w_depthwise_3x3 } from "./u7_s8w_depthwise_3x3";
export { u7_s8w_matvec_4of16 } from "./u7_s8w_matvec_4of16";
export { u7_s8w_matvec } from "./u7_s8w_matvec";
export { u7_s8w_matvec_4x4 } from "./u7_s8w_matvec_4x4";
export { u7_s8w_matvec_1x4 } from "./u7_s8w_matvec_1x4";
export { u7_s8w_spmm_1x4 } from "./u7_s8w_spmm_1x4";
