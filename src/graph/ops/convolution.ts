/** conv2d, depthwiseConv2d and convTranspose2d over [null, h, w, c]. */

import { GraphError } from "../errors.js";
import { formatShape, sameShape } from "../shape.js";
import type { Node, Shape } from "../types.js";
import { checkChannels, checkDtypes, productRule } from "./product.js";
import { wantRank } from "./rank.js";
import { integersAttr, type OpRule } from "./rule.js";
import { padded, windowAttrs, windowPlaces } from "./window.js";

const depth = ([rows, columns, inputs]: readonly number[]) => rows * columns * inputs;

const paddedPlane = (node: Node, [input]: readonly Shape[]): Shape => [
  null,
  ...padded(node, input),
  input[input.length - 1],
];

/** Height and width of the result, for a kernel of [h, w, ...] under the node's dilations. */
function places(node: Node, input: Shape, kernel: readonly number[]): readonly [number, number] {
  const dilations = node.attrs.dilations as readonly number[];
  const size = dilations.map((dilation, i) => (kernel[i] - 1) * dilation + 1);
  return windowPlaces(node, input, size);
}

const attrs = { ...windowAttrs, dilations: integersAttr(1, 2) };

/**
 * inputs   the image, and a residual of the result's shape, which is added before the activation
 * attrs    strides [h, w], dilations [h, w], padding [top, bottom, left, right]
 * weights  kernel [h, w, in, out], bias [out]; the rest as in `productRule`
 */
export const conv2d: OpRule = {
  ...productRule({ rank: 4, depth }, attrs, {
    shape(node, [input, residual], { kernel, bias }) {
      wantRank(node, input, 4, 4);
      checkChannels(node, input, kernel, kernel[2], bias, kernel[3]);
      const result = [null, ...places(node, input, kernel), kernel[3]];
      if (residual && !sameShape(residual, result)) {
        throw new RangeError(
          `${node.name}: wanted a residual of ${formatShape(result)}, got ${formatShape(residual)}`,
        );
      }
      return result;
    },
    workspace: paddedPlane,
  }),
  inputs: { min: 1, max: 2 },
  check(node, weights) {
    checkDtypes(node, weights);
    if (weights.kernel.dtype === "s8" && node.inputs.length > 1) {
      throw new GraphError("graph-arity", `${node.name}: a kernel of s8 wants 1 input, got a residual too`);
    }
  },
};

/**
 * attrs    as conv2d
 * weights  kernel [h, w, in, multiplier], bias [in * multiplier]; output channel c * multiplier + m
 *          reads input channel c
 */
export const depthwiseConv2d: OpRule = productRule(
  { rank: 4, depth: ([h, w]) => h * w, channels: (shape) => shape[2] * shape[3] },
  attrs,
  {
    shape(node, [input], { kernel, bias }) {
      const outputs = kernel[2] * kernel[3];
      wantRank(node, input, 4, 4);
      checkChannels(node, input, kernel, kernel[2], bias, outputs);
      return [null, ...places(node, input, kernel), outputs];
    },
    workspace: paddedPlane,
  },
);

/**
 * y[i * stride + k - padding] += x[i] * kernel[k], the gradient of a conv2d to its input.
 *
 * attrs    strides; padding [top, bottom, left, right], which is cut from the full result;
 *          outputPadding [h, w]: rows and columns of bias alone at the end, fewer than a stride
 * weights  kernel [h, w, in, out] (tfjs has [h, w, out, in]: here channels of any s8 kernel lie last)
 */
export const convTranspose2d: OpRule = productRule(
  { rank: 4, depth },
  { ...windowAttrs, outputPadding: integersAttr(0, 2) },
  {
    shape(node, [input], { kernel, bias }) {
      wantRank(node, input, 4, 4);
      checkChannels(node, input, kernel, kernel[2], bias, kernel[3]);
      const { strides, padding, outputPadding } = node.attrs as Readonly<Record<string, readonly number[]>>;
      const size = [0, 1].map((i) => {
        const full = ((input[i + 1] as number) - 1) * strides[i] + kernel[i];
        const left = full - padding[2 * i] - padding[2 * i + 1];
        if (left < 1 || outputPadding[i] >= strides[i]) {
          throw new RangeError(
            `${node.name}: wanted padding below the full result of ${full} and outputPadding below the stride, got ${padding} and ${outputPadding}`,
          );
        }
        return left + outputPadding[i];
      });
      return [null, ...size, kernel[3]];
    },
    workspace(node, [input]) {
      // The result before it is cut; kernels are data that is there, so that they need no cap.
      const { strides, padding } = node.attrs as Readonly<Record<string, readonly number[]>>;
      const rows = (input[1] as number) * strides[0] + padding[0] + padding[1];
      return [null, rows, (input[2] as number) * strides[1] + padding[2] + padding[3]];
    },
  },
);
