// f32_max_pool_gradient: the gradient of a max pool in its input.
//
//   dx         f32[batch][height][width][channels], overwritten
//   x          f32[batch][height][width][channels]
//   dy         f32[batch][out_height][out_width][channels]
//   window     see window.ts; out_channels is not read
//
// All of an output's slope goes to the first of its largest inputs, none where they are all NaN. Adds in
// order of the outputs: same bits in every binary.
import { Window } from "./window";

export function f32_max_pool_gradient(dx: usize, x: usize, dy: usize, window: Window): void {
  const pixel = <usize>window.channels << 2;
  const row = pixel * window.width;
  memory.fill(dx, 0, row * window.height * window.batch);
  for (let b = 0; b < window.batch; ++b) {
    for (let oy = 0; oy < window.out_height; ++oy) {
      const top = oy * window.stride_y - window.pad_top;
      for (let ox = 0; ox < window.out_width; ++ox) {
        output(dx, x, dy, window, top, ox * window.stride_x - window.pad_left);
        dy += pixel;
      }
    }
    dx += row * window.height;
    x += row * window.height;
  }
}

function output(dx: usize, x: usize, dy: usize, window: Window, top: i32, left: i32): void {
  const channels = window.channels;
  const pixel = <usize>channels << 2;
  const row = pixel * window.width;
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    let largest = f32x4.splat(-Infinity);
    let place = i32x4.splat(-1); // in bytes from dx; a picture of 2 GiB does not fit the memory
    for (let ky = 0; ky < window.kernel_height; ++ky) {
      const y = top + ky * window.dilation_y;
      if (y < 0 || y >= window.height) continue;
      for (let kx = 0; kx < window.kernel_width; ++kx) {
        const at = left + kx * window.dilation_x;
        if (at < 0 || at >= window.width) continue;
        const offset = <usize>y * row + <usize>at * pixel + (<usize>c << 2);
        const value = v128.load(x + offset);
        const more = f32x4.gt(value, largest);
        largest = v128.bitselect(value, largest, more);
        place = v128.bitselect(i32x4.splat(<i32>offset), place, more);
      }
    }
    add(dx, i32x4.extract_lane(place, 0), dy, 0);
    add(dx, i32x4.extract_lane(place, 1), dy, 4);
    add(dx, i32x4.extract_lane(place, 2), dy, 8);
    add(dx, i32x4.extract_lane(place, 3), dy, 12);
    dy += 16;
  }
  for (; c < channels; ++c) {
    let largest: f32 = -Infinity;
    let place = -1;
    for (let ky = 0; ky < window.kernel_height; ++ky) {
      const y = top + ky * window.dilation_y;
      if (y < 0 || y >= window.height) continue;
      for (let kx = 0; kx < window.kernel_width; ++kx) {
        const at = left + kx * window.dilation_x;
        if (at < 0 || at >= window.width) continue;
        const offset = <usize>y * row + <usize>at * pixel + (<usize>c << 2);
        const value = load<f32>(x + offset);
        if (value > largest) {
          largest = value;
          place = <i32>offset;
        }
      }
    }
    add(dx, place, dy, 0);
    dy += 4;
  }
}

// @ts-ignore: decorator
@inline
function add(dx: usize, place: i32, dy: usize, lane: usize): void {
  if (place < 0) return;
  const at = dx + <usize>place + lane;
  store<f32>(at, load<f32>(at) + load<f32>(dy + lane));
}
