/** tfjs' description of a convolution as the record that our kernels read: assembly/window.ts. */

import type { backend_util } from "@tensorflow/tfjs-core";

export type ConvInfo = backend_util.Conv2DInfo;

/** In the order of assembly/window.ts. A depthwise convolution's outputs count for one channel. */
export function windowOf(info: ConvInfo, depthwise = false): number[] {
  return [
    info.batchSize,
    info.inHeight,
    info.inWidth,
    info.inChannels,
    info.outHeight,
    info.outWidth,
    depthwise ? info.outChannels / info.inChannels : info.outChannels,
    info.filterHeight,
    info.filterWidth,
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
  ];
}

/** True where the patches of a picture are its pixels. */
export function isPointwise(info: ConvInfo): boolean {
  return (
    info.filterHeight === 1 &&
    info.filterWidth === 1 &&
    info.strideHeight === 1 &&
    info.strideWidth === 1 &&
    info.outHeight === info.inHeight &&
    info.outWidth === info.inWidth
  );
}
