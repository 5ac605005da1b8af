// u7_c4_phases: the columns of C4 planes dealt out by their remainder, for strides across.
//
//   y          u7[step][planes][y_stride bytes]: phase p holds the pixels p, p + step, .. of each row, in
//              rows of ceil(width / step) pixels; what it has not there is left as it is
//   x          u7[planes][x_stride bytes], readable to 32 bytes past the last row
//   planes, height, width  planes, rows, pixels a row, >= 0
//   step       >= 1
//   x_stride, y_stride, phase_stride  bytes between planes and between phases
export function u7_c4_phases(
  y: usize,
  x: usize,
  planes: i32,
  height: i32,
  width: i32,
  step: i32,
  x_stride: i32,
  y_stride: i32,
  phase_stride: i32,
): void {
  const columns = (width + step - 1) / step;
  for (let plane = 0; plane < planes; ++plane) {
    let from = x;
    let to = y;
    for (let row = 0; row < height; ++row) {
      let column = 0;
      if (step == 2) {
        for (; column + 4 <= columns; column += 4) {
          const at = from + (<usize>column << 3);
          const a = v128.load(at);
          const b = v128.load(at, 16);
          v128.store(to + (<usize>column << 2), i32x4.shuffle(a, b, 0, 2, 4, 6));
          v128.store(to + phase_stride + (<usize>column << 2), i32x4.shuffle(a, b, 1, 3, 5, 7));
        }
      }
      for (; column < columns; ++column) {
        let phased = to + (<usize>column << 2);
        const at = from + (<usize>(column * step) << 2);
        for (let phase = 0, left = min(step, width - column * step); phase < left; ++phase) {
          store<u32>(phased, load<u32>(at + (<usize>phase << 2)));
          phased += phase_stride;
        }
      }
      from += <usize>width << 2;
      to += <usize>columns << 2;
    }
    x += x_stride;
    y += y_stride;
  }
}
