import { store_lanes } from "./words";

// f32_resize_bilinear: each number from four of the old image.
//
//   y          f32[h][w][n]
//   x          f32, readable to whole groups of 4 channels
//   down       [h] of { i32 upper, i32 lower: byte offsets of rows, f32 share of the lower }
//   across     [w] of { i32 left, i32 right: byte offsets of pixels in a row, f32 share of the right }
//   h, w, n    >= 0
//
// left + (right - left) * share, along rows first, then between them; each operation rounded: same bits
// in every binary.
export function f32_resize_bilinear(y: usize, x: usize, down: usize, across: usize, h: i32, w: i32, n: i32): void {
  const across_end = across + <usize>w * 12;
  for (const down_end = down + <usize>h * 12; down < down_end; down += 12) {
    const upper = x + <usize>load<i32>(down);
    const lower = x + <usize>load<i32>(down, 4);
    const share_f32x4 = v128.load32_splat(down, 8);
    for (let column = across; column < across_end; column += 12) {
      const left = <usize>load<i32>(column);
      const right = <usize>load<i32>(column, 4);
      const right_share_f32x4 = v128.load32_splat(column, 8);
      for (let c = 0; c < n; c += 4) {
        const at = <usize>c << 2;
        const top_f32x4 = between(v128.load(upper + left + at), v128.load(upper + right + at), right_share_f32x4);
        const bottom_f32x4 = between(v128.load(lower + left + at), v128.load(lower + right + at), right_share_f32x4);
        store_lanes(y + at, between(top_f32x4, bottom_f32x4, share_f32x4), n - c);
      }
      y += <usize>n << 2;
    }
  }
}

// @ts-ignore: decorator
@inline
function between(a_f32x4: v128, b_f32x4: v128, share_f32x4: v128): v128 {
  return f32x4.add(a_f32x4, f32x4.mul(f32x4.sub(b_f32x4, a_f32x4), share_f32x4));
}
