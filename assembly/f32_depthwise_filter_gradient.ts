// f32_depthwise_filter_gradient: the gradient of a depthwise convolution in its filter.
//
//   dw         f32[kernel_height][kernel_width][channels][out_channels], overwritten
//   x          f32[batch][height][width][channels]
//   dy         f32[batch][out_height][out_width][channels][out_channels]
//   window     see window.ts; out_channels are those of one channel
//
// dw[tap][c][o] = sum over batch and outputs of x dy, row by row. Products are fused in the relaxed binary.
import { fused_add } from "./simd";
import { end_inside, first_inside, Window } from "./window";

export function f32_depthwise_filter_gradient(dw: usize, x: usize, dy: usize, window: Window): void {
  const pixel = <usize>window.channels << 2;
  const out_pixel = pixel * window.out_channels;
  const row = pixel * window.width;
  memory.fill(dw, 0, out_pixel * window.kernel_height * window.kernel_width);
  for (let b = 0; b < window.batch; ++b) {
    for (let oy = 0; oy < window.out_height; ++oy) {
      let tap = dw;
      for (let ky = 0; ky < window.kernel_height; ++ky) {
        const y = oy * window.stride_y - window.pad_top + ky * window.dilation_y;
        for (let kx = 0; kx < window.kernel_width; ++kx) {
          const offset = kx * window.dilation_x - window.pad_left;
          const first = first_inside(offset, window.stride_x);
          const end = end_inside(offset, window.stride_x, window.width, window.out_width);
          if (y >= 0 && y < window.height && first < end) {
            const source = x + <usize>y * row + <usize>(first * window.stride_x + offset) * pixel;
            add_row(tap, source, dy + <usize>first * out_pixel, window, end - first);
          }
          tap += out_pixel;
        }
      }
      dy += out_pixel * window.out_width;
    }
    x += row * window.height;
  }
}

// What a row of outputs adds to one tap.
function add_row(dw: usize, x: usize, dy: usize, window: Window, count: i32): void {
  const channels = window.channels;
  const outputs = window.out_channels;
  const step = <usize>(channels * window.stride_x) << 2;
  const out_step = <usize>(channels * outputs) << 2;
  let c = 0;
  if (outputs == 1) {
    for (; c + 16 <= channels; c += 16) {
      const at = <usize>c << 2;
      let s0 = v128.load(dw + at);
      let s1 = v128.load(dw + at, 16);
      let s2 = v128.load(dw + at, 32);
      let s3 = v128.load(dw + at, 48);
      let from = x + at;
      for (let g = dy + at, end = g + out_step * count; g < end; g += out_step) {
        s0 = fused_add(s0, v128.load(from), v128.load(g));
        s1 = fused_add(s1, v128.load(from, 16), v128.load(g, 16));
        s2 = fused_add(s2, v128.load(from, 32), v128.load(g, 32));
        s3 = fused_add(s3, v128.load(from, 48), v128.load(g, 48));
        from += step;
      }
      v128.store(dw + at, s0);
      v128.store(dw + at, s1, 16);
      v128.store(dw + at, s2, 32);
      v128.store(dw + at, s3, 48);
    }
    for (; c + 4 <= channels; c += 4) {
      const at = <usize>c << 2;
      let sum = v128.load(dw + at);
      let from = x + at;
      for (let g = dy + at, end = g + out_step * count; g < end; g += out_step) {
        sum = fused_add(sum, v128.load(from), v128.load(g));
        from += step;
      }
      v128.store(dw + at, sum);
    }
  }
  for (; c < channels; ++c) {
    for (let o = 0; o < outputs; ++o) {
      const at = <usize>(c * outputs + o) << 2;
      let sum = load<f32>(dw + at);
      let from = x + (<usize>c << 2);
      let g = dy + at;
      for (let i = 0; i < count; ++i) {
        sum += load<f32>(from) * load<f32>(g);
        from += step;
        g += out_step;
      }
      store<f32>(dw + at, sum);
    }
  }
}
