/** Pictures moved in planes: a pixel of 4 channels is a word, and words go by lists as in f32. */

import type { Node } from "../../graph/index.js";
import { type Lowering, type Picture, sameParams } from "../lowering.js";
import type { Buffer } from "../place.js";
import { isPicture } from "../planes.js";
import { moveSources, runsOf } from "./moves.js";

/** True for a move of a picture that leaves its channels where they are, codes meaning the same before and after. */
export function isMoveU7(to: Lowering, node: Node): boolean {
  const [input] = node.inputs;
  if (!sameParams(to.quant(input), to.quant(node.name))) return false;
  if (!isPicture(to.shape(input)) || !isPicture(to.shape(node.name))) return false;
  // Not made in planes, and not read in them: rows will do.
  if (!to.has(input, "c4")) return false;
  const sources = moveSources(to, node);
  const channels = to.channels(input);
  return (
    sources !== undefined &&
    sources[2].length === channels &&
    sources[2].every((source, i) => source === i) &&
    sources[0].length * sources[1].length > 0
  );
}

export function lowerMoveU7(to: Lowering, node: Node): void {
  const [input] = node.inputs;
  const channels = to.channels(input);
  const [rows, columns] = (moveSources(to, node) as readonly (readonly number[])[]).map((sources) =>
    sources.map((source) => (source < 0 ? -1 : source / channels)),
  );
  const { zero } = to.codes(node.name);
  const x = to.c4(input);
  const y = to.define(node.name, "c4");
  const runs = () => runsOf([rows, columns]);
  const { stride, groups } = x.planes;
  emitWords(to, node, runs, { y, x, stride, groups }, zero);
}

interface Words {
  readonly y: Picture;
  readonly x: Buffer;
  /** Bytes of x from plane to plane. */
  readonly stride: number;
  readonly groups: number;
}

/** Emits a gather of words for every plane. */
export function emitWords(
  to: Lowering,
  node: Node,
  list: () => { readonly index: Int32Array; readonly run: number },
  { y, x, stride, groups }: Words,
  code: number,
): void {
  const runs = to.constants.cache(`${node.name}/words`, () => {
    const { index, run } = list();
    return { n: index.length, run, address: to.constants.upload(`${node.name}/words/index`, () => index) };
  });
  const { n, run, address } = runs;
  // The bits of four codes: with codes up to 127 it is a number, and stays as it is.
  const value = new Float32Array(new Uint8Array(4).fill(code).buffer)[0];
  const { f32_gather } = to.kernels;
  to.each(`${node.name}: f32_gather words`, y, x, (yAt, xAt) => {
    for (let group = 0; group < groups; group++) {
      f32_gather(yAt + group * y.planes.stride, xAt + group * stride, address, 1, n, run, 0, value);
    }
  });
}
