// u7_c4_fold: beside the channels of a pixel those of another, in a plane that has lanes to spare.
//
//   x          u7[pixels][4], in place; written to a multiple of 16 bytes, and read to `next` more
//   pixels     >= 0
//   bits       8 or 16, what the channels of a pixel take; what lies above them is written over
//   next       bytes to the other pixel, >= 4
export function u7_c4_fold(x: usize, pixels: i32, bits: i32, next: i32): void {
  const own = i32x4.splat((1 << bits) - 1);
  for (const end = x + (<usize>pixels << 2); x < end; x += 16) {
    v128.store(x, v128.or(v128.and(v128.load(x), own), i32x4.shl(v128.load(x + next), bits)));
  }
}
