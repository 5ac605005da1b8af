const brand = Symbol.for("pare.FormatError");

/**
 * A file that is refused. `code` is stable and names the one rule that was broken.
 *
 * `pare` and `pare/runtime` are bundles with a class each; the errors of either are instances of both.
 */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly code: string;

  static override [Symbol.hasInstance](value: unknown): boolean {
    return !!(value as FormatError | null | undefined)?.[brand];
  }

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  get [brand](): true {
    return true;
  }
}
