import { INFINITY_BITS, MAGNITUDE, sum4 } from "./lanes";

// f32_prune_nofm: keep the n largest of every m consecutive inputs of an output, zero the rest, in place.
//
//   w          f32[inputs][outputs]; the last group of an output may hold fewer than m inputs
//   bits       scratch of 16 * m bytes
//   inputs, outputs  >= 0
//   n          >= 0, weights kept of each group
//   m          >= 1, inputs a group; the work is O(m) for each weight
//   returns    number of weights zeroed by this call; those that were 0 before do not count
//
// By magnitude; of equal ones the lower input goes first. NaN ranks above Infinity and is always kept.
export function f32_prune_nofm(w: usize, bits: usize, inputs: i32, outputs: i32, n: i32, m: i32): i32 {
  assert(inputs >= 0 && outputs >= 0 && n >= 0 && m >= 1);
  const stride = (<usize>outputs) << 2;
  let zeroed_i32x4 = i32x4.splat(0);
  let zeroed = 0;
  for (let input = 0; input < inputs; input += m) {
    const rows = min(m, inputs - input);
    let output = 0;
    for (; output + 4 <= outputs; output += 4) {
      let p = w;
      for (let row = 0; row < rows; ++row) {
        v128.store(bits + ((<usize>row) << 4), v128.and(v128.load(p), i32x4.splat(MAGNITUDE)));
        p += stride;
      }
      p = w;
      for (let row = 0; row < rows; ++row) {
        const drop = dropped4(bits, row, rows, n);
        const weight_f32x4 = v128.load(p);
        v128.store(p, v128.andnot(weight_f32x4, drop));
        zeroed_i32x4 = i32x4.sub(zeroed_i32x4, v128.and(drop, f32x4.ne(weight_f32x4, f32x4.splat(0))));
        p += stride;
      }
      w += 16;
    }
    for (; output < outputs; ++output) {
      let p = w;
      for (let row = 0; row < rows; ++row) {
        v128.store(bits + ((<usize>row) << 4), v128.and(v128.load32_splat(p), i32x4.splat(MAGNITUDE)));
        p += stride;
      }
      p = w;
      for (let row = 0; row < rows; ++row) {
        if (v128.any_true(dropped4(bits, row, rows, n))) {
          zeroed += i32(load<f32>(p) != 0);
          store<f32>(p, 0);
        }
        p += stride;
      }
      w += 4;
    }
    w += stride * (<usize>(rows - 1));
  }
  return zeroed + sum4(zeroed_i32x4);
}

// Which lanes of a row have n or more of the group before them.
function dropped4(bits: usize, row: i32, rows: i32, n: i32): v128 {
  const at = bits + ((<usize>row) << 4);
  const end = bits + ((<usize>rows) << 4);
  const own_i32x4 = v128.load(at);
  let rank_i32x4 = i32x4.splat(0);
  for (let p = bits; p < at; p += 16) {
    rank_i32x4 = i32x4.sub(rank_i32x4, i32x4.gt_s(v128.load(p), own_i32x4));
  }
  for (let p = at + 16; p < end; p += 16) {
    rank_i32x4 = i32x4.sub(rank_i32x4, i32x4.ge_s(v128.load(p), own_i32x4));
  }
  const nan = i32x4.gt_s(own_i32x4, i32x4.splat(INFINITY_BITS));
  return v128.andnot(i32x4.ge_s(rank_i32x4, i32x4.splat(n)), nan);
}
