import { sum4 } from "./lanes";
import { zero_block } from "./squares";

// f32_prune_1x4: zero the blocks of 4 consecutive inputs whose score is low, in place.
//
//   w          f32[inputs][outputs]
//   scores     f32[ceil(inputs / 4)][outputs], of f32_score_1x4
//   inputs, outputs  >= 0
//   threshold  blocks that score below it go; a block that scores NaN stays
//   ties       and so do the first this many that equal it, in the order of scores
//   returns    number of weights zeroed by this call; those that were 0 before do not count
export function f32_prune_1x4(w: usize, scores: usize, inputs: i32, outputs: i32, threshold: f32, ties: i32): i32 {
  assert(inputs >= 0 && outputs >= 0 && ties >= 0);
  const stride = (<usize>outputs) << 2;
  const threshold_f32x4 = f32x4.splat(threshold);
  let zeroed = 0;
  for (let input = 0; input < inputs; input += 4) {
    const rows = min(4, inputs - input);
    let output = 0;
    for (; output < outputs; ) {
      const score_f32x4 = output + 4 <= outputs ? v128.load(scores) : v128.load32_splat(scores);
      const tied = ties > 0 && v128.any_true(f32x4.eq(score_f32x4, threshold_f32x4));
      if (output + 4 <= outputs && !tied) {
        const below = f32x4.lt(score_f32x4, threshold_f32x4);
        if (v128.any_true(below)) zeroed += zero4(w, rows, stride, below);
        output += 4;
        w += 16;
        scores += 16;
      } else {
        // One block: at the edge, or where ties are dealt out in order.
        const score = load<f32>(scores);
        const tie = score == threshold && ties > 0;
        if (tie) --ties;
        if (tie || score < threshold) zeroed += zero_block(w, rows, 1, stride);
        output += 1;
        w += 4;
        scores += 4;
      }
    }
    w += stride * (<usize>(rows - 1));
  }
  return zeroed;
}

// @ts-ignore: decorator
@inline
function zero4(w: usize, rows: i32, stride: usize, below: v128): i32 {
  let zeroed_i32x4 = i32x4.splat(0);
  for (let row = 0; row < rows; ++row) {
    const weight_f32x4 = v128.load(w);
    v128.store(w, v128.andnot(weight_f32x4, below));
    zeroed_i32x4 = i32x4.sub(zeroed_i32x4, v128.and(below, f32x4.ne(weight_f32x4, f32x4.splat(0))));
    w += stride;
  }
  return sum4(zeroed_i32x4);
}
