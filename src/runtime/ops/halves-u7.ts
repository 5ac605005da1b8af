/** The input of a net in two planes of codes (src/compress/two-planes.ts). */

import type { Node } from "../../graph/index.js";
import type { Lowering } from "../lowering.js";

/**
 * Emits one step from the real numbers to the codes, for the affine that makes halves of a value twice; for any other
 * one, nothing.
 */
export function lowerHalves(to: Lowering, node: Node): void {
  const twice = to.options.graph.nodes.find(({ name }) => name === node.inputs[0]);
  const out = to.quant(node.name);
  if (!out || twice?.op !== "concat") return;
  const [input, other] = twice.inputs;
  const channels = to.channels(input);
  const [[scale, ...scales], offset] = ["scale", "offset"].map((role) => [
    ...(to.weight(node, role)?.data ?? []),
  ]);
  const [shift] = offset;
  const isHalves =
    input === other &&
    channels <= 4 &&
    offset.length === 2 * channels &&
    offset.every((value, c) => value === (c < channels ? shift : -shift)) &&
    scales.every((value) => value === scale);
  if (!isHalves) return;
  const x = to.f32(input);
  const y = to.define(node.name, "u7");
  const m = to.size(input) / channels;
  const lanes = to.constants.upload(`halves/${channels}`, () =>
    Uint8Array.from({ length: 64 }, (_, i) => {
      const [row, c] = [Math.floor((i % 32) / (2 * channels)), (i % 32) % (2 * channels)];
      return c < channels === i < 32 ? row * channels + (c % channels) : 255;
    }),
  );
  const [toCodes, by] = [scale / out.scale, shift / out.scale].map(Math.fround);
  const { f32_u7_halves } = to.kernels;
  to.once(`${node.name}: f32_u7_halves`, y, x, (yAt, xAt) =>
    f32_u7_halves(yAt, xAt, lanes, m, channels, toCodes, by, out.zero),
  );
}
