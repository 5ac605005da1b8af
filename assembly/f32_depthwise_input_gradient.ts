// f32_depthwise_input_gradient: the gradient of a depthwise convolution in its input.
//
//   dx         f32[batch][height][width][channels], overwritten
//   dy         f32[batch][out_height][out_width][channels][out_channels]
//   w          f32[kernel_height][kernel_width][channels][out_channels]
//   window     see window.ts; out_channels are those of one channel
//
// dx[y][x][c] = sum over taps and outputs of a channel of dy w. Products are fused in the relaxed binary.
import { fused_add } from "./simd";
import { end_inside, first_inside, Window } from "./window";

export function f32_depthwise_input_gradient(dx: usize, dy: usize, w: usize, window: Window): void {
  const pixel = <usize>window.channels << 2;
  const out_pixel = pixel * window.out_channels;
  const row = pixel * window.width;
  memory.fill(dx, 0, row * window.height * window.batch);
  for (let b = 0; b < window.batch; ++b) {
    for (let oy = 0; oy < window.out_height; ++oy) {
      let tap = w;
      for (let ky = 0; ky < window.kernel_height; ++ky) {
        const y = oy * window.stride_y - window.pad_top + ky * window.dilation_y;
        for (let kx = 0; kx < window.kernel_width; ++kx) {
          const offset = kx * window.dilation_x - window.pad_left;
          const first = first_inside(offset, window.stride_x);
          const end = end_inside(offset, window.stride_x, window.width, window.out_width);
          if (y >= 0 && y < window.height && first < end) {
            const target = dx + <usize>y * row + <usize>(first * window.stride_x + offset) * pixel;
            add_row(target, dy + <usize>first * out_pixel, tap, window, end - first);
          }
          tap += out_pixel;
        }
      }
      dy += out_pixel * window.out_width;
    }
    dx += row * window.height;
  }
}

// One tap over a row of outputs.
function add_row(dx: usize, dy: usize, w: usize, window: Window, count: i32): void {
  const channels = window.channels;
  const outputs = window.out_channels;
  const step = <usize>(channels * window.stride_x) << 2;
  const out_step = <usize>(channels * outputs) << 2;
  let c = 0;
  if (outputs == 1) {
    for (; c + 4 <= channels; c += 4) {
      const at = <usize>c << 2;
      const w_f32x4 = v128.load(w + at);
      let from = dy + at;
      for (let to = dx + at, end = to + step * count; to < end; to += step) {
        v128.store(to, fused_add(v128.load(to), v128.load(from), w_f32x4));
        from += out_step;
      }
    }
  }
  for (; c < channels; ++c) {
    for (let o = 0; o < outputs; ++o) {
      const value = load<f32>(w + (<usize>(c * outputs + o) << 2));
      let from = dy + (<usize>(c * outputs + o) << 2);
      let to = dx + (<usize>c << 2);
      for (let i = 0; i < count; ++i) {
        store<f32>(to, load<f32>(to) + load<f32>(from) * value);
        from += out_step;
        to += step;
      }
    }
  }
}
