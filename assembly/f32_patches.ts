// f32_patches: what the window sees at each of some outputs, one row each, for a product with the filter.
//
//   p          f32[count][kernel_height][kernel_width][channels]
//   x          f32[batch][height][width][channels]
//   window     see window.ts; out_channels is not read
//   from       number of the first output in [batch][out_height][out_width]
//   count      of outputs, >= 0
//
// Exact in every binary: numbers are copied, 0 where a tap falls beside the picture.
import { Window } from "./window";

export function f32_patches(p: usize, x: usize, window: Window, from: i32, count: i32): void {
  const pixel = <usize>window.channels << 2;
  const run = pixel * window.kernel_width;
  const row = pixel * window.width;
  const picture = row * window.height;
  for (let at = from; at < from + count; ++at) {
    const out_x = at % window.out_width;
    const line = at / window.out_width;
    const top = (line % window.out_height) * window.stride_y - window.pad_top;
    const left = out_x * window.stride_x - window.pad_left;
    const source = x + <usize>(line / window.out_height) * picture;
    const whole = window.dilation_x == 1 && left >= 0 && left + window.kernel_width <= window.width;
    for (let ky = 0; ky < window.kernel_height; ++ky) {
      const y = top + ky * window.dilation_y;
      if (y < 0 || y >= window.height) memory.fill(p, 0, run);
      else if (whole) copy(p, source + <usize>y * row + <usize>left * pixel, run);
      else copy_taps(p, source + <usize>y * row, window, left, pixel);
      p += run;
    }
  }
}

function copy_taps(p: usize, row: usize, window: Window, left: i32, pixel: usize): void {
  for (let kx = 0; kx < window.kernel_width; ++kx) {
    const x = left + kx * window.dilation_x;
    if (x < 0 || x >= window.width) memory.fill(p, 0, pixel);
    else copy(p, row + <usize>x * pixel, pixel);
    p += pixel;
  }
}

// Runs of a few numbers, which a call of memory.copy costs more than.
// @ts-ignore: decorator
@inline
function copy(y: usize, x: usize, bytes: usize): void {
  const end = y + bytes;
  for (; y + 16 <= end; y += 16) {
    v128.store(y, v128.load(x));
    x += 16;
  }
  for (; y < end; y += 4) {
    store<f32>(y, load<f32>(x));
    x += 4;
  }
}
