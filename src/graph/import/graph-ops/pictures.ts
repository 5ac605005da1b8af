/** Ops that move the pixels of pictures: borders, sizes, cells to channels. */

import { UnsupportedError } from "../../errors.js";
import type { NodeDef } from "../graph-def.js";
import { type Context, type GraphRule, type GraphRules, integersAt, shapeAt, valueAt } from "./constant.js";
import { addReshape } from "./shapes.js";
import { paddingOf, unsupportedLayout } from "./window.js";

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

function pad(modeOf: (node: NodeDef) => string): GraphRule {
  return {
    inputs: { min: 2, max: 3 },
    add(context) {
      const pads = integersAt(context, 1);
      if (pads[0] !== 0 || pads[1] !== 0) throw new UnsupportedError([`${context.op}: of the batch`]);
      const attrs = { pads: pads.slice(2), mode: modeOf(context), value: frameValue(context, pads) };
      return [{ value: context.builder.add(context.name, "pad", [valueAt(context, 0)], { attrs }) }];
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
      return [{ value: context.builder.add(context.name, "resize", [valueAt(context, 0)], { attrs }) }];
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
      const [batch, h, w, c] = shapeAt(context, 0) as readonly [null, number, number, number];
      const [parts, perm, result]: readonly (readonly number[])[] = toSpace
        ? [
            [h, w, b, b, c / (b * b)],
            [0, 1, 3, 2, 4, 5],
            [h * b, w * b, c / (b * b)],
          ]
        : [
            [h / b, b, w / b, b, c],
            [0, 1, 3, 2, 4, 5],
            [h / b, w / b, c * b * b],
          ];
      const split_ = addReshape(context, `${context.name}/parts`, valueAt(context, 0), [batch, ...parts]);
      const moved = context.builder.add(`${context.name}/order`, "transpose", [split_.value as string], {
        attrs: { perm },
      });
      return [addReshape(context, context.name, moved, [batch, ...result])];
    },
  };
}

export const pictureRules: GraphRules = {
  DepthToSpace: blocks(true),
  MirrorPad: mirrorPad,
  Pad: pad(() => "constant"),
  PadV2: pad(() => "constant"),
  ResizeBilinear: resize("bilinear"),
  ResizeNearestNeighbor: resize("nearest"),
  SpaceToDepth: blocks(false),
};
