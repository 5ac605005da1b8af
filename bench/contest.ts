/** A case of the bench: makes both sides, says whether they match, and only then are they timed. */

import type { Match } from "./match.js";
import type { SizeRow, TimeRow } from "./report.js";
import { summarize } from "./statistics.js";
import { type Effort, type Side, timeAwaitedRounds, timeRounds } from "./timing.js";

export interface Contest {
  readonly match: Match;
  readonly subject: Side;
  readonly peer: Side;
  /** A side answers with a promise: calls of both are awaited. */
  readonly isAwaited?: true;
  /** Gives back what both sides hold. */
  dispose(): void | Promise<void>;
}

export interface TimeCase {
  readonly suite: TimeRow["suite"];
  /** As the contract of the bench writes it: `<op> <shape> s<percent zeros> <pattern>`. */
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  /** In place of what was asked for, where the peer is that slow. */
  readonly effort?: Effort;
  /** Why the case cannot be tried here, such as a folder that is absent; absent where it can. */
  readonly missing?: string;
  prepare(): Contest | Promise<Contest>;
}

export interface SizeCase {
  readonly suite: "size";
  readonly name: string;
  readonly subject: string;
  readonly peer: string;
  measure(): Promise<{ readonly match: Match; readonly subjectBytes: number; readonly peerBytes: number }>;
}

/** Runs a case. One that throws, or does not match, is a row that failed: no numbers, and the next runs. */
export async function runTimeCase(entry: TimeCase, effort: Effort): Promise<TimeRow> {
  const { suite, name, subject, peer } = entry;
  const untimed = { subjectMs: null, subjectP95Ms: null, peerMs: null, peerP95Ms: null, ratio: null };
  let contest: Contest | undefined;
  try {
    contest = await entry.prepare();
    const { matched, detail } = contest.match;
    const timed = contest.isAwaited ? timeAwaitedRounds : timeRounds;
    const times = matched
      ? summarize(await timed(contest.subject, contest.peer, entry.effort ?? effort))
      : untimed;
    return { suite, case: name, matched, subject, peer, ...times, detail };
  } catch (error) {
    return { suite, case: name, matched: false, subject, peer, ...untimed, detail: messageOf(error) };
  } finally {
    await contest?.dispose();
  }
}

export async function runSizeCase(entry: SizeCase): Promise<SizeRow> {
  const { suite, name, subject, peer } = entry;
  try {
    const { match, subjectBytes, peerBytes } = await entry.measure();
    const ratio = peerBytes / subjectBytes;
    return { suite, case: name, ...match, subject, subjectBytes, peer, peerBytes, ratio };
  } catch (error) {
    const none = { subjectBytes: null, peerBytes: null, ratio: null };
    return { suite, case: name, matched: false, subject, peer, ...none, detail: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
