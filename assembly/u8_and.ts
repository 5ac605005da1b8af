// u8_and: y = a and b, of bytes that are 0 or 1.
//
//   y, a, b    u8[n]
//   n          >= 0
export function u8_and(y: usize, a: usize, b: usize, n: i32): void {
  const end = y + n;
  for (; y + 16 <= end; y += 16) {
    v128.store(y, v128.and(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  for (; y < end; ++y) {
    store<u8>(y, load<u8>(a++) & load<u8>(b++));
  }
}
