// f32_patches_add: adds rows of patches to the pictures that f32_patches took them from, the reverse of it.
//
//   x          f32[batch][height][width][channels], added to
//   p          f32[count][kernel_height][kernel_width][channels]
//   window     see window.ts; out_channels is not read
//   from       number of the first output in [batch][out_height][out_width]
//   count      of outputs, >= 0
//
// Adds in order of the outputs, then of the taps: same bits in every binary.
import { Window } from "./window";

export function f32_patches_add(x: usize, p: usize, window: Window, from: i32, count: i32): void {
  const pixel = <usize>window.channels << 2;
  const run = pixel * window.kernel_width;
  const row = pixel * window.width;
  const picture = row * window.height;
  for (let at = from; at < from + count; ++at) {
    const out_x = at % window.out_width;
    const line = at / window.out_width;
    const top = (line % window.out_height) * window.stride_y - window.pad_top;
    const left = out_x * window.stride_x - window.pad_left;
    const target = x + <usize>(line / window.out_height) * picture;
    const whole = window.dilation_x == 1 && left >= 0 && left + window.kernel_width <= window.width;
    for (let ky = 0; ky < window.kernel_height; ++ky) {
      const y = top + ky * window.dilation_y;
      if (y >= 0 && y < window.height) {
        if (whole) add(target + <usize>y * row + <usize>left * pixel, p, run);
        else add_taps(target + <usize>y * row, p, window, left, pixel);
      }
      p += run;
    }
  }
}

function add_taps(row: usize, p: usize, window: Window, left: i32, pixel: usize): void {
  for (let kx = 0; kx < window.kernel_width; ++kx) {
    const x = left + kx * window.dilation_x;
    if (x >= 0 && x < window.width) add(row + <usize>x * pixel, p, pixel);
    p += pixel;
  }
}

// @ts-ignore: decorator
@inline
function add(y: usize, x: usize, bytes: usize): void {
  const end = y + bytes;
  for (; y + 16 <= end; y += 16) {
    v128.store(y, f32x4.add(v128.load(y), v128.load(x)));
    x += 16;
  }
  for (; y < end; y += 4) {
    store<f32>(y, load<f32>(y) + load<f32>(x));
    x += 4;
  }
}
