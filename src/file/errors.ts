/** A file that is refused. `code` is stable and names the one rule that was broken. */
export class FormatError extends Error {
  override readonly name = "FormatError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
