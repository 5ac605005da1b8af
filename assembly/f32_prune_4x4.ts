import { zero_block } from "./squares";

// f32_prune_4x4: zero the blocks of 4 inputs x 4 outputs whose score is low, in place.
//
//   w          f32[inputs][outputs]
//   scores     f32[ceil(inputs / 4)][ceil(outputs / 4)], of f32_score_4x4
//   inputs, outputs  >= 0
//   threshold  blocks that score below it go; a block that scores NaN stays
//   ties       and so do the first this many that equal it, in the order of scores
//   returns    number of weights zeroed by this call; those that were 0 before do not count
export function f32_prune_4x4(w: usize, scores: usize, inputs: i32, outputs: i32, threshold: f32, ties: i32): i32 {
  assert(inputs >= 0 && outputs >= 0 && ties >= 0);
  const stride = (<usize>outputs) << 2;
  let zeroed = 0;
  for (let input = 0; input < inputs; input += 4) {
    const rows = min(4, inputs - input);
    for (let output = 0; output < outputs; output += 4) {
      const score = load<f32>(scores);
      const tie = score == threshold && ties > 0;
      if (tie) --ties;
      if (tie || score < threshold) {
        zeroed += zero_block(w + ((<usize>output) << 2), rows, min(4, outputs - output), stride);
      }
      scores += 4;
    }
    w += stride * (<usize>rows);
  }
  return zeroed;
}
