import { describe, expect, onTestFinished, test, vi } from "vitest";
import { compareOutputs } from "../../src/cli/agreement.js";
import { formatBytes, formatMs, formatPercent, formatSeconds, formatTable } from "../../src/cli/format.js";
import { warnOfReference } from "../../src/cli/host.js";
import { startProgress, withProgress } from "../../src/cli/progress.js";
import { argmax, dropOf, measureQuality } from "../../src/cli/quality.js";
import { median, speedup, timeInTurns } from "../../src/cli/timing.js";

describe("measureQuality", () => {
  const labels = (data: number[], shape = [data.length]) => ({
    shape,
    data: Float64Array.from(data),
    dtype: "float64" as const,
  });

  test("a single probability is a class at one half", () => {
    const quality = measureQuality(Float32Array.of(0.2, 0.5, 0.9), [1], labels([0, 1, 0]));
    expect(quality).toEqual({ task: "classification", samples: 3, accuracy: 2 / 3 });
  });

  test("numbers beyond [0, 1] are a regression, though all labels are 0 or 1", () => {
    expect(measureQuality(Float32Array.of(0, 1.5), [1], labels([0, 1])).task).toBe("regression");
  });

  test("a row of NaN is no class", () => {
    expect(argmax(Float32Array.of(Number.NaN, Number.NaN), 0, 2)).toBe(-1);
    const quality = measureQuality(Float32Array.of(Number.NaN, Number.NaN), [2], labels([0]));
    expect(quality).toMatchObject({ accuracy: 0 });
  });

  test("rows that are not one-hot are numbers", () => {
    const values = Float32Array.of(1, 0, 0, 1);
    expect(measureQuality(values, [2], labels([1, 0, 0, 1], [2, 2])).task).toBe("classification");
    expect(measureQuality(values, [2], labels([1, 1, 0, 1], [2, 2])).task).toBe("regression");
    expect(measureQuality(values, [2], labels([1, 0, 0, 0], [2, 2])).task).toBe("regression");
  });

  test("drops: points of accuracy, percent of RMS error", () => {
    const classes = (accuracy: number) => ({ task: "classification" as const, samples: 9, accuracy });
    const numbers = (rms: number) => ({
      task: "regression" as const,
      samples: 9,
      rms,
      mae: 0,
      relativeRms: 0,
    });
    expect(dropOf(classes(0.9), classes(0.875))).toBeCloseTo(2.5, 12);
    expect(dropOf(numbers(2), numbers(2.5))).toBeCloseTo(25, 12);
    expect(dropOf(numbers(0), numbers(0))).toBe(0);
    expect(dropOf(numbers(0), numbers(1))).toBe(Number.POSITIVE_INFINITY);
    expect(() => dropOf(classes(1), numbers(1))).toThrow(RangeError);
  });
});

test("compareOutputs: relative RMS, the largest difference, the same class", () => {
  const wanted = Float32Array.of(3, 0, 0, 4);
  expect(compareOutputs(wanted, wanted, [2])).toEqual({ relativeRms: 0, largest: 0, sameClass: 1 });
  const got = Float32Array.of(0, 3, 0, 4);
  const { relativeRms, largest, sameClass } = compareOutputs(got, wanted, [2]);
  expect(relativeRms).toBeCloseTo(Math.sqrt(18) / 5, 12);
  expect([largest, sameClass]).toEqual([3, 0.5]);
  expect(compareOutputs(got, wanted, [1]).sameClass).toBeNull();
});

describe("timing", () => {
  test("sides take turns, and the ratio is the median over rounds", async () => {
    const spin = (ms: number) => () => {
      const end = performance.now() + ms;
      while (performance.now() < end);
    };
    const signal = new AbortController().signal;
    const { fast, slow } = await timeInTurns({ fast: spin(0.5), slow: spin(2) }, { rounds: 9, signal });
    expect(fast.rounds).toHaveLength(9);
    expect(fast.medianMs).toBeGreaterThanOrEqual(0.5);
    expect(slow.p95Ms).toBeGreaterThanOrEqual(slow.medianMs);
    expect(speedup(fast, slow)).toBeGreaterThan(2);
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
  });

  test("an abort ends it", async () => {
    const reason = new Error("enough");
    const timing = timeInTurns({ one() {} }, { rounds: 5, signal: AbortSignal.abort(reason) });
    await expect(timing).rejects.toBe(reason);
  });
});

test("format", () => {
  expect([999, 1_066_440, 29_165].map(formatBytes)).toEqual(["999 B", "1.07 MB", "29.2 KB"]);
  expect([formatMs(0.0123), formatMs(1.234)]).toEqual(["12.3 us", "1.23 ms"]);
  expect([formatPercent(0.98265), formatSeconds(65.2)]).toEqual(["98.27 %", "1 min 5 s"]);
  expect(formatTable(["a", "bb"], [["long", "1"]])).toBe("a     bb\n----  --\nlong   1\n");
});

describe("stderr", () => {
  const hostWith = (isTTY: boolean, env = {}) => {
    let written = "";
    const write = (text: string) => (written += text);
    const signal = new AbortController().signal;
    const host = { stdout: { write }, stderr: { write, isTTY }, env, signal, version: "" };
    return { host, text: () => written };
  };

  test("progress shows how far and how long on a terminal, and wipes its line", () => {
    const { host, text } = hostWith(true, { NO_COLOR: "1" });
    const progress = startProgress(host, "working");
    progress.update(0.5, "half");
    expect(text()).toMatch(/working █{12}░{12} {2}50 % {2}0 s left {2}half$/);
    progress.end();
    expect(text().endsWith("\r\x1b[2K")).toBe(true);
  });

  test("a warning names the reference, and no other variant", () => {
    const { host, text } = hostWith(false);
    for (const variant of ["relaxed", "simd"]) warnOfReference(host, variant);
    expect(text()).toBe("");
    warnOfReference(host, "reference");
    expect(text()).toMatch(/^warning: .*plain JavaScript/);
  });

  test("progress is a line every half minute elsewhere, with the time left, and silent before", () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { host, text } = hostWith(false);
    const progress = startProgress(host, "working");
    vi.advanceTimersByTime(29_000);
    progress.update(0.25, "epoch 1");
    expect(text()).toBe("");
    vi.advanceTimersByTime(11_000);
    expect(text()).toBe("working: 25 %, 1 min 27 s left, epoch 1\n");
    // A step that kept the event loop: its own word comes before any timer's.
    progress.update(0.5, "epoch 2", 7);
    expect(text().split("\n")).toHaveLength(2);
    vi.advanceTimersByTime(20_000);
    expect(text()).toContain("\nworking: 50 %, 7 s left, epoch 2\n");
    progress.end();
    vi.advanceTimersByTime(90_000);
    expect(text().split("\n")).toHaveLength(3);
  });

  test("a stage that says nothing of itself says how long it has been at it", async () => {
    vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] });
    onTestFinished(() => void vi.useRealTimers());
    const { host, text } = hostWith(false);
    await withProgress(host, "reading", async () => void vi.advanceTimersByTime(61_000));
    expect(text()).toBe("reading: 30 s so far\nreading: 1 min 0 s so far\n");
    vi.advanceTimersByTime(61_000);
    expect(text().split("\n")).toHaveLength(3);
  });
});
