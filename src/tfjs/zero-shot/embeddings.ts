/** Class attributes from a table of vectors by name: word vectors, or attributes written by hand. */

import type { Rows } from "./rows.js";

/**
 * Looks up the vectors of classes.
 *
 * A name that the table does not have is taken apart at spaces, hyphens and underscores, and is the mean of
 * its words ("polar_bear").
 *
 * @param names of the classes, in the order of their labels
 * @param vectors by name, all of one length
 * @returns one row a class, for the `attributes` of a zero-shot method
 * @throws RangeError that lists the names without a vector, or where lengths differ
 */
export function classEmbeddings(
  names: readonly string[],
  vectors: Readonly<Record<string, ArrayLike<number>>>,
): Rows {
  const rows = names.map((name) => vectorsOf(name, vectors));
  const missing = names.filter((_, i) => rows[i].length === 0);
  if (names.length === 0 || missing.length > 0) {
    throw new RangeError(`names: wanted some that have a vector, got ${missing.join(", ") || "no names"}`);
  }
  const size = rows[0][0].length;
  const data = new Float32Array(names.length * size);
  for (const [i, parts] of rows.entries()) {
    for (const vector of parts) {
      if (vector.length !== size) {
        throw new RangeError(
          `vectors: wanted all of ${size} as ${names[0]}, got ${vector.length} for ${names[i]}`,
        );
      }
      for (let k = 0; k < size; k++) data[i * size + k] += vector[k] / parts.length;
    }
  }
  return { data, count: names.length };
}

/** The vector of a name, or of each of its words; none where one is missing. */
function vectorsOf(
  name: string,
  vectors: Readonly<Record<string, ArrayLike<number>>>,
): readonly ArrayLike<number>[] {
  const parts = Object.hasOwn(vectors, name) ? [name] : name.split(/[\s_-]+/);
  return parts.every((part) => Object.hasOwn(vectors, part)) ? parts.map((part) => vectors[part]) : [];
}
