// u7_pad: planes of rows into larger planes with a border of one code.
//
//   y          u7[planes][y_stride bytes], rows of left + width + right bytes, written up to 15 bytes past
//              the last
//   x          u7[planes][x_stride bytes], rows of width bytes, readable to 15 bytes past the last
//   planes, height, width  of x: planes, rows, bytes a row, >= 0
//   top, bottom, left, right  rows and bytes of border, >= 0
//   code       of the border
//   x_stride, y_stride  bytes between planes
export function u7_pad(
  y: usize,
  x: usize,
  planes: i32,
  height: i32,
  width: i32,
  top: i32,
  bottom: i32,
  left: i32,
  right: i32,
  code: i32,
  x_stride: i32,
  y_stride: i32,
): void {
  const pitch = left + width + right;
  const code_u8x16 = i8x16.splat(<i8>code);
  for (let plane = 0; plane < planes; ++plane) {
    let from = x;
    // In order, so that what runs over is written again by what follows; the border before the row of
    // the next line is that after this one.
    let to = fill(y, top * pitch + left, code_u8x16);
    for (let row = 0; row < height; ++row) {
      let i = 0;
      for (; i + 64 <= width; i += 64) {
        v128.store(to + i, v128.load(from + i));
        v128.store(to + i, v128.load(from + i, 16), 16);
        v128.store(to + i, v128.load(from + i, 32), 32);
        v128.store(to + i, v128.load(from + i, 48), 48);
      }
      for (; i < width; i += 16) v128.store(to + i, v128.load(from + i));
      from += width;
      to = fill(to + width, row + 1 < height ? right + left : right + bottom * pitch, code_u8x16);
    }
    x += x_stride;
    y += y_stride;
  }
}

// @ts-ignore: decorator
@inline
function fill(to: usize, bytes: i32, code_u8x16: v128): usize {
  for (let i = 0; i < bytes; i += 16) v128.store(to + i, code_u8x16);
  return to + bytes;
}
