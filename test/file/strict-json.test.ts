import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/file/strict-json.js";
import { expectCode } from "./fixtures.js";

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("parseJson", () => {
  it.each([
    ["json-syntax", ["", " ", "{", "[1,]", '{"a":1,}', "{a:1}", "01", "1.", ".5", "+1", "NaN", "'a'", "tru"]],
    [
      "json-syntax",
      ['"a', '"\\', '"\\x"', '"\n"', "1 2", "[1 2]", '{"a" 1}', "\ufeff{}", "nul", "-", "[", "//"],
    ],
    ["json-duplicate-key", ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{"":1,"":1}}]']],
    [
      "json-forbidden-name",
      ['{"__proto__":1}', '{"a":{"constructor":1}}', '{"prototype":1}', '{"\\u005f_proto__":1}'],
    ],
    ["json-depth", [nested(33), nested(1_000_000), '{"a":'.repeat(40)]],
    ["json-number", ["9007199254740992", "-9007199254740993", "1e999", "-1e400", "1e16"]],
  ])("refuses with %s", async (code, texts) => {
    for (const text of texts) await expectCode(() => parseJson(text, "test"), code);
  });

  it("accepts what is at the limit", () => {
    expect(parseJson(nested(32), "test")).toBeTruthy();
    expect(parseJson("9007199254740991", "test")).toBe(Number.MAX_SAFE_INTEGER);
    expect(parseJson(' \t\r\n{ "a" : [ 1 , -0.5e-3 , null , true , false ] } ', "test")).toEqual({
      a: [1, -0.5e-3, null, true, false],
    });
  });

  it("makes objects without a prototype", () => {
    expect(Object.getPrototypeOf(parseJson('{"toString":1}', "test"))).toBeNull();
  });

  it("reads a string of megabytes", () => {
    const text = '\\"'.repeat(2_000_000);
    expect(parseJson(JSON.stringify(text), "test")).toBe(text);
  });

  it("reads what JSON.stringify writes", () => {
    const safe = (value: unknown) => !/__proto__|constructor|prototype/.test(JSON.stringify(value));
    const small = (value: unknown) => !/e\+|\d{16}/.test(JSON.stringify(value));
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6 }).filter((value) => safe(value) && small(value)),
        (value) => {
          expect(JSON.stringify(parseJson(JSON.stringify(value), "test"))).toBe(JSON.stringify(value));
        },
      ),
    );
  });
});
