/** Sizes of inputs that a model's file leaves open: the runtime's memory is planned for one size. */

import { formatShape, isValueShape } from "../shape.js";
import type { Dim, Shape } from "../types.js";

/** Input name to the shape of one sample, without the batch: { image: [224, 224, 3] }. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * @param sizes of a sample as the file has them, open ones as null or -1; undefined where it has none
 * @throws RangeError where sizes stay open, or where those that are given contradict the file
 */
export function resolveInputShape(
  name: string,
  sizes: readonly unknown[] | undefined,
  inputShapes: InputShapes,
): Shape {
  const written = sizes?.map((dim) => (typeof dim === "number" && dim >= 0 ? dim : null));
  const given = Object.hasOwn(inputShapes, name) ? inputShapes[name] : undefined;
  if (given && !isValueShape([null, ...given])) {
    throw new RangeError(`input ${name}: inputShapes wants sizes of at least 1, got ${formatShape(given)}`);
  }
  const shape: Shape | undefined = given ?? written;
  if (!shape || shape.includes(null)) throw openShape(name, written);
  const contradicts = written?.some((dim, i) => dim !== null && dim !== shape[i]);
  if (contradicts || (written && written.length !== shape.length)) {
    throw new RangeError(
      `input ${name}: wanted inputShapes like ${formatShape(written ?? [])}, got ${formatShape(shape)}`,
    );
  }
  return [null, ...shape];
}

function openShape(name: string, written: readonly Dim[] | undefined): RangeError {
  const got = written ? formatShape([null, ...written]) : "none";
  const example = (written ?? [224, 224, 3]).map((dim) => dim ?? "size").join(", ");
  return new RangeError(
    `input ${name}: wanted a shape open in the batch alone, got ${got}; give the sizes: inputShapes: { ${JSON.stringify(name)}: [${example}] }`,
  );
}
