import { describe, expect, test } from "vitest";
import { runSizeCase, runTimeCase, type TimeCase } from "../../bench/contest.js";
import { exitCodeOf, formatRow } from "../../bench/report.js";
import { type Effort, timeAwaitedRounds, timeRounds } from "../../bench/timing.js";

const effort: Effort = {
  warmUpSeconds: 0.01,
  sampleSeconds: 0.001,
  rounds: 11,
  budgetSeconds: 5,
  fewestRounds: 3,
};

interface Calls {
  subject: number;
  peer: number;
  disposed: number;
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function caseOf(matched: boolean, calls: Calls): TimeCase {
  const run = (who: "subject" | "peer", ms: number) => () => {
    calls[who] += 1;
    spin(ms);
  };
  return {
    suite: "kernels",
    name: "matvec 1x8x8 s0",
    subject: "pare",
    peer: "tfjs-wasm f32",
    prepare: () => ({
      match: { matched, detail: matched ? "equal" : "element 3: wanted 1, got 2" },
      subject: { name: "pare", run: run("subject", 0.1) },
      peer: { name: "tfjs-wasm f32", run: run("peer", 0.4) },
      dispose: () => {
        calls.disposed += 1;
      },
    }),
  };
}

const noCalls = (): Calls => ({ subject: 0, peer: 0, disposed: 0 });

describe("a row", () => {
  test("has the keys of the contract, and times", async () => {
    const calls = noCalls();
    const row = await runTimeCase(caseOf(true, calls), effort);
    expect(Object.keys(row)).toEqual(
      expect.arrayContaining([
        "suite",
        "case",
        "matched",
        "subject",
        "subjectMs",
        "subjectP95Ms",
        "peer",
        "peerMs",
        "peerP95Ms",
        "ratio",
      ]),
    );
    expect(row).toMatchObject({ suite: "kernels", case: "matvec 1x8x8 s0", matched: true, subject: "pare" });
    expect(row.peer).toBe("tfjs-wasm f32");
    expect(row.subjectMs).toBeGreaterThanOrEqual(0.1);
    expect(row.peerMs).toBeGreaterThanOrEqual(0.4);
    expect(row.peerP95Ms).toBeGreaterThanOrEqual(row.peerMs as number);
    // 4 on a quiet machine; on a busy one anything.
    expect(row.ratio).toBeGreaterThan(0);
    expect(calls.disposed).toBe(1);
    expect(exitCodeOf([row])).toBe(0);
    expect(JSON.parse(JSON.stringify(row))).toEqual(row);
  });

  test("that does not match is not timed, is printed as failed and fails the run", async () => {
    const calls = noCalls();
    const row = await runTimeCase(caseOf(false, calls), effort);
    expect(calls).toEqual({ subject: 0, peer: 0, disposed: 1 });
    expect(row).toMatchObject({ matched: false, subjectMs: null, peerMs: null, ratio: null });
    expect(formatRow(row)).toContain("FAILED: element 3: wanted 1, got 2");
    const good = await runTimeCase(caseOf(true, noCalls()), effort);
    expect(exitCodeOf([good, row, good])).toBe(1);
  });

  test("whose case throws is a failure that says why", async () => {
    const broken: TimeCase = {
      ...caseOf(true, noCalls()),
      prepare: () => {
        throw new RangeError("pack: wanted 64 weights, got 63");
      },
    };
    const row = await runTimeCase(broken, effort);
    expect(row.matched).toBe(false);
    expect(row.detail).toBe("RangeError: pack: wanted 64 weights, got 63");
    expect(exitCodeOf([row])).toBe(1);
  });

  test("whose side throws while it is timed is a failure too", async () => {
    let calls = 0;
    const entry: TimeCase = {
      ...caseOf(true, noCalls()),
      prepare: () => ({
        match: { matched: true, detail: "equal" },
        subject: {
          name: "pare",
          run: () => {
            calls += 1;
            if (calls > 3) throw new Error("out of memory");
          },
        },
        peer: { name: "peer", run: () => spin(0.1) },
        dispose() {},
      }),
    };
    const row = await runTimeCase(entry, effort);
    expect(row).toMatchObject({ matched: false, ratio: null, detail: "Error: out of memory" });
  });

  test("of sides that are awaited: the whole of a promise counts, and a rejection is a failure", async () => {
    const calls = noCalls();
    const prepared = await caseOf(true, calls).prepare();
    const slow = () => new Promise((resolve) => setTimeout(resolve, 3));
    const entry = (run: () => Promise<unknown>): TimeCase => ({
      ...caseOf(true, calls),
      prepare: () => ({ ...prepared, peer: { name: "peer", run }, isAwaited: true }),
    });
    const row = await runTimeCase(entry(slow), effort);
    expect(row.matched).toBe(true);
    expect(row.subjectMs).toBeGreaterThanOrEqual(0.1);
    // A timer may be early by a part of a millisecond.
    expect(row.peerMs).toBeGreaterThanOrEqual(2);
    expect(calls.disposed).toBe(1);
    const refused = await runTimeCase(
      entry(() => Promise.reject(new Error("session released"))),
      effort,
    );
    expect(refused).toMatchObject({ matched: false, ratio: null, detail: "Error: session released" });
    expect(calls.disposed).toBe(2);
  });

  test("of sizes: bytes, and a limit that is passed fails", async () => {
    const entry = (subjectBytes: number) => ({
      suite: "size" as const,
      name: "pare/runtime gzip",
      subject: "pare",
      peer: "tfjs-wasm layers",
      measure: async () => ({
        match: { matched: subjectBytes <= 40_000, detail: "at most 40000" },
        subjectBytes,
        peerBytes: 60_000,
      }),
    });
    const row = await runSizeCase(entry(30_000));
    expect(row).toMatchObject({
      suite: "size",
      matched: true,
      subjectBytes: 30_000,
      peerBytes: 60_000,
      ratio: 2,
    });
    expect(exitCodeOf([row, await runSizeCase(entry(40_001))])).toBe(1);
  });
});

test.each([
  { how: "in one go", time: async (...sides: Parameters<typeof timeRounds>) => timeRounds(...sides) },
  { how: "awaited", time: timeAwaitedRounds },
])("both sides take turns, and at going first too: $how", async ({ time }) => {
  const order: string[] = [];
  const side = (name: string) => ({
    name,
    run: () => {
      if (order.at(-1) !== name) order.push(name);
      spin(0.2);
    },
  });
  const rounds = await time(side("subject"), side("peer"), effort);
  expect(rounds).toHaveLength(effort.rounds);
  // Warm-up of each, then s p | p s | s p ...: neighbours that are the same fall together.
  const turns = Array.from({ length: effort.rounds }, (_, i) =>
    i % 2 ? ["peer", "subject"] : ["subject", "peer"],
  );
  const wanted = ["subject", "peer", ...turns.flat()].filter((name, i, all) => name !== all[i - 1]);
  expect(order).toEqual(wanted);
  for (const { subjectMs, peerMs } of rounds) {
    expect(subjectMs).toBeGreaterThanOrEqual(0.2);
    expect(peerMs).toBeGreaterThanOrEqual(0.2);
  }
});

test("slow sides get fewer rounds, but never less than ten", () => {
  const side = { name: "slow", run: () => spin(2) };
  const rounds = timeRounds(side, side, { ...effort, rounds: 1000, budgetSeconds: 0.001, fewestRounds: 10 });
  expect(rounds).toHaveLength(10);
});
