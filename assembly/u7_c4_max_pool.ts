import { pixels4 } from "./simd";

// u7_c4_max_pool: the largest code under a window, X and Y in C4.
//
//   y          u7[c4][y_stride bytes]
//   x          u7[c4][x_stride bytes]; `offsets` and `tiles` say where
//   offsets    i32[taps], bytes from a tile of x to the pixels under a tap
//   tiles      i32[m4][2], of each 4 pixels the bytes from x and those from y; tiles may overlap
//   m4         tiles, >= 0; each is read to 4 step bytes and written to 16
//   c4, taps   groups of 4 channels, >= 0; taps >= 1
//   x_stride, y_stride  bytes between planes
//   step       bytes of x between pixels of a tile, 4 or 8
export function u7_c4_max_pool(
  y: usize,
  x: usize,
  offsets: usize,
  tiles: usize,
  m4: i32,
  c4: i32,
  taps: i32,
  x_stride: i32,
  y_stride: i32,
  step: i32,
): void {
  const last = tiles + (<usize>m4 << 3);
  const end = offsets + (<usize>taps << 2);
  for (let plane = 0; plane < c4; ++plane) {
    for (let tile = tiles; tile < last; tile += 8) {
      const xt = x + load<i32>(tile);
      let most_u8x16 = pixels4(xt + load<i32>(offsets), step);
      for (let at = offsets + 4; at < end; at += 4) {
        most_u8x16 = i8x16.max_u(most_u8x16, pixels4(xt + load<i32>(at), step));
      }
      v128.store(y + load<i32>(tile, 4), most_u8x16);
    }
    x += x_stride;
    y += y_stride;
  }
}
