// One NaN for all: which bits a sum of NaNs has is the engine's choice.
// @ts-ignore: decorator
@inline
export function canonical(x_f32x4: v128): v128 {
  return v128.bitselect(i32x4.splat(0x7fc00000), x_f32x4, f32x4.ne(x_f32x4, x_f32x4));
}

// Zeroes `columns` weights of `rows` rows; returns how many were not 0.
export function zero_block(w: usize, rows: i32, columns: i32, stride: usize): i32 {
  let zeroed = 0;
  for (let row = 0; row < rows; ++row) {
    for (let column = 0; column < columns; ++column) {
      const p = w + ((<usize>column) << 2);
      zeroed += i32(load<f32>(p) != 0);
      store<f32>(p, 0);
    }
    w += stride;
  }
  return zeroed;
}
