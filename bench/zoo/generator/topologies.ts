/** Topologies of published kinds, small: functions from a picture to features. */

import type { ActivationName, NetBuilder, Value } from "./builder.js";

/** @param depth about as many convolutions */
export type Topology = (b: NetBuilder, input: Value, depth: number) => Value;

const channelsOf = ({ tensor }: Value): number => tensor.shape.at(-1) as number;
const sizeOf = ({ tensor }: Value): number => tensor.shape[1] as number;

function convolved(
  b: NetBuilder,
  x: Value,
  filters: number,
  { size = 1, strides = 1, activation = "relu" as ActivationName, gain = 1 } = {},
): Value {
  return b.activate(b.convolution(x, { filters, size, strides, gain }), activation);
}

const depthwise = (b: NetBuilder, x: Value, activation: ActivationName, strides = 1, size = 3): Value =>
  b.activate(b.convolution(x, { size, strides, isDepthwise: true }), activation);

/** Strides of blocks: as many halvings as leave 4 pixels or more, spread over the depth. */
function stridesOf(x: Value, blocks: number): number[] {
  const halvings = Math.min(Math.floor(Math.log2(sizeOf(x) / 4)), blocks);
  return Array.from({ length: blocks }, (_, i) => {
    const stage = (at: number) => Math.floor((at * halvings) / blocks);
    return i > 0 && stage(i) > stage(i - 1) ? 2 : 1;
  });
}

/** Simonyan and Zisserman, 2014. */
const vgg: Topology = (b, input, depth) => {
  let x = input;
  for (let i = 0; i < depth; i++) {
    x = b.block(() => {
      const y = convolved(b, x, Math.min(12 << (i >> 1), 64), { size: 3 });
      return i % 2 === 1 && sizeOf(y) > 4 ? b.maxPool(y) : y;
    });
  }
  return x;
};

/** Convolution, activation, then normalization, which folds forward or not at all. */
const normalizedAfter: Topology = (b, input, depth) => {
  let x = input;
  for (let i = 0; i < depth; i++) {
    x = b.block(() => {
      const y = b.convolution(x, { filters: Math.min(12 << (i >> 1), 48), size: 3, isBare: true });
      const z = b.normalize(b.activate(b.normalize(y), "relu"));
      return i % 2 === 1 && sizeOf(z) > 4 ? b.maxPool(z) : z;
    });
  }
  return x;
};

/** Howard et al., 2017: depthwise and pointwise in turn. */
const mobilenetV1: Topology = (b, input, depth) => {
  let x = b.block(() => convolved(b, input, 16, { size: 3, strides: 2, activation: "relu6" }));
  for (const strides of stridesOf(x, depth >> 1)) {
    const filters = Math.min(channelsOf(x) * (strides === 2 ? 2 : 1), 128);
    x = b.block(() => convolved(b, depthwise(b, x, "relu6", strides), filters, { activation: "relu6" }));
  }
  return x;
};

function inverted(activation: ActivationName, { hasGates = false, size = 3 } = {}): Topology {
  return (b, input, depth) => {
    let x = b.block(() => convolved(b, input, 16, { size: 3, strides: 2, activation }));
    for (const strides of stridesOf(x, Math.floor(depth / 3))) {
      const channels = channelsOf(x);
      const filters = strides === 2 ? Math.min(channels + 16, 64) : channels;
      x = b.block(() => {
        const wide = convolved(b, x, channels * 4, { activation });
        const filtered = depthwise(b, wide, activation, strides, size);
        const gated = hasGates ? b.squeezeExcite(filtered) : filtered;
        const isSum = strides === 1;
        const narrow = convolved(b, gated, filters, { activation: "linear", gain: isSum ? 0.5 : 1 });
        return isSum ? b.add(x, narrow) : narrow;
      });
    }
    return b.block(() => convolved(b, x, 128, { activation }));
  };
}

/** Sandler et al., 2018. */
const mobilenetV2 = inverted("relu6");
/** Howard et al., 2019. */
const mobilenetV3 = inverted("hardSwish", { hasGates: true, size: 5 });
/** Tan and Le, 2019. */
const efficientnet = inverted("swish", { hasGates: true });

/** He et al., 2015: two convolutions a block, an activation behind the sum. */
function residual(activation: ActivationName): Topology {
  return (b, input, depth) => {
    let x = b.block(() => convolved(b, input, 12, { size: 3, strides: 2, activation }));
    for (const strides of stridesOf(x, depth >> 1)) {
      const filters = Math.min(channelsOf(x) * strides, 48);
      x = b.block(() => {
        const inner = convolved(b, x, filters, { size: 3, strides, activation });
        const outer = convolved(b, inner, filters, { size: 3, activation: "linear", gain: 0.5 });
        const beside = strides === 1 ? x : convolved(b, x, filters, { strides, activation: "linear" });
        return b.activate(b.add(beside, outer), activation);
      });
    }
    return x;
  };
}

const resnet = residual("relu");
/** Redmon and Farhadi, 2018. */
const darknet = residual("leakyRelu");

/** He et al., 2016: normalization and activation in front of each convolution, and nothing behind the sum. */
const preactivated: Topology = (b, input, depth) => {
  let x = b.block(() => b.convolution(input, { filters: 16, size: 3, isBare: true }));
  for (const strides of stridesOf(x, depth >> 1)) {
    const filters = Math.min(channelsOf(x) * strides, 64);
    x = b.block(() => {
      const before = b.activate(b.normalize(x), "relu");
      const inner = convolved(b, before, filters, { size: 3, strides });
      const outer = b.convolution(inner, { filters, size: 3, isBare: true });
      return strides === 1
        ? b.add(x, outer)
        : b.add(b.convolution(before, { filters, strides, isBare: true }), outer);
    });
  }
  return b.block(() => b.activate(b.normalize(x), "relu"));
};

/** Huang et al., 2016: each layer reads all before it. */
const densenet: Topology = (b, input, depth) => {
  let x = b.block(() => b.convolution(input, { filters: 16, size: 3, strides: 2, isBare: true }));
  for (const strides of stridesOf(x, depth >> 1)) {
    x = b.block(() => {
      const before = b.activate(b.normalize(x), "relu");
      if (strides === 2) {
        const half = b.convolution(before, { filters: channelsOf(x) >> 1, isBare: true });
        return b.averagePool(half);
      }
      const narrow = convolved(b, before, 32);
      return b.concat(x, b.convolution(narrow, { filters: 12, size: 3, isBare: true }));
    });
  }
  return b.block(() => b.activate(b.normalize(x), "relu"));
};

/** Szegedy et al., 2014: branches of several sizes, side by side. */
const inception: Topology = (b, input, depth) => {
  let x = b.block(() => convolved(b, input, 16, { size: 3, strides: 2 }));
  for (const strides of stridesOf(x, Math.floor(depth / 6))) {
    x = b.block(() => {
      const from = strides === 2 ? b.maxPool(x, 3) : x;
      const middle = convolved(b, convolved(b, from, 12), 24, { size: 3 });
      const wide = convolved(b, convolved(b, from, 8), 12, { size: 5 });
      const pooled = convolved(b, b.maxPool(from, 3, 1), 12);
      return b.concat(convolved(b, from, 16), middle, wide, pooled);
    });
  }
  return x;
};

/** Bazarevsky et al., 2019: depthwise and pointwise without activation between, a sum, a relu. */
const blazeface: Topology = (b, input, depth) => {
  let x = b.block(() => convolved(b, input, 24, { size: 5, strides: 2 }));
  for (const strides of stridesOf(x, depth >> 1)) {
    const filters = strides === 2 ? Math.min(channelsOf(x) + 16, 72) : channelsOf(x);
    x = b.block(() => {
      const inner = depthwise(b, x, "linear", strides);
      const outer = convolved(b, inner, filters, { activation: "linear", gain: 0.5 });
      if (strides === 1) return b.activate(b.add(x, outer), "relu");
      return b.activate(b.add(convolved(b, b.maxPool(x), filters, { activation: "linear" }), outer), "relu");
    });
  }
  return x;
};

/** Ronneberger et al., 2015, on depthwise blocks: down, and up again beside what was on the way. */
const unet: Topology = (b, input, depth) => {
  const levels = 3;
  const each = Math.max(Math.floor(depth / (4 * levels)), 1);
  let x = b.block(() => convolved(b, input, 16, { size: 3, strides: 2 }));
  const block = (from: Value, filters: number, strides = 1): Value =>
    b.block(() => convolved(b, depthwise(b, from, "relu", strides), filters));
  const beside: Value[] = [];
  for (let level = 0; level < levels; level++) {
    for (let i = 0; i < each; i++) x = block(x, 16 + 12 * level);
    beside.push(x);
    x = block(x, 28 + 12 * level, 2);
  }
  for (let level = levels - 1; level >= 0; level--) {
    const from = x;
    x = b.block(() => b.concat(b.upsample(from), beside[level]));
    for (let i = 0; i < each; i++) x = block(x, 16 + 12 * level);
  }
  return x;
};

export const kinds = {
  vgg,
  normalizedAfter,
  mobilenetV1,
  mobilenetV2,
  mobilenetV3,
  efficientnet,
  resnet,
  darknet,
  preactivated,
  densenet,
  inception,
  blazeface,
  unet,
} as const satisfies Readonly<Record<string, Topology>>;

export type TopologyName = keyof typeof kinds;
