import { post_code, post_narrow } from "./post";

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
  let group = 0;
  for (; group + 4 <= n4; group += 4) {
    const q = post_narrow(
      post_code(v128.load(acc), v128.load(mult), post),
      post_code(v128.load(acc, 16), v128.load(mult, 16), post),
      post_code(v128.load(acc, 32), v128.load(mult, 32), post),
      post_code(v128.load(acc, 48), v128.load(mult, 48), post),
      post,
    );
    v128.store(y, q);
    y += 16;
    acc += 64;
    mult += 64;
  }
  for (; group < n4; ++group) {
    const code = post_code(v128.load(acc), v128.load(mult), post);
    v128.store32_lane(y, post_narrow(code, code, code, code, post), 0);
    y += 4;
    acc += 16;
    mult += 16;
  }
}
