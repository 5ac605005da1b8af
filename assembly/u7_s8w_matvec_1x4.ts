import { dot4_add, dot_ones, s8_even, s8_odd, u7_even, u7_odd } from "./simd";

// @ts-ignore: decorator
@inline
function gather4(x: usize, cols: usize): v128 {
  let words = v128.load32_zero(x + (<usize>load<u16>(cols) << 2));
  words = v128.load32_lane(x + (<usize>load<u16>(cols, 2) << 2), words, 1);
  words = v128.load32_lane(x + (<usize>load<u16>(cols, 4) << 2), words, 2);
  return v128.load32_lane(x + (<usize>load<u16>(cols, 6) << 2), words, 3);
}

// u7_s8w_matvec_1x4: y = W x + bias, W kept as blocks of 1 output x 4 inputs, i32 sums.
//
//   y          i32[n]
//   x          u7[k4 * 4]
//   w          s8[blocks][4]; each output's blocks padded with zeros to a multiple of 4 blocks
//   cols       u16[blocks], the group of 4 inputs that a block reads; padding reads group 0
//   starts     i32[n + 1], the first block of each output, multiples of 4
//   bias       i32[n]
//   n          outputs, >= 0
//
// Exact while k <= 133144.
export function u7_s8w_matvec_1x4(y: usize, x: usize, w: usize, cols: usize, starts: usize, bias: usize, n: i32): void {
  let block = load<i32>(starts);
  const ones = dot_ones(v128.load32_zero(starts));
  for (let row = 0; row < n; ++row) {
    const end = load<i32>(starts + (row << 2), 4);
    let a_i32x4 = v128.load32_zero(bias + (row << 2));
    let b_i32x4 = i32x4.splat(0);
    for (; block + 8 <= end; block += 8) {
      const col = cols + (<usize>block << 1);
      const wa = v128.load(w + (<usize>block << 2));
      const wb = v128.load(w + (<usize>block << 2), 16);
      const xa = gather4(x, col);
      const xb = gather4(x, col + 8);
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      b_i32x4 = dot4_add(b_i32x4, s8_even(wb), s8_odd(wb), u7_even(xb), u7_odd(xb), ones);
    }
    if (block < end) {
      const wa = v128.load(w + (<usize>block << 2));
      const xa = gather4(x, cols + (<usize>block << 1));
      a_i32x4 = dot4_add(a_i32x4, s8_even(wa), s8_odd(wa), u7_even(xa), u7_odd(xa), ones);
      block += 4;
    }
    const sum_i32x4 = i32x4.add(a_i32x4, b_i32x4);
    const pair_i32x4 = i32x4.add(sum_i32x4, i8x16.shuffle(sum_i32x4, sum_i32x4, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
    store<i32>(y + (row << 2), i32x4.extract_lane(pair_i32x4, 0) + i32x4.extract_lane(pair_i32x4, 1));
  }
}
