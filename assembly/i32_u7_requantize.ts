import { post_code, post_narrow } from "./post";

// i32_u7_requantize: y = post(acc), one sum a channel, as a matrix-vector product leaves them.
//
//   y          u7[n4 * 4], written to whole groups of 16
//   acc        i32[n4 * 4], bias included, 16-byte aligned; readable to whole groups of 16, as mult is
//   mult       f32[n4 * 4], s_x s_w / s_y
//   post       see post.ts
//   n4         groups of 4 channels, >= 0
//
// Rounds half to even, saturates.
export function i32_u7_requantize(y: usize, acc: usize, mult: usize, post: usize, n4: i32): void {
  for (const end = y + (<usize>n4 << 2); y < end; y += 16) {
    const q = post_narrow(
      post_code(v128.load(acc), v128.load(mult), post),
      post_code(v128.load(acc, 16), v128.load(mult, 16), post),
      post_code(v128.load(acc, 32), v128.load(mult, 32), post),
      post_code(v128.load(acc, 48), v128.load(mult, 48), post),
      post,
    );
    v128.store(y, q);
    acc += 64;
    mult += 64;
  }
}
