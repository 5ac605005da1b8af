// How the window of a convolution or a pool moves over pictures: a record of i32 in memory, so that kernels
// take one address for it. Pictures lie as [batch][height][width][channels].
@unmanaged
export class Window {
  batch: i32;
  height: i32;
  width: i32;
  channels: i32;
  out_height: i32;
  out_width: i32;
  // Of a convolution; of a depthwise one, for each channel. A pool has as many as channels.
  out_channels: i32;
  kernel_height: i32;
  kernel_width: i32;
  stride_y: i32;
  stride_x: i32;
  dilation_y: i32;
  dilation_x: i32;
  pad_top: i32;
  pad_left: i32;
}

// First output whose tap falls on the picture: the smallest o >= 0 with o * stride + offset >= 0.
// @ts-ignore: decorator
@inline
export function first_inside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride;
}

// One past the last output whose tap falls on it: o * stride + offset < size, and o < outputs.
// @ts-ignore: decorator
@inline
export function end_inside(offset: i32, stride: i32, size: i32, outputs: i32): i32 {
  const room = size - offset;
  return room <= 0 ? 0 : min(outputs, (room + stride - 1) / stride);
}
