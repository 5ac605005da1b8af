/** A tfjs model as it lies in its files or as `model.save` hands it to a save handler. */

/**
 * One tensor of the weight data; `tf.io.WeightsManifestEntry` is one.
 *
 * Tensors lie one after another in the order of their specs, without gaps.
 */
export interface WeightSpec {
  /** "dense/kernel", with any prefix. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Of the tensor once decoded: "float32", "int32", "bool", "uint8". */
  readonly dtype: string;
  /** "optimizer" for the state of an optimizer, which is no part of the model. */
  readonly group?: string;
  /** How the file writes it, if not as `dtype`: value = code * scale + min, or half floats. */
  readonly quantization?: {
    readonly dtype: string;
    readonly scale?: number;
    readonly min?: number;
  };
}

export interface ModelArtifacts {
  /** The layers JSON as an object or as the string that `model.toJSON()` returns, or a GraphDef. */
  readonly modelTopology: unknown;
  readonly weightSpecs: readonly WeightSpec[];
  /** The shards of all groups, joined. */
  readonly weightData: Uint8Array;
  /** "layers-model" or "graph-model"; old files have none. */
  readonly format?: string;
  /** Of a graph model: names for its inputs and outputs. */
  readonly signature?: unknown;
}
