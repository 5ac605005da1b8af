import { canonical } from "./squares";

// f32_score_4x4: the sum of squares of each block of 4 inputs x 4 outputs.
//
//   scores     f32[ceil(inputs / 4)][ceil(outputs / 4)]
//   w          f32[inputs][outputs]; blocks at the edges may hold fewer weights, as if padded with 0
//   inputs, outputs  >= 0
//
// Per output ((a*a + b*b) + c*c) + d*d, then (o0 + o1) + (o2 + o3), in f32, every step rounded: same
// bits in every binary. A block with a NaN scores the NaN 0x7fc00000. Weights past 1e19 score Infinity,
// and those below 1e-23 may score 0.
export function f32_score_4x4(scores: usize, w: usize, inputs: i32, outputs: i32): void {
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
      store_sum(scores, sum_f32x4);
      w += 16;
      scores += 4;
    }
    if (output < outputs) {
      store_sum(scores, edge(w, rows, outputs - output, stride));
      w += (<usize>(outputs - output)) << 2;
      scores += 4;
    }
    w += stride * (<usize>(rows - 1));
  }
}

// @ts-ignore: decorator
@inline
function store_sum(scores: usize, sum_f32x4: v128): void {
  const left = f32x4.extract_lane(sum_f32x4, 0) + f32x4.extract_lane(sum_f32x4, 1);
  const right = f32x4.extract_lane(sum_f32x4, 2) + f32x4.extract_lane(sum_f32x4, 3);
  v128.store32_lane(scores, canonical(f32x4.splat(left + right)), 0);
}

// The sums of the last 1 to 3 outputs; the lanes past them are 0.
function edge(w: usize, rows: i32, columns: i32, stride: usize): v128 {
  let sum_f32x4 = f32x4.splat(0);
  for (let row = 0; row < rows; ++row) {
    let weight_f32x4 = v128.load32_zero(w);
    if (columns > 1) weight_f32x4 = v128.load32_lane(w + 4, weight_f32x4, 1);
    if (columns > 2) weight_f32x4 = v128.load32_lane(w + 8, weight_f32x4, 2);
    sum_f32x4 = f32x4.add(sum_f32x4, f32x4.mul(weight_f32x4, weight_f32x4));
    w += stride;
  }
  return sum_f32x4;
}
