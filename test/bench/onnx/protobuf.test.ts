import { expect, test } from "vitest";
import { delimited, float, integer, message, text, varint } from "../../../bench/onnx/protobuf.js";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("varints: seven bits a byte, the lowest first", () => {
  expect(hex(varint(0))).toBe("00");
  expect(hex(varint(1))).toBe("01");
  expect(hex(varint(127))).toBe("7f");
  expect(hex(varint(128))).toBe("8001");
  // The example of protobuf.dev.
  expect(hex(varint(150))).toBe("9601");
  expect(hex(varint(2 ** 32))).toBe("8080808010");
  expect(hex(varint(Number.MAX_SAFE_INTEGER))).toBe("ffffffffffffff0f");
});

test("a negative integer takes ten bytes, as two's complement of 64 bits", () => {
  expect(hex(varint(-1))).toBe("ffffffffffffffffff01");
  expect(hex(varint(-2))).toBe("feffffffffffffffff01");
});

test("what is no safe integer is refused", () => {
  for (const value of [0.5, Number.NaN, 2 ** 53]) {
    expect(() => varint(value)).toThrow(new RangeError(`varint: wanted a safe integer, got ${value}`));
  }
});

test("fields: number and kind, then the value; a long one has its length first", () => {
  // Test1, Test2 and Test3 of protobuf.dev.
  expect(hex(integer(1, 150))).toBe("089601");
  expect(hex(text(2, "testing"))).toBe("120774657374696e67");
  expect(hex(message(3, [integer(1, 150)]))).toBe("1a03089601");
  expect(hex(float(2, 1))).toBe("150000803f");
  // Field 16 is the first whose tag has two bytes, 128 bytes the first whose length has.
  expect(hex(integer(16, 1))).toBe("800101");
  expect(hex(delimited(9, new Uint8Array(128)))).toBe(`4a8001${"00".repeat(128)}`);
  expect(hex(text(1, "é"))).toBe("0a02c3a9");
  expect(hex(message(7, []))).toBe("3a00");
});
