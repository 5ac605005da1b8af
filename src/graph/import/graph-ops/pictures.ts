/** Ops of images: pools, borders, sizes, cells to channels, and the cells of a dilation as samples of their own. */

import { UnsupportedError } from "../../errors.js";
import { formatShape } from "../../shape.js";
import type { NodeDef } from "../graph-def.js";
import { asView, portion, rankOf } from "./compute.js";
import { type Context, type GraphRule, type GraphRules, integersAt, type Operand } from "./constant.js";
import { sizeAlong } from "./reductions.js";
import { addOp, batchOf, reshaped, withoutBatch } from "./view.js";
import {
  imageAt,
  imageOperand,
  paddingOf,
  spatial,
  unsupportedLayout,
  unsupportedWindow,
  windowOf,
} from "./window.js";

function pool(op: "maxPool" | "averagePool"): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    unsupported: unsupportedWindow,
    add(context) {
      const sizes = context.attrs.numbers("ksize");
      const size = spatial(context, sizes);
      const others = sizes.reduce((product, cells) => product * cells, 1) / (size[0] * size[1]);
      if (others !== 1 || size.length !== 2) throw new UnsupportedError([`${context.op}: ksize ${sizes}`]);
      const image = imageAt(context, 0);
      const attrs = { size, ...windowOf(context, context.builder.shapeOf(image), size) };
      return [imageOperand(context, addOp(context, op, [image], { attrs }))];
    },
  };
}

/** The lowest number that a file can say. */
const lowest = -Number.MAX_SAFE_INTEGER;

/**
 * The number of a frame. Converters write -Infinity or the lowest f32 for a max pool with padding: below all
 * numbers of a model, `lowest` does as well.
 */
function frameValue(context: Context, pads: readonly number[]): number {
  const value =
    context.operands.length > 2 ? integersAt(context, 2)[0] : context.attrs.number("constant_value", 0);
  return context.readers.every((reader) => neverShows(pads, reader)) ? Math.max(value, lowest) : value;
}

/** Whether a node takes the largest of windows none of which lies in the frame alone. */
function neverShows(pads: readonly number[], reader: NodeDef | undefined): boolean {
  if (reader?.op !== "MaxPool" || paddingOf(reader) !== "valid") return false;
  const size = reader.attrs.numbers("ksize");
  return pads.every((cells, i) => cells < size[i >> 1]);
}

interface Frame {
  readonly mode: string;
  readonly value: number;
}

/** @param pads [before, after, before, after...] for the axes of the tensor */
function framed(context: Context, x: Operand, pads: readonly number[], frame: Frame, part?: string): Operand {
  if (x.constant) throw new UnsupportedError([`${context.op} of a constant`]);
  let view = asView(context, x);
  const batch = batchOf(view);
  if (batch >= 0 && (pads[2 * batch] !== 0 || pads[2 * batch + 1] !== 0)) {
    if (context.batch !== 1) throw new UnsupportedError([`${context.op}: of the batch`]);
    view = withoutBatch(context, view);
  }
  const ordered = context.builder
    .shapeOf(view.value)
    .slice(1)
    .flatMap((_, i) => {
      const axis = view.order.indexOf(i + 1);
      return pads.slice(2 * axis, 2 * axis + 2);
    });
  const attrs = { pads: ordered, ...frame };
  const value = addOp(context, "pad", [view.value], { attrs, ...(part !== undefined && { part }) });
  return { value, order: view.order };
}

function pad(modeOf: (node: NodeDef) => string): GraphRule {
  return {
    inputs: { min: 2, max: 3 },
    add(context) {
      const pads = integersAt(context, 1);
      const rank = rankOf(context, context.operands[0]);
      if (pads.length !== 2 * rank) {
        throw new RangeError(`node ${context.name}: wanted ${2 * rank} pads, got ${formatShape(pads)}`);
      }
      return [
        framed(context, context.operands[0], pads, {
          mode: modeOf(context),
          value: frameValue(context, pads),
        }),
      ];
    },
  };
}

const mirrorMode = ({ attrs }: NodeDef) => attrs.text("mode", "none").toLowerCase();

const mirrorPad: GraphRule = {
  ...pad(mirrorMode),
  unsupported(node) {
    const mode = mirrorMode(node);
    return mode === "reflect" || mode === "symmetric" ? [] : [`${node.op}: mode ${mode}`];
  },
};

function resize(method: "nearest" | "bilinear"): GraphRule {
  return {
    inputs: { min: 2, max: 2 },
    add(context) {
      const attrs = {
        size: integersAt(context, 1),
        method,
        alignCorners: context.attrs.boolean("align_corners"),
        halfPixelCenters: context.attrs.boolean("half_pixel_centers"),
      };
      return [{ value: addOp(context, "resize", [imageAt(context, 0)], { attrs }) }];
    },
  };
}

/** Blocks of b x b cells to channels, or back: a transpose between two reshapes. */
function blocks(toSpace: boolean): GraphRule {
  return {
    inputs: { min: 1, max: 1 },
    unsupported: unsupportedLayout,
    add(context) {
      const b = context.attrs.number("block_size", 0);
      const image = imageAt(context, 0);
      const [batch, h, w, c] = context.builder.shapeOf(image) as readonly [null, number, number, number];
      const [parts, result]: readonly (readonly number[])[] = toSpace
        ? [
            [h, w, b, b, c / (b * b)],
            [h * b, w * b, c / (b * b)],
          ]
        : [
            [h / b, b, w / b, b, c],
            [h / b, w / b, c * b * b],
          ];
      const cells = reshaped(context, image, [batch, ...parts], "parts");
      const moved = addOp(context, "transpose", [cells], {
        part: "order",
        attrs: { perm: [0, 1, 3, 2, 4, 5] },
      });
      return [imageOperand(context, reshaped(context, moved, [batch, ...result]))];
    },
  };
}

/**
 * Every n-th cell to a sample of its own. What TensorFlow makes of a dilated convolution: as the tensor stays as it is
 * here, convolutions that read it are dilated, and what is between them and the way back does not care.
 */
const spaceToBatch: GraphRule = {
  inputs: { min: 3, max: 3 },
  add(context) {
    const [x] = context.operands;
    const [sizes, pads] = [integersAt(context, 1), integersAt(context, 2)];
    const rank = rankOf(context, x);
    const full = Array.from({ length: 2 * rank }, (_, i) => pads[i - 2] ?? 0);
    const frame = full.some((cells) => cells !== 0)
      ? framed(context, x, full, { mode: "constant", value: 0 })
      : x;
    const blockSizes = Array.from({ length: rank }, (_, axis) => sizes[axis - 1] ?? 1);
    for (const [axis, size] of blockSizes.entries()) {
      if (size !== 1 && sizeAlong(context, frame, axis) % size !== 0) {
        throw new RangeError(`node ${context.name}: wanted a size that ${size} divides on axis ${axis}`);
      }
    }
    return [{ ...frame, blocks: blockSizes }];
  },
};

const batchToSpace: GraphRule = {
  inputs: { min: 3, max: 3 },
  blocks: "take",
  add(context) {
    const [{ blocks: given, ...x }] = context.operands;
    const [sizes, crops] = [integersAt(context, 1), integersAt(context, 2)];
    const isBack = given?.every((size, axis) => size === (sizes[axis - 1] ?? 1));
    if (!isBack) throw new UnsupportedError(["BatchToSpaceND: without SpaceToBatchND"]);
    let result: Operand = x;
    for (let i = 0; i < sizes.length; i++) {
      const [before, after] = crops.slice(2 * i);
      if (before === 0 && after === 0) continue;
      const size = sizeAlong(context, result, i + 1) - before - after;
      result = portion(context, result, i + 1, { from: before, size }, `${i}`);
    }
    return [result];
  },
};

export const pictureRules: GraphRules = {
  AvgPool: pool("averagePool"),
  BatchToSpaceND: batchToSpace,
  DepthToSpace: blocks(true),
  MaxPool: pool("maxPool"),
  MirrorPad: mirrorPad,
  Pad: pad(() => "constant"),
  PadV2: pad(() => "constant"),
  ResizeBilinear: resize("bilinear"),
  ResizeNearestNeighbor: resize("nearest"),
  SpaceToBatchND: spaceToBatch,
  SpaceToDepth: blocks(false),
};
