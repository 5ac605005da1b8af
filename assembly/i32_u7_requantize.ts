import { post_high, post_low, post_shift } from "./post";
import { narrow16, requantize4, table16 } from "./simd";

// i32_u7_requantize: y = post(acc), one sum a channel, as a matrix-vector product leaves them.
//
//   y          u7[n4 * 4]
//   acc        i32[n4 * 4], bias included, 16-byte aligned
//   mult       f32[n4 * 4], s_x s_w / s_y
//   post       see post.ts
//   n4         groups of 4 channels, >= 0
//
// Rounds half to even, saturates.
export function i32_u7_requantize(y: usize, acc: usize, mult: usize, post: usize, n4: i32): void {
  const shift = post_shift(post);
  const low = post_low(post);
  const high = post_high(post);
  const table = <usize>load<u32>(post, 12);
  let group = 0;
  for (; group + 4 <= n4; group += 4) {
    let q = narrow16(
      requantize4(v128.load(acc), v128.load(mult), shift),
      requantize4(v128.load(acc, 16), v128.load(mult, 16), shift),
      requantize4(v128.load(acc, 32), v128.load(mult, 32), shift),
      requantize4(v128.load(acc, 48), v128.load(mult, 48), shift),
      low,
      high,
    );
    if (table) q = table16(table, q);
    v128.store(y, q);
    y += 16;
    acc += 64;
    mult += 64;
  }
  for (; group < n4; ++group) {
    const code = requantize4(v128.load(acc), v128.load(mult), shift);
    let q = narrow16(code, code, code, code, low, high);
    if (table) q = table16(table, q);
    v128.store32_lane(y, q, 0);
    y += 4;
    acc += 16;
    mult += 16;
  }
}
