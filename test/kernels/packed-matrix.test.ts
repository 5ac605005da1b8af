import { describe, expect, it } from "vitest";
import { createRandom } from "../../src/data/random.js";
import { packBlocks, runBlocks } from "../../src/kernels/layouts.js";
import { packMatrix } from "../../src/kernels/packed-matrix.js";
import { roundHalfEven } from "../../src/kernels/reference/runtime/requantize.js";
import { runtimeSet } from "../../src/kernels/runtime-set.js";
import { variantsHere } from "./variants.js";

const random = createRandom(7);

function matrix(
  inputs: number,
  outputs: number,
  keep: (input: number, output: number) => boolean,
): Int8Array {
  return Int8Array.from({ length: inputs * outputs }, (_, i) =>
    keep(Math.floor(i / outputs), i % outputs) ? random.below(255) - 127 : 0,
  );
}

const patterns = {
  dense: () => true,
  "4x4": (input: number, output: number) => (input >> 2) % 3 === (output >> 2) % 2,
  "1x4": (input: number, output: number) => ((input >> 2) + output) % 4 === 0,
  "4of16": (input: number) => input % 4 === 1,
} as const;

function plain(w: Int8Array, inputs: number, outputs: number, x: Uint8Array, bias: Int32Array): Int32Array {
  const rows = x.length / inputs;
  return Int32Array.from({ length: rows * outputs }, (_, i) => {
    const [row, output] = [Math.floor(i / outputs), i % outputs];
    let sum = bias[output];
    for (let k = 0; k < inputs; k++) sum += w[k * outputs + output] * x[row * inputs + k];
    return sum;
  });
}

describe.each(variantsHere(runtimeSet))("packed matrices on %s", (variant) => {
  for (const layout of ["dense", "4x4", "1x4", "4of16"] as const) {
    for (const [inputs, outputs] of [
      [1, 1],
      [5, 3],
      [16, 4],
      [37, 18],
      [64, 33],
    ]) {
      it(`${layout} ${inputs} -> ${outputs}: sums, matvec and matmul equal plain loops`, () => {
        const w = matrix(inputs, outputs, patterns[layout]);
        const bias = Int32Array.from({ length: outputs }, () => random.below(4000) - 2000);
        const mult = Float32Array.from({ length: outputs }, () => random.uniform(1e-4, 2e-3));
        const packed = packMatrix(w, {
          inputs,
          outputs,
          layout,
          bias,
          mult,
          zero: 40,
          low: 10,
          high: 120,
          variant,
        });
        expect(packed.variant).toBe(variant);
        for (const rows of [0, 1, 3, 4, 8, 9, 33]) {
          const x = Uint8Array.from({ length: rows * inputs }, () => random.below(128));
          const sums = plain(w, inputs, outputs, x, bias);
          const codes = sums.map((sum, i) => {
            const real = Math.fround(Math.fround(sum) * mult[i % outputs]);
            return Math.min(Math.max(roundHalfEven(real) + 40, 10), 120);
          });
          expect([...packed.matmul(x, rows)]).toEqual([...codes]);
          if (rows !== 1) continue;
          expect([...packed.matvec(x)]).toEqual([...codes]);
          expect([...packed.sums(x)]).toEqual([...sums]);
        }
        packed.dispose();
        expect(() => packed.matvec(new Uint8Array(inputs))).toThrow("disposed");
      });
    }
  }
});

describe("packMatrix", () => {
  it("saturates sums that are further from the codes than the kernels' epilogues reach", () => {
    const [inputs, outputs] = [16, 5];
    const w = Int8Array.from({ length: inputs * outputs }, (_, i) => (i % outputs) * 60 - 120);
    for (const variant of variantsHere(runtimeSet)) {
      for (const mult of [1, 100, 1e6, 1e30]) {
        using packed = packMatrix(w, { inputs, outputs, mult, zero: 9, low: 2, high: 100, variant });
        const x = new Uint8Array(8 * inputs).fill(127);
        expect([...packed.matvec(x.subarray(0, inputs))]).toEqual([2, 2, 9, 100, 100]);
        expect([...packed.matmul(x, 8).subarray(-outputs)]).toEqual([2, 2, 9, 100, 100]);
      }
    }
  });

  it("looks a code up in the table after its bounds", () => {
    const [inputs, outputs] = [4, 4];
    const w = Int8Array.from({ length: inputs * outputs }, (_, i) => [-100, 1, 2, 100][i % outputs]);
    const table = Uint8Array.from({ length: 128 }, (_, code) => 127 - code);
    for (const variant of variantsHere(runtimeSet)) {
      const options = { inputs, outputs, mult: 1, zero: 9, low: 2, high: 100, table, variant };
      using packed = packMatrix(w, options);
      expect([...packed.matvec(new Uint8Array(inputs).fill(10))]).toEqual([125, 78, 38, 27]);
      expect([...packed.matmul(new Uint8Array(8 * inputs), 8)]).toEqual(new Array(32).fill(118));
    }
  });

  it("keeps the weights it was given, also for a matmul after the array has changed", () => {
    const w = matrix(8, 8, () => true);
    const x = Uint8Array.from({ length: 64 }, () => random.below(128));
    const wanted = packMatrix(w, { inputs: 8, outputs: 8, mult: 1e-3 }).matmul(x, 8);
    const packed = packMatrix(w, { inputs: 8, outputs: 8, mult: 1e-3 });
    w.fill(0);
    expect(packed.matmul(x, 8)).toEqual(wanted);
  });

  it("refuses what cannot be right, with what was wanted and got", () => {
    const w = new Int8Array(16);
    const pack =
      (options: object, weights: Int8Array = w) =>
      () =>
        packMatrix(weights, { inputs: 4, outputs: 4, ...options });
    expect(pack({}, [] as unknown as Int8Array)).toThrow(TypeError);
    expect(pack({ inputs: 5 })).toThrow("w: wanted 5 x 4 = 20 weights, got 16");
    expect(pack({ inputs: 133_145 })).toThrow("133144");
    expect(pack({ bias: new Int32Array(3) })).toThrow("bias: wanted 4 numbers, got 3");
    expect(pack({ mult: new Float32Array(3) })).toThrow("mult: wanted 4 numbers, got 3");
    expect(pack({ mult: Number.NaN })).toThrow("finite");
    expect(pack({ zero: 128 })).toThrow("[0, 127]");
    expect(pack({ low: 5, high: 4 })).toThrow("low");
    expect(pack({ table: new Uint8Array(127) })).toThrow("128");
    expect(pack({ variant: "fast" })).toThrow("variant");
    expect(pack({}, new Int8Array(16).fill(-128))).toThrow("-128 at 0");
    expect(pack({ inputs: 16, outputs: 1, layout: "4of16" }, new Int8Array(16).fill(1))).toThrow("4of16");
  });

  it("refuses codes of the wrong length", () => {
    const packed = packMatrix(new Int8Array(16), { inputs: 4, outputs: 4 });
    expect(() => packed.matvec(new Uint8Array(5))).toThrow("x: wanted 4 codes, got 5");
    expect(() => packed.matmul(new Uint8Array(8), 2, new Uint8Array(7))).toThrow(
      "out: wanted 8 codes, got 7",
    );
    expect(() => packed.matmul(new Uint8Array(8), 1.5)).toThrow("rows");
  });
});

/** Of each row the blocks that are added in i16: pairs and single ones, or longer runs. */
function runsOf({ starts, pairs, runs }: ReturnType<typeof runBlocks>): [number, number][][] {
  let next = 0;
  return Array.from(pairs, (paired, row) => {
    const [start, end] = [starts[row], starts[row + 1]];
    const found: [number, number][] = [];
    for (let at = start; at < end; ) {
      const to = paired < 0 ? runs[next++] : at < paired ? at + 2 : at + 1;
      found.push([at, to]);
      at = to;
    }
    return found;
  });
}

describe("runs of blocks", () => {
  it("keep every block once and never overflow i16", () => {
    for (const range of [10, 30, 90, 127]) {
      const w = Int8Array.from({ length: 64 * 12 }, () => random.below(2 * range + 1) - range);
      for (const [rows, most] of [
        [1, 2],
        [4, 2],
        [4, Number.POSITIVE_INFINITY],
      ] as const) {
        const blocks = packBlocks(w, 64, 12, rows);
        const inRuns = runBlocks(blocks, rows, most);
        const size = rows * 4;
        const found = runsOf(inRuns);
        expect(inRuns.runs.length).toBe(found.filter((_, row) => inRuns.pairs[row] < 0).flat().length);
        found.forEach((runs, row) => {
          const [start, end] = [blocks.starts[row], blocks.starts[row + 1]];
          const seen = (from: { values: Int8Array; cols: Uint16Array }) =>
            Array.from({ length: end - start }, (_, i) => {
              const at = start + i;
              return `${from.cols[at]}:${from.values.subarray(at * size, (at + 1) * size)}`;
            }).sort();
          expect(seen(inRuns)).toEqual(seen(blocks));
          expect(runs.at(-1)?.[1]).toBe(end);
          if (most === 2) expect(inRuns.pairs[row]).toBeGreaterThanOrEqual(start);
          for (const [from, to] of runs) {
            for (let i = 0; i < size; i += 2) {
              const met: number[] = [];
              for (let block = from; block < to; block++) {
                met.push(...inRuns.values.subarray(block * size + i, block * size + i + 2));
              }
              const sumOf = (inputOf: (weight: number) => number): number =>
                met.reduce((sum, weight) => sum + weight * inputOf(weight), 0);
              expect(sumOf((weight) => (weight > 0 ? 127 : 0))).toBeLessThan(2 ** 15);
              expect(sumOf((weight) => (weight < 0 ? 127 : 0))).toBeGreaterThanOrEqual(-(2 ** 15));
            }
          }
          // Small weights all find a partner but one; smaller ones, many.
          if (range === 30 && most === 2) expect(inRuns.pairs[row]).toBe(end - ((end - start) % 2));
          if (range === 10 && most > 2) expect(runs[0][1] - runs[0][0]).toBeGreaterThan(8);
        });
      }
    }
  });
});
