// i32_f32_dequantize: y = f32(acc) * mult, the real numbers of the sums of a last layer.
//
//   y          f32[n4 * 4]
//   acc        i32[n4 * 4], bias included
//   mult       f32[n4 * 4], s_x s_w
//   n4         groups of 4 channels, >= 0
//
// One rounding to f32, one f32 product.
export function i32_f32_dequantize(y: usize, acc: usize, mult: usize, n4: i32): void {
  for (let end = y + (<usize>n4 << 4); y < end; y += 16) {
    v128.store(y, f32x4.mul(f32x4.convert_i32x4_s(v128.load(acc)), v128.load(mult)));
    acc += 16;
    mult += 16;
  }
}
