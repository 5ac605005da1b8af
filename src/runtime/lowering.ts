/**
 * From a graph to steps: what an op's lowering has at hand.
 *
 * A value may exist as f32, as u7, and as u7 in C4 planes; it is converted where an op wants another
 * form, once. The first two are contiguous rows of channels, so that a reshape is the same bytes under
 * another name.
 */

import { type Graph, type Node, type QuantParams, type Shape, sizeOf, type Weight } from "../graph/index.js";
import type { Store } from "../kernels/products.js";
import type { RuntimeKernels } from "../kernels/runtime-set.js";
import type { Heap, Variant } from "../wasm/index.js";
import type { Buffer, Step } from "./place.js";
import { type Planes, planes } from "./planes.js";

export interface LoweringOptions {
  readonly graph: Graph;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly batch: number;
  readonly kernels: RuntimeKernels;
  readonly heap: Heap;
  readonly variant: Variant;
  /** Packed weights in the heap, made once for a model and shared by its plans. */
  readonly constants: Store;
  /** What depends on the batch: it goes with the plan. */
  readonly own: Store;
}

/** f32 and u7: rows of channels. c4: u7 in planes (see planes.ts), for pictures. */
export type Form = "f32" | "u7" | "c4";

/** A picture in C4 planes; between its rows there may be pixels of any codes. */
export interface Picture extends Buffer {
  readonly planes: Planes;
}

interface Forms {
  f32?: Buffer;
  u7?: Buffer;
  c4?: Picture;
}

/** What a step calls, with addresses. */
export type Call = (y: number, x: number, scratch: number) => void;

/** Whether codes of the one are codes of the other. */
export function sameParams(a: QuantParams | undefined, b: QuantParams | undefined): boolean {
  return a !== undefined && b !== undefined && a.scale === b.scale && a.zero === b.zero;
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

  get constants(): Store {
    return this.options.constants;
  }

  get own(): Store {
    return this.options.own;
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

  /** The u7 parameters of a value that runs in integers. @throws RangeError where it has none */
  codes(value: string): QuantParams {
    const params = this.quant(value);
    if (!params) throw new RangeError(`no u7 parameters for value ${value}`);
    return params;
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

  /**
   * Emits a step of one call for the whole batch.
   *
   * @param call with the addresses of y, of x and of scratch
   * @param scratch for the call alone
   */
  once(label: string, y: Buffer, x: Buffer, call: Call, scratch?: Buffer): void {
    this.emit({
      label,
      reads: [x],
      writes: scratch ? [y, scratch] : [y],
      bind: (at) => {
        const [yAt, xAt, scratchAt] = [at(y), at(x), scratch ? at(scratch) : 0];
        return () => call(yAt, xAt, scratchAt);
      },
    });
  }

  /** The same with one call for each sample of the batch, with the addresses of a sample in y and in x. */
  each(label: string, y: Buffer, x: Buffer, call: Call, scratch?: Buffer): void {
    const { batch } = this.options;
    const [yStep, xStep] = [y.bytes / batch, x.bytes / batch];
    const calls: Call = (yAt, xAt, scratchAt) => {
      for (let i = 0; i < batch; i++) call(yAt + i * yStep, xAt + i * xStep, scratchAt);
    };
    this.once(label, y, x, calls, scratch);
  }

  /**
   * The buffer that a node writes its value into.
   *
   * @param pitch of planes, pixels from row to row
   */
  define(value: string, form: "c4", pitch?: number): Picture;
  define(value: string, form: Form): Buffer;
  define(value: string, form: Form, pitch?: number): Buffer {
    const forms = this.#formsOf(value);
    if (form === "c4") {
      const [, height, width, channels] = this.shape(value) as readonly number[];
      const lie = planes(height, width, channels, pitch);
      forms.c4 = { bytes: lie.bytes * this.options.batch, planes: lie };
      return forms.c4;
    }
    const buffer = { bytes: this.size(value) * (form === "f32" ? 4 : 1) };
    forms[form] = buffer;
    return buffer;
  }

  /** Makes `value` another name of the rows of `source`: of its codes too where they mean the same. */
  alias(value: string, source: string): void {
    const forms = this.#formsOf(source);
    const isSame = sameParams(this.quant(source), this.quant(value));
    if (!isSame) this.f32(source);
    // Planes of another shape would lie otherwise.
    else if (forms.c4 && !forms.f32) this.u7(source);
    const { f32 } = forms;
    const u7 = isSame ? forms.u7 : undefined;
    this.#forms.set(value, { ...(f32 && { f32 }), ...(u7 && { u7 }) });
  }

  /** Makes a buffer of real numbers those of `value` too. */
  share(value: string, f32: Buffer): void {
    this.#formsOf(value).f32 = f32;
  }

  /** True when a value is there in this form already. */
  has(value: string, form: Form): boolean {
    return this.#formsOf(value)[form] !== undefined;
  }

  /** A value as f32, dequantized if it is not. */
  f32(value: string): Buffer {
    const forms = this.#formsOf(value);
    if (forms.f32) return forms.f32;
    const params = this.quant(value);
    if (!params || !(forms.u7 || forms.c4)) throw new RangeError(`value ${value} is read before it is made`);
    const u7 = this.u7(value);
    const out = this.define(value, "f32");
    const n = this.size(value);
    this.once(`${value}: dequantize`, out, u7, (y, x) =>
      this.kernels.u7_f32_dequantize(y, x, n, params.scale, params.zero),
    );
    return out;
  }

  /** A value as u7, quantized if it is not; it must have parameters. */
  u7(value: string): Buffer {
    const forms = this.#formsOf(value);
    if (forms.u7) return forms.u7;
    if (forms.c4) return this.#toRows(value, forms.c4);
    const { f32 } = forms;
    const params = this.quant(value);
    if (!f32 || !params) throw new RangeError(`value ${value} has no u7 form`);
    const out = this.define(value, "u7");
    const n = this.size(value);
    const inverse = Math.fround(1 / params.scale);
    this.once(`${value}: quantize`, out, f32, (q, x) =>
      this.kernels.f32_u7_quantize(q, x, n, inverse, params.zero),
    );
    return out;
  }

  /** A picture as u7 in planes, between whose rows there is nothing. */
  c4(value: string): Picture {
    const x = this.picture(value);
    return x.planes.pitch > x.planes.width ? this.#toPlanes(value) : x;
  }

  /** A picture as u7 in planes, as they are. */
  picture(value: string): Picture {
    return this.#formsOf(value).c4 ?? this.#toPlanes(value);
  }

  #toPlanes(value: string): Picture {
    const x = this.u7(value);
    const y = this.define(value, "c4");
    const { channels, groups, pixels, stride } = y.planes;
    this.each(`${value}: rows to C4`, y, x, (yAt, xAt) => {
      this.kernels.u7_rows_c4(yAt, xAt, pixels, groups, channels, stride);
    });
    return y;
  }

  #toRows(value: string, x: Picture): Buffer {
    const { channels, groups, height, width, pitch, stride } = x.planes;
    const y = this.define(value, "u7");
    const [rows, length] = pitch > width ? [height, width] : [1, height * width];
    // The last pixel may run over into the next row or sample, which is written after it.
    this.each(`${value}: C4 to rows`, y, x, (yAt, xAt) => {
      for (let row = 0; row < rows; row++) {
        const [to, from] = [yAt + row * length * channels, xAt + row * pitch * 4];
        this.kernels.u7_c4_rows(to, from, length, groups, stride, channels);
      }
    });
    return y;
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
