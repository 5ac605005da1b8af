import { describe, expect, it } from "vitest";
import { describePare, encodePare, FormatError, readPare } from "../../src/file/index.js";
import { checkGraph, type Graph } from "../../src/graph/index.js";
import {
  changed,
  deflated,
  expectCode,
  expectRefused,
  f32Graph,
  type Parts,
  parts,
  provenance,
  s8Graph,
  setTensor,
  smallFile,
} from "./fixtures.js";
import { encodeVersion1 } from "./version-1.js";

/** A change that puts a value at a path: "graph.nodes.0.op". */
const put = (path: string, value: unknown) => (all: Parts) => {
  const keys = path.split(".");
  const last = keys.pop() as string;
  // biome-ignore lint/suspicious/noExplicitAny: tests write what no type allows
  keys.reduce((object: any, key) => object[key], all)[last] = value;
};

const scaleOf = (value: number) => (all: Parts) => {
  const scale = new Float32Array(8).fill(0.01);
  scale[5] = value;
  setTensor(all, "kernel/scale", { bytes: new Uint8Array(scale.buffer), shape: [8] });
};

const kernelAs =
  (bytes: number[], declared: number[], codec = "dense") =>
  (all: Parts) => {
    all.tensors = all.tensors.filter(({ name }) => !/^kernel\/(values|deltas|counts)/.test(name));
    all.tensors.push({
      name: "kernel/values",
      dtype: "U8",
      shape: [bytes.length],
      bytes: Uint8Array.from(bytes),
    });
    Object.assign(all.graph.weights.kernel, { codec, bytes: declared });
  };

const refused: [string, string, (all: Parts) => void][] = [
  ["another format", "format-unknown", put("metadata.format", "pt")],
  ["no format", "format-unknown", ({ metadata }) => void delete metadata.format],
  ["another version", "version-unknown", put("metadata.version", "3")],
  ["no provenance", "field-missing", ({ metadata }) => void delete metadata.provenance],
  ["unknown metadata", "field-unknown", put("metadata.more", "")],
  ["provenance that is no JSON", "json-syntax", put("metadata.provenance", "{")],
  ["provenance that is large", "provenance-large", put("metadata.provenance", " ".repeat(2 ** 20 + 1))],
  ["provenance without versions", "json-type", put("metadata.provenance", "{}")],
  [
    "a source hash that is none",
    "provenance-hash",
    put("metadata.provenance", '{"versions":{"pare":"1"},"sourceHash":"A0"}'),
  ],
  ["a graph that is none", "json-type", put("graph", [])],
  ["a graph without nodes", "field-missing", ({ graph }) => void delete graph.nodes],
  ["an unknown field", "field-unknown", put("graph.nodes.0.more", 1)],
  ["a name that is no string", "json-type", put("graph.nodes.0.name", 1)],
  ["a value named __proto__", "json-forbidden-name", put("graph.inputs.0.name", "__proto__")],
  ["an output named constructor", "json-forbidden-name", put("graph.outputs.0.name", "constructor")],
  ["an attribute that is an object", "json-type", put("graph.nodes.0.attrs.activation", {})],
  ["a batch that is not first", "json-type", put("graph.inputs.0.shape", [16, null])],
  ["a negative dimension", "number-negative", put("graph.inputs.0.shape", [null, -16])],
  ["a fractional dimension", "number-fractional", put("graph.inputs.0.shape", [null, 1.5])],
  // graph: one of each kind; test/graph has them all
  ["an unknown op", "graph-op", put("graph.nodes.0.op", "launchMissiles")],
  ["an op that all objects have", "graph-op", put("graph.nodes.0.op", "toString")],
  ["an unknown attribute", "graph-attr", put("graph.nodes.0.attrs.more", 1)],
  ["a cycle", "graph-cycle", put("graph.nodes.0.inputs", ["y"])],
  ["a dangling input", "graph-dangling", put("graph.nodes.0.inputs", ["z"])],
  ["a dangling output", "graph-dangling", put("graph.outputs.0.value", "z")],
  ["a repeated name", "graph-duplicate", ({ graph }) => void graph.nodes.push(graph.nodes[0])],
  ["a shape that does not follow", "graph-shape", put("graph.inputs.0.shape", [null, 15])],
  ["a node without its weight", "graph-weight", put("graph.nodes.0.weights.bias", "z")],
  ["a size past the cap", "memory-cap", put("graph.inputs.0.shape", [null, 2 ** 20, 2 ** 20, 16])],
  // numbers
  ["a scale NaN", "scale-nan", scaleOf(Number.NaN)],
  ["a scale infinite", "scale-infinite", scaleOf(Number.POSITIVE_INFINITY)],
  ["a scale -infinite", "scale-negative", scaleOf(Number.NEGATIVE_INFINITY)],
  ["a scale 0", "scale-zero", scaleOf(0)],
  ["a scale -0", "scale-zero", scaleOf(-0)],
  ["a negative scale", "scale-negative", scaleOf(-0.01)],
  ["a subnormal scale", "scale-subnormal", scaleOf(2 ** -127)],
  ["a u7 scale 0", "scale-zero", put("graph.quant.x", [0, 3])],
  ["a u7 scale < 0", "scale-negative", put("graph.quant.x", [-1, 3])],
  ["a u7 scale subnormal", "scale-subnormal", put("graph.quant.x", [1e-40, 3])],
  ["a u7 scale infinite", "json-number", put("graph.quant.x", [1e39, 3])],
  ["a u7 scale null", "json-type", put("graph.quant.x", [null, 3])],
  ["u7 parameters that are no pair", "quant-pair", put("graph.quant.x", [1])],
  ["a zero point 128", "quant-zero", put("graph.quant.x", [1, 128])],
  ["a zero point -1", "quant-zero", put("graph.quant.x", [1, -1])],
  ["a zero point 1.5", "quant-zero", put("graph.quant.x", [1, 1.5])],
  ["no u7 parameters", "quant-missing", put("graph.quant", {})],
  [
    "scales that are not the channels",
    "channel-count",
    (all) =>
      setTensor(all, "kernel/scale", {
        bytes: new Uint8Array(new Float32Array(7).fill(1).buffer),
        shape: [7],
      }),
  ],
  // weights
  ["an unknown weight dtype", "weight-dtype", put("graph.weights.kernel.dtype", "s4")],
  ["an unknown codec", "codec-unknown", put("graph.weights.kernel.codec", "2x2")],
  ["a codec that all objects have", "codec-unknown", put("graph.weights.kernel.codec", "toString")],
  ["streams that are too many", "codec-streams", put("graph.weights.kernel.bytes", [1, 2, 3, 4])],
  [
    "a sparse bias",
    "codec-weight",
    ({ graph }) => void Object.assign(graph.weights.bias, { codec: "1x4", bytes: [0, 0, 0] }),
  ],
  ["planes of bytes", "weight-planes", put("graph.weights.kernel.planes", true)],
  ["planes that are not true", "weight-planes", put("graph.weights.bias.planes", false)],
  ["dense bytes that are not the shape", "weight-size", put("graph.weights.bias.bytes", [31])],
  ["a weight of rank 9", "layout-rank", put("graph.weights.bias.shape", Array(9).fill(1))],
  ["a weight that overflows", "layout-overflow", put("graph.weights.bias.shape", [2 ** 52])],
  ["a weight without tensor", "tensor-missing", (all) => void all.tensors.pop()],
  [
    "a tensor without weight",
    "tensor-unused",
    (all) => void all.tensors.push({ ...all.tensors[0], name: "z" }),
  ],
  ["a tensor of another dtype", "tensor-form", (all) => setTensor(all, "bias/values", { dtype: "I8" })],
  ["a tensor of rank 2", "tensor-form", (all) => setTensor(all, "kernel/scale", { shape: [8, 1] })],
  // streams
  ["a stream that is longer than what it holds", "stream-size", kernelAs(Array(129).fill(0), [128])],
  ["a stream that inflates to less", "stream-size", kernelAs([...deflated(new Uint8Array(127))], [128])],
  ["a stream that inflates to more", "stream-size", kernelAs([...deflated(new Uint8Array(129))], [128])],
  ["a stream that is none", "stream-corrupt", kernelAs([1, 2, 3, 4, 5, 6], [128])],
];

describe("readPare", () => {
  it.each(refused)("refuses %s: %s", (_, code, change) => expectRefused(changed(change), code));

  it("refuses K too large for i32", async () => {
    const graph = s8Graph(16, 1);
    const rows = 133_145;
    const file = changed(
      (all) => {
        kernelAs([...deflated(new Uint8Array(rows))], [rows])(all);
        all.graph.weights.kernel.shape = [rows, 1];
        all.graph.inputs[0].shape = [null, rows];
      },
      await encodeVersion1(graph, provenance),
    );
    await expectRefused(file, "k-too-large");
  });

  it("refuses a table that is not 128 long", async () => {
    const table = (length: number) => (all: Parts) => {
      all.tensors.push({ name: "table/values", dtype: "U8", shape: [length], bytes: new Uint8Array(length) });
      all.graph.weights.table = { dtype: "u7", shape: [length], codec: "dense", bytes: [length] };
      Object.assign(all.graph.nodes[0], { attrs: { preScale: 1, preZero: 0 } });
      all.graph.nodes[0].weights.table = "table";
      all.graph.quant.y = [1, 0];
    };
    for (const length of [1, 127, 129, 256]) await expectRefused(changed(table(length)), "table-length");
    await readPare(await changed(table(128)));
  });

  it("keeps to the memory cap", async () => {
    const file = await smallFile();
    await expectCode(readPare(file, { memoryCap: 159 }), "memory-cap");
    await readPare(file, { memoryCap: 160 });
  });

  it("refuses a file that is cut anywhere, and one with a byte more", async () => {
    const file = await smallFile();
    const codes = new Set<string>();
    for (let length = 0; length < file.length; length++) {
      const error = await readPare(file.slice(0, length)).catch((error) => error);
      expect(error).toBeInstanceOf(FormatError);
      codes.add(error.code);
    }
    expect([...codes].sort()).toEqual([
      "container-empty",
      "container-short",
      "header-past-end",
      "layout-past-end",
    ]);
    await expectRefused(new Uint8Array([...file, 0]), "layout-trailing");
  });

  it("survives the flip of any bit", { timeout: 60_000 }, async () => {
    const file = await smallFile();
    let read = 0;
    for (let at = 0; at < file.length; at++) {
      for (const mask of at % 3 === 0 ? [1, 0x80, 0xff] : [1 << (at % 8)]) {
        const flipped = file.slice();
        flipped[at] ^= mask;
        const result = await readPare(flipped).catch((error) => error);
        if (result instanceof Error) {
          expect(result, `byte ${at} ^ ${mask}`).toBeInstanceOf(FormatError);
        } else {
          checkGraph(result.graph);
          read++;
        }
      }
    }
    // Names and numbers change to others that are as good; a test that reads none would test nothing.
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(file.length / 2);
  });

  it("refuses HTML, naming the source", async () => {
    const html = new TextEncoder().encode("<!doctype html><title>404</title>");
    await expect(readPare(html, { source: "https://x.org/a.pare" })).rejects.toThrow(
      "the server sent HTML for URL https://x.org/a.pare",
    );
  });
});

describe("encodePare", () => {
  it("writes what readPare reads", async () => {
    for (const graph of [s8Graph(), s8Graph(33, 7, 0), f32Graph(Float32Array.of(1, -0, 3.5, 0), [2, 2])]) {
      const read = await readPare(await encodePare(graph, provenance));
      expect(read.graph).toEqual(graph);
      expect(read.provenance).toEqual(provenance);
    }
  });

  it("writes the same bytes for the same input", async () => {
    const write = () => encodePare(s8Graph(), provenance);
    expect(await write()).toEqual(await write());
  });

  it("writes valid safetensors: the buffer is covered from end to end, in order", async () => {
    const file = await encodePare(s8Graph(), provenance);
    const { metadata, tensors } = parts(file);
    expect(metadata.format).toBe("pare");
    expect(metadata.version).toBe("2");
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(headerBytes % 8).toBe(0);
    expect(8 + headerBytes + tensors.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBe(file.length);
    for (const { dtype, shape, bytes } of tensors)
      expect(shape[0] * (dtype === "F32" ? 4 : 1)).toBe(bytes.length);
  });

  it("writes no file that the reader refuses", async () => {
    const renamed: Graph = { ...s8Graph(), outputs: [{ name: "__proto__", value: "y" }] };
    await expectCode(encodePare(renamed, provenance), "json-forbidden-name");
    await expectCode(encodePare(s8Graph(), { ...provenance, notes: { a: 1e300 } }), "json-number");
    await expect(encodePare(s8Graph(), { ...provenance, notes: Number.NaN })).rejects.toThrow(RangeError);
    await expect(encodePare({ ...s8Graph(), quant: new Map() }, provenance)).rejects.toThrow("u7 parameters");
  });
});

describe("describePare", () => {
  it("tells of each weight without reading it", async () => {
    const file = await encodePare(s8Graph(256, 64, 0.95), provenance);
    const { weights, provenance: read, fileBytes } = describePare(file);
    expect(read).toEqual(provenance);
    expect(fileBytes).toBe(file.length);
    const [kernel, bias] = weights;
    expect(kernel).toMatchObject({
      name: "kernel",
      dtype: "s8",
      shape: [256, 64],
      codec: "1x1",
      elements: 16384,
    });
    expect(kernel.sparsity).toBeCloseTo(0.95, 1);
    expect(kernel.keptElements).toBe(Math.round(16384 * (1 - kernel.sparsity)));
    expect(bias).toMatchObject({ name: "bias", codec: "dense", sparsity: 0 });
    // The scale and the zero point of the one u7 value are there too.
    expect(kernel.storedBytes + bias.storedBytes + 8 + 1).toBe(
      parts(file).tensors.reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  });
});
