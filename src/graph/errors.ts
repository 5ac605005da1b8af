/** A model that uses what pare has not: lists every such op or option of the model at once. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
  /** Each unsupported thing, once, in order of appearance: "Conv3D", "LSTM: stateful". */
  readonly what: readonly string[];

  constructor(what: readonly string[]) {
    const unique = [...new Set(what)];
    super(`the model uses what pare does not support: ${unique.join(", ")}`);
    this.what = unique;
  }
}

/** What `checkGraph` refuses; the names are stable, a file's `FormatError` carries them on. */
export type GraphErrorCode =
  | "graph-op"
  | "graph-attr"
  | "graph-arity"
  | "graph-weight"
  | "graph-duplicate"
  | "graph-dangling"
  | "graph-cycle"
  | "graph-shape"
  | "quant-scale"
  | "quant-zero"
  | "quant-missing"
  | "weight-range"
  | "weight-scale"
  | "channel-count"
  | "k-too-large"
  | "table-length"
  | "table-range"
  | "memory-cap";

/** A graph that breaks a rule: the message names the node or weight, what was wanted and what it got. */
export class GraphError extends RangeError {
  override readonly name = "GraphError";
  readonly code: GraphErrorCode;

  constructor(code: GraphErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
