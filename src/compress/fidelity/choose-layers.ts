/** Which layers to give f32, so that what is left of the error meets a goal at the least cost. */

import type { LayerErrors } from "./layer-errors.js";

export interface ChoiceProblem {
  readonly layers: readonly LayerErrors[];
  /** Layers that are f32 already. */
  readonly chosen: ReadonlySet<string>;
  /** Squared error of each output as it was measured with `chosen`, by its name, in any unit. */
  readonly measured: ReadonlyMap<string, number>;
  /** Squared error that each output may have, in the same. */
  readonly allowed: number;
  /** What a layer costs in f32, by its name: a part of the whole. */
  costOf(name: string): number;
}

/**
 * Adds layers to those chosen, those first that lower the errors most for what they cost.
 *
 * Errors of layers are taken to add up in their squares; what was measured together says by what factor they do.
 *
 * @returns all that are chosen now: one more than before at least, where there is one
 */
export function chooseLayers(problem: ChoiceProblem): ReadonlySet<string> {
  const { layers, measured, allowed, costOf } = problem;
  const chosen = new Set(problem.chosen);
  const left = new Map([...measured].filter(([, error]) => error > allowed));
  const factors = new Map(
    [...left].map(([output, error]) => {
      const foretold = layers.reduce(
        (sum, layer) => sum + (chosen.has(layer.name) ? 0 : errorAt(layer, output)),
        0,
      );
      return [output, foretold > 0 ? error / foretold : 0];
    }),
  );
  const open = () => [...left].filter(([, error]) => error > allowed);
  const gainOf = (layer: LayerErrors) =>
    open().reduce(
      (sum, [output, error]) => sum + ((factors.get(output) as number) * errorAt(layer, output)) / error,
      0,
    ) / costOf(layer.name);
  for (let first = true; first || open().length > 0; first = false) {
    const others = layers.filter(({ name }) => !chosen.has(name));
    if (others.length === 0) break;
    const best = others.reduce((a, b) => (gainOf(b) > gainOf(a) ? b : a));
    chosen.add(best.name);
    for (const [output, error] of left) {
      left.set(output, error - (factors.get(output) as number) * errorAt(best, output));
    }
  }
  return chosen;
}

const errorAt = ({ errors }: LayerErrors, output: string): number => errors.get(output) ?? 0;
