import { canonical } from "./squares";

// f32_score_1x4: the sum of squares of each block of 4 consecutive inputs of one output.
//
//   scores     f32[ceil(inputs / 4)][outputs]
//   w          f32[inputs][outputs]; the last block of an output may hold fewer than 4 inputs
//   inputs, outputs  >= 0
//
// ((a*a + b*b) + c*c) + d*d in f32, every step rounded: same bits in every binary. A block with a NaN
// scores the NaN 0x7fc00000. Weights past 1e19 score Infinity, and those below 1e-23 may score 0.
export function f32_score_1x4(scores: usize, w: usize, inputs: i32, outputs: i32): void {
  assert(inputs >= 0 && outputs >= 0);
  const stride = (<usize>outputs) << 2;
  for (let input = 0; input < inputs; input += 4) {
    const rows = min(4, inputs - input);
    let output = 0;
    for (; output + 4 <= outputs; output += 4) {
      let sum_f32x4 = f32x4.splat(0);
      let p = w;
      for (let row = 0; row < rows; ++row) {
        const weight_f32x4 = v128.load(p);
        sum_f32x4 = f32x4.add(sum_f32x4, f32x4.mul(weight_f32x4, weight_f32x4));
        p += stride;
      }
      v128.store(scores, canonical(sum_f32x4));
      w += 16;
      scores += 16;
    }
    for (; output < outputs; ++output) {
      let sum_f32x4 = f32x4.splat(0);
      let p = w;
      for (let row = 0; row < rows; ++row) {
        const weight_f32x4 = v128.load32_splat(p);
        sum_f32x4 = f32x4.add(sum_f32x4, f32x4.mul(weight_f32x4, weight_f32x4));
        p += stride;
      }
      v128.store32_lane(scores, canonical(sum_f32x4), 0);
      w += 4;
      scores += 4;
    }
    w += stride * (<usize>(rows - 1));
  }
}
