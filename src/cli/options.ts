/** Options that several commands have, and the parsers of their values. */

import { type Command, InvalidArgumentError } from "commander";

/** A parser of finite numbers in [low, high]. */
export function numberIn(low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY) {
  return (text: string): number => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || value < low || value > high) {
      throw new InvalidArgumentError(`wanted a number${range(low, high)}.`);
    }
    return value;
  };
}

/** A parser of --fidelity. */
export function fidelityOf(text: string): number | "off" {
  return text === "off" ? text : numberIn(0.5, 0.9999)(text);
}

/** A parser of integers in [low, high]. */
export function integerIn(low: number, high = Number.MAX_SAFE_INTEGER) {
  return (text: string): number => {
    const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < low || value > high) {
      throw new InvalidArgumentError(`wanted an integer${range(low, high)}.`);
    }
    return value;
  };
}

function range(low: number, high: number): string {
  if (low === Number.NEGATIVE_INFINITY) return "";
  return high === Number.POSITIVE_INFINITY || high === Number.MAX_SAFE_INTEGER
    ? ` of at least ${low}`
    : ` from ${low} to ${high}`;
}

/** A parser of 0 <= P < 1: a model of zeros alone is none. */
export function sparsityOf(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!(value >= 0 && value < 1)) throw new InvalidArgumentError("wanted a part of 1, such as 0.9 for 90 %.");
  return value;
}

export type Pattern = "unstructured" | "1x4" | "4x4" | `${number}:${number}`;

export function patternOf(text: string): Pattern {
  const ratio = /^([1-9]\d?):([1-9]\d?)$/.exec(text);
  const isRatio = ratio !== null && Number(ratio[1]) < Number(ratio[2]);
  if (!isRatio && text !== "unstructured" && text !== "1x4" && text !== "4x4") {
    throw new InvalidArgumentError("wanted unstructured, 1x4, 4x4 or N:M with N < M, such as 4:16.");
  }
  return text as Pattern;
}

/** For options that may be given again: each value is added to those before. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

export interface Scaling {
  /** Default 1. */
  readonly scale?: number;
  /** Default 0. */
  readonly offset?: number;
}

/** --json, which every command has. */
export function withJson(command: Command): Command {
  return command.option("--json", "print data as JSON on stdout", false);
}

/** A parser of the factor of all data: with 0 every sample would be the same. */
function scaleOf(text: string): number {
  const scale = numberIn()(text);
  if (scale === 0)
    throw new InvalidArgumentError("wanted a number that is not 0: it would make all samples alike.");
  return scale;
}

/** --scale and --offset: x * S + O brings stored numbers, such as bytes, to those the model was trained on. */
export function withScaling(command: Command): Command {
  return command
    .option(
      "--scale <S>",
      "multiply every number of DATA by S, such as 0.00392157 for bytes to 0..1 (default: 1)",
      scaleOf,
    )
    .option("--offset <O>", "then add O (default: 0)", numberIn());
}

export function withRemote(command: Command): Command {
  return command.option("--allow-remote", "allow models from http(s) URLs", false);
}

/** Shapes of samples by the name of their input. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

function shapesOf(text: string, before: InputShapes | undefined): InputShapes {
  const parts = /^(.+)=(\d+(?:,\d+)*)$/.exec(text);
  if (!parts) throw new InvalidArgumentError("wanted NAME=SIZES, such as image=224,224,3.");
  return { ...before, [parts[1]]: parts[2].split(",").map(Number) };
}

/** --input-shape, for models whose inputs leave sizes open. */
export function withShapes(command: Command): Command {
  return command.option(
    "--input-shape <NAME=SIZES>",
    "sizes of an input that the model leaves open, without the batch: image=224,224,3",
    shapesOf,
  );
}
