/** How windows lie over images, as the attributes of a node say it. */

import { formatShape } from "../../shape.js";
import type { NodeDef } from "../graph-def.js";
import { type PaddingMode, resolvePadding } from "../layers/options.js";

/** Images with their channels first. */
export function unsupportedLayout({ op, attrs }: NodeDef): readonly string[] {
  const format = attrs.text("data_format", "NHWC");
  return format === "NHWC" || format === "NDHWC" ? [] : [`${op}: data_format ${format}`];
}

/** Strides, dilations and padding [top, bottom, left, right] of a window over [null, h, w, c]. */
export function windowOf(
  { attrs, name }: NodeDef,
  input: readonly (number | null)[],
  size: readonly number[],
  dilations: readonly number[] = [1, 1],
) {
  const strides = attrs.numbers("strides").slice(1, 3);
  const mode = attrs.text("padding", "VALID");
  if (input.length !== 4 || strides.length !== 2 || dilations.length !== 2) {
    throw new RangeError(
      `node ${name}: wanted an image and strides, got ${formatShape(input)} and [${strides}]`,
    );
  }
  const padding =
    mode === "EXPLICIT"
      ? attrs.numbers("explicit_paddings").slice(2, 6)
      : [0, 1].flatMap((i) =>
          resolvePadding(
            mode.toLowerCase() as PaddingMode,
            input[i + 1] as number,
            (size[i] - 1) * dilations[i] + 1,
            strides[i],
          ),
        );
  return { strides, padding };
}
