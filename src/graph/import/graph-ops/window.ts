/** How windows lie over images, as the attributes of a node say it. */

import { formatShape } from "../../shape.js";
import type { Shape } from "../../types.js";
import type { NodeDef } from "../graph-def.js";
import { type PaddingMode, resolvePadding } from "../layers/options.js";
import type { Context, Operand } from "./constant.js";
import { firstBatch, viewAt } from "./view.js";

/** Whether images have their channels first. */
export const isChannelsFirst = ({ attrs }: NodeDef) => attrs.text("data_format", "NHWC") === "NCHW";

/** Layouts of images that pare has not. */
export function unsupportedLayout({ op, attrs }: NodeDef): readonly string[] {
  const format = attrs.text("data_format", "NHWC");
  return ["NHWC", "NDHWC", "NCHW"].includes(format) ? [] : [`${op}: data_format ${format}`];
}

/** Layouts and paddings of windows that pare has not. */
export function unsupportedWindow(node: NodeDef): readonly string[] {
  const padding = paddingOf(node);
  return [...unsupportedLayout(node), ...(paddings.has(padding) ? [] : [`${node.op}: padding ${padding}`])];
}

const paddings = new Set(["valid", "same", "explicit"]);

/** In lower case: tfjs takes it in either. */
export const paddingOf = ({ attrs }: NodeDef) => attrs.text("padding", "none").toLowerCase();

/** The `i`-th operand as a value of [null, h, w, c], whatever layout the node says. */
export function imageAt(context: Context, i: number): string {
  const { value, order } = viewAt(context, i);
  if (!isChannelsFirst(context) || order.length !== 4) return firstBatch(context, { value, order });
  return firstBatch(context, { value, order: [0, 2, 3, 1].map((axis) => order[axis]) });
}

/** What a node makes of images, in its layout. */
export function imageOperand(node: NodeDef, value: string): Operand {
  return isChannelsFirst(node) ? { value, order: [0, 3, 1, 2] } : { value };
}

/** Of a list for [n, h, w, c], or [n, c, h, w], those of height and width. */
export function spatial(node: NodeDef, all: readonly number[]): readonly number[] {
  return isChannelsFirst(node) ? all.slice(2, 4) : all.slice(1, 3);
}

/** Strides, dilations and padding [top, bottom, left, right] of a window over [null, h, w, c]. */
export function windowOf(
  node: NodeDef,
  input: Shape,
  size: readonly number[],
  dilations: readonly number[] = [1, 1],
) {
  const { attrs, name } = node;
  const strides = spatial(node, attrs.numbers("strides"));
  const mode = paddingOf(node);
  if (input.length !== 4 || strides.length !== 2 || dilations.length !== 2) {
    throw new RangeError(
      `node ${name}: wanted an image and strides, got ${formatShape(input)} and [${strides}]`,
    );
  }
  const first = isChannelsFirst(node) ? 4 : 2;
  const padding =
    mode === "explicit"
      ? attrs.numbers("explicit_paddings").slice(first, first + 4)
      : [0, 1].flatMap((i) =>
          resolvePadding(
            mode as PaddingMode,
            input[i + 1] as number,
            (size[i] - 1) * dilations[i] + 1,
            strides[i],
          ),
        );
  return { strides, padding };
}
