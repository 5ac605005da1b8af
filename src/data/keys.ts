/**
 * Options that nobody reads are mistakes: of spelling, or about what there is.
 *
 * @param name of what takes the options
 * @param known every key of them
 * @throws TypeError where it is no object, or has a key that there is not
 */
export function checkKeys<T extends object>(
  name: string,
  options: T,
  known: Readonly<Record<keyof T, true>>,
): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${name}: wanted an object of options, got ${options === null ? "null" : typeof options}`,
    );
  }
  const other = Object.keys(options).find((key) => !Object.hasOwn(known, key));
  if (other !== undefined) {
    throw new TypeError(`${name}: wanted one of the options ${Object.keys(known).join(", ")}, got ${other}`);
  }
}
