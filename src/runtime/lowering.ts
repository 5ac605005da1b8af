/**
 * From a graph to steps: what an op's lowering has at hand.
 *
 * A value may exist as f32 and as u7; it is converted where an op wants the other form, once. Both
 * forms are contiguous rows of channels, so that a reshape is the same bytes under another name.
 */

import { type Graph, type Node, type QuantParams, type Shape, sizeOf, type Weight } from "../graph/index.js";
import type { RuntimeKernels } from "../kernels/runtime-set.js";
import type { Heap, Variant } from "../wasm/index.js";
import type { Buffer, Step } from "./place.js";

/** Packed weights in the heap, made once for a model and shared by its plans. */
export interface Constants {
  /** Address of the bytes that `make` gives, uploaded at the first call with this key. */
  upload(key: string, make: () => ArrayBufferView): number;
  /** A value computed once for a key, such as a packed layout. */
  cache<T>(key: string, make: () => T): T;
}

export interface LoweringOptions {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly batch: number;
  readonly kernels: RuntimeKernels;
  readonly heap: Heap;
  readonly variant: Variant;
  readonly constants: Constants;
}

interface Forms {
  f32?: Buffer;
  u7?: Buffer;
}

export class Lowering {
  readonly steps: Step[] = [];
  readonly #forms = new Map<string, Forms>();

  constructor(readonly options: LoweringOptions) {
    for (const { name } of options.graph.inputs) this.define(name, "f32");
  }

  get kernels(): RuntimeKernels {
    return this.options.kernels;
  }

  get constants(): Constants {
    return this.options.constants;
  }

  shape(value: string): Shape {
    const shape = this.options.shapes.get(value);
    if (!shape) throw new RangeError(`no shape for value ${value}`);
    return shape;
  }

  /** Elements of a value over the whole batch. */
  size(value: string): number {
    return sizeOf(this.shape(value)) * this.options.batch;
  }

  /** Last dimension of a value. */
  channels(value: string): number {
    return this.shape(value).at(-1) as number;
  }

  /** The u7 parameters of a value, if it is kept in u7. */
  quant(value: string): QuantParams | undefined {
    return this.options.graph.quant.get(value);
  }

  weight(node: Node, role: string): Weight | undefined {
    const key = node.weights[role];
    return key === undefined ? undefined : this.options.graph.weights.get(key);
  }

  /** A buffer for the use of one node alone. */
  scratch(bytes: number): Buffer {
    return { bytes };
  }

  emit(step: Step): void {
    this.steps.push(step);
  }

  /** The buffer that a node writes its value into. */
  define(value: string, form: "f32" | "u7"): Buffer {
    const bytes = this.size(value) * (form === "f32" ? 4 : 1);
    const buffer: Buffer = { bytes };
    this.#formsOf(value)[form] = buffer;
    return buffer;
  }

  /** Makes `value` another name of the bytes of `source`. */
  alias(value: string, source: string): void {
    this.#forms.set(value, this.#formsOf(source));
  }

  /** A value as f32, dequantized if it is not. */
  f32(value: string): Buffer {
    const forms = this.#formsOf(value);
    if (forms.f32) return forms.f32;
    const { u7 } = forms;
    const params = this.quant(value);
    if (!u7 || !params) throw new RangeError(`value ${value} is read before it is made`);
    const out = this.define(value, "f32");
    const n = this.size(value);
    this.emit({
      label: `${value}: dequantize`,
      reads: [u7],
      writes: [out],
      bind: (at) => {
        const [y, x] = [at(out), at(u7)];
        return () => this.kernels.u7_f32_dequantize(y, x, n, params.scale, params.zero);
      },
    });
    return out;
  }

  /** A value as u7, quantized if it is not; it must have parameters. */
  u7(value: string): Buffer {
    const forms = this.#formsOf(value);
    if (forms.u7) return forms.u7;
    const { f32 } = forms;
    const params = this.quant(value);
    if (!f32 || !params) throw new RangeError(`value ${value} has no u7 form`);
    const out = this.define(value, "u7");
    const n = this.size(value);
    const inverse = Math.fround(1 / params.scale);
    this.emit({
      label: `${value}: quantize`,
      reads: [f32],
      writes: [out],
      bind: (at) => {
        const [q, x] = [at(out), at(f32)];
        return () => this.kernels.f32_u7_quantize(q, x, n, inverse, params.zero);
      },
    });
    return out;
  }

  #formsOf(value: string): Forms {
    let forms = this.#forms.get(value);
    if (!forms) {
      forms = {};
      this.#forms.set(value, forms);
    }
    return forms;
  }
}
