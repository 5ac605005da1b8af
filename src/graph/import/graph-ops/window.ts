/** How windows lie over images, as the attributes of a node say it. */

import { formatShape } from "../../shape.js";
import type { NodeDef } from "../graph-def.js";
import { type PaddingMode, resolvePadding } from "../layers/options.js";

/** Images with their channels first. */
export function unsupportedLayout({ op, attrs }: NodeDef): readonly string[] {
  const format = attrs.text("data_format", "NHWC");
  return format === "NHWC" || format === "NDHWC" ? [] : [`${op}: data_format ${format}`];
}

/** Layouts and paddings of windows that pare has not. */
export function unsupportedWindow(node: NodeDef): readonly string[] {
  const padding = paddingOf(node);
  return [...unsupportedLayout(node), ...(paddings.has(padding) ? [] : [`${node.op}: padding ${padding}`])];
}

const paddings = new Set(["valid", "same", "explicit"]);

/** In lower case: tfjs takes it in either. */
export const paddingOf = ({ attrs }: NodeDef) => attrs.text("padding", "none").toLowerCase();

/** Strides, dilations and padding [top, bottom, left, right] of a window over [null, h, w, c]. */
export function windowOf(
  node: NodeDef,
  input: readonly (number | null)[],
  size: readonly number[],
  dilations: readonly number[] = [1, 1],
) {
  const { attrs, name } = node;
  const strides = attrs.numbers("strides").slice(1, 3);
  const mode = paddingOf(node);
  if (input.length !== 4 || strides.length !== 2 || dilations.length !== 2) {
    throw new RangeError(
      `node ${name}: wanted an image and strides, got ${formatShape(input)} and [${strides}]`,
    );
  }
  const padding =
    mode === "explicit"
      ? attrs.numbers("explicit_paddings").slice(2, 6)
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
