import { expect, test } from "vitest";
import { encodeOnnx } from "../../../bench/onnx/model.js";

const ascii = (text: string) => Buffer.from(text).toString("hex");

test("a model of one op is these bytes", () => {
  const bytes = encodeOnnx({
    nodes: [
      {
        op: "Op",
        domain: "com.microsoft",
        inputs: ["x", ""],
        output: "y",
        attributes: { i: 7, n: [1, 2], f: { float: 1 } },
      },
    ],
    constants: new Map([["c", { shape: [2], data: Int8Array.of(-1, 2) }]]),
    inputs: [{ name: "x", shape: [1, 3] }],
    outputs: [{ name: "y", shape: [3] }],
  });
  const domain = `0d${ascii("com.microsoft")}`;
  const node = [
    ...["0a0178", "0a00", "120179", "1a0179", `2202${ascii("Op")}`],
    // name 1, value 3 | 8 | 2, type 20
    ...["2a08", "0a0169", "1807", "a00102"],
    ...["2a0a", "0a016e", "4001", "4002", "a00107"],
    ...["2a0b", "0a0166", "150000803f", "a00101"],
    `3a${domain}`,
  ].join("");
  const graph = [
    `0a${size(node)}${node}`,
    `1205${ascii("graph")}`,
    // dims 1, data_type 2 = INT8, name 8, raw_data 9
    ...["2a0b", "0802", "1003", "420163", "4a02ff02"],
    // name 1, type 2 of tensor_type 1 of elem_type 1 = FLOAT and shape 2 of dim 1
    ...["5a13", "0a0178", "120e", "0a0c", "0801", "1208", "0a020801", "0a020803"],
    ...["620f", "0a0179", "120a", "0a08", "0801", "1204", "0a020803"],
  ].join("");
  const model = [
    "0808",
    `120a${ascii("pare bench")}`,
    `3a${size(graph)}${graph}`,
    "42040a001011",
    `4211 0a${domain}1001`.replace(" ", ""),
  ];
  expect(Buffer.from(bytes).toString("hex")).toBe(model.join(""));
});

test("each kind of array is its dtype", () => {
  const dtypeOf = (data: Float32Array | Uint8Array | Int32Array | BigInt64Array) => {
    const model = encodeOnnx({
      nodes: [],
      constants: new Map([["c", { shape: [], data }]]),
      inputs: [],
      outputs: [],
    });
    return Buffer.from(model)
      .toString("hex")
      .match(/10(0[1-7])420163/)?.[1];
  };
  expect(dtypeOf(Float32Array.of(1))).toBe("01");
  expect(dtypeOf(Uint8Array.of(1))).toBe("02");
  expect(dtypeOf(Int32Array.of(1))).toBe("06");
  expect(dtypeOf(BigInt64Array.of(1n))).toBe("07");
});

/** Of bytes that are fewer than 16,384, as hex. */
function size(hex: string): string {
  const bytes = hex.length / 2;
  const parts = bytes < 128 ? [bytes] : [(bytes & 127) | 128, bytes >> 7];
  return Buffer.from(parts).toString("hex");
}
