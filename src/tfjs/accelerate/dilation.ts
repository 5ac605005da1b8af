/** Gradients of dilated convolutions, which tfjs 4.22 refuses whatever the backend can do. */

import * as tf from "@tensorflow/tfjs-core";

interface ConvAttrs {
  readonly dilations: number | readonly number[];
  readonly [name: string]: unknown;
}

const kernels = {
  Conv2D: { input: "Conv2DBackpropInput", filter: "Conv2DBackpropFilter" },
  DepthwiseConv2dNative: {
    input: "DepthwiseConv2dNativeBackpropInput",
    filter: "DepthwiseConv2dNativeBackpropFilter",
  },
} as const;

/**
 * Lets the gradients of Conv2D and DepthwiseConv2dNative take dilations where `isOurs` says that the
 * kernels do; tfjs' own gradients stay for the rest.
 *
 * @returns puts tfjs' own back
 */
export function dilatedGradients(isOurs: () => boolean): () => void {
  const undo = Object.entries(kernels).map(([name, { input, filter }]) => {
    const own = tf.getGradient(name);
    const gradFunc: tf.GradFunc = (dy, saved, attrs) => {
      const { dilations } = attrs as unknown as ConvAttrs;
      if (!isOurs() || [dilations].flat().every((rate) => rate === 1)) return own.gradFunc(dy, saved, attrs);
      const [x, w] = saved;
      const run = (kernel: string, inputs: tf.NamedTensorMap, more: object): tf.Tensor =>
        tf.engine().runKernel(kernel, inputs, { ...attrs, ...more } as tf.NamedAttrMap);
      return {
        x: () => run(input, { dy: dy as tf.Tensor, filter: w }, { inputShape: x.shape }),
        filter: () => run(filter, { x, dy: dy as tf.Tensor }, { filterShape: w.shape }),
      };
    };
    replace(name, { ...own, gradFunc });
    return () => replace(name, own);
  });
  return () => {
    for (const step of undo) step();
  };
}

function replace(name: string, config: tf.GradConfig): void {
  tf.unregisterGradient(name);
  tf.registerGradient(config);
}
