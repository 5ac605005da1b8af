/** Ops that move the pixels of pictures: borders, sizes, cells to channels. */

import { UnsupportedError } from "../../errors.js";
import { type Context, type GraphRule, type GraphRules, integersAt, shapeAt, valueAt } from "./constant.js";
import { addReshape } from "./shapes.js";
import { unsupportedLayout } from "./window.js";

function pad(mode: (context: Context) => string): GraphRule {
  return {
    inputs: { min: 2, max: 3 },
    add(context) {
      const pads = integersAt(context, 1);
      if (pads[0] !== 0 || pads[1] !== 0) throw new UnsupportedError([`${context.op}: of the batch`]);
      const value = context.operands.length > 2 ? integersAt(context, 2)[0] : 0;
      const attrs = { pads: pads.slice(2), mode: mode(context), value };
      return [{ value: context.builder.add(context.name, "pad", [valueAt(context, 0)], { attrs }) }];
    },
  };
}

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
      const b = context.attrs.number("block_size", 2);
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
  MirrorPad: pad(({ attrs }) =>
    attrs.text("mode", "REFLECT").toUpperCase() === "SYMMETRIC" ? "symmetric" : "reflect",
  ),
  Pad: pad(() => "constant"),
  PadV2: pad(() => "constant"),
  ResizeBilinear: resize("bilinear"),
  ResizeNearestNeighbor: resize("nearest"),
  SpaceToDepth: blocks(false),
};
