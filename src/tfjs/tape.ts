/** What tfjs keeps for a gradient that is never computed. */

import * as tf from "@tensorflow/tfjs-core";

/** Not in tfjs' typings: what 4.22 has. */
interface Taping {
  activeTape?: { readonly saved?: readonly tf.Tensor[] }[] | null;
  gradientDepth?: number;
}

/**
 * Frees the tensors that ops saved for their gradients, after an error in a loss or in its gradient: tfjs
 * frees them at the end of a gradient that succeeds, and nowhere else.
 */
export function dropTape(): void {
  const { state } = tf.engine() as unknown as { state?: Taping };
  // Deeper, the tape belongs to a gradient around this one, which still needs it.
  if (state?.gradientDepth !== 0 || !Array.isArray(state.activeTape)) return;
  for (const { saved } of state.activeTape) for (const tensor of saved ?? []) tensor.dispose();
  state.activeTape = null;
}
