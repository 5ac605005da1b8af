/** Ten ways by hand to divide a sparsity among layers, each with the same zeros in all. */

import type { LayersModel } from "@tensorflow/tfjs";
import type { GradualPruneOptions } from "../../src/tfjs.js";
import type { Setting } from "./pruning-nets.js";

export interface Allocation {
  readonly name: string;
  /** What `fineTune` is told; undefined where this way cannot reach the sparsity. */
  prune(model: LayersModel, setting: Setting): GradualPruneOptions | undefined;
}

interface Kernel {
  readonly name: string;
  readonly size: number;
  readonly shape: readonly number[];
  readonly isFirst: boolean;
  readonly isHead: boolean;
  readonly isDepthwise: boolean;
}

/** Part of a kernel that stays, before it is held below 1; `t` grows until all of them together are enough. */
type Density = (kernel: Kernel, t: number) => number;

const isEnd = ({ isFirst, isHead }: Kernel) => isFirst || isHead;
const isSpecial = (kernel: Kernel) => isEnd(kernel) || kernel.isDepthwise;
const leaving =
  (isLeft: (kernel: Kernel) => boolean): Density =>
  (kernel, t) =>
    isLeft(kernel) ? 1 : t;

const densities: Readonly<Record<string, Density>> = {
  "first dense": leaving(({ isFirst }) => isFirst),
  "last dense": leaving(({ isHead }) => isHead),
  "first and last dense": leaving(isEnd),
  "depthwise dense": leaving(({ isDepthwise }) => isDepthwise),
  "first, depthwise and last dense": leaving(isSpecial),
  "those at half": (kernel, t) => (isSpecial(kernel) ? 0.5 + t / 2 : t),
  // Evci, Gale, Menick, Castro and Elsen 2020, Rigging the Lottery.
  "Erdos-Renyi kernel": ({ shape, size }, t) => (t * shape.reduce((sum, dim) => sum + dim, 0)) / size,
  "root of the size": ({ size }, t) => t / Math.sqrt(size),
  "convolutions twice as dense": ({ shape }, t) => (shape.length > 2 ? 2 * t : t),
};

export const byHand: readonly Allocation[] = [
  ...Object.entries(densities).map(
    ([name, density]): Allocation => ({
      name,
      prune: (model, setting) => {
        const targets = solve(kernelsOf(model), setting.sparsity, density);
        return targets && { pattern: setting.pattern, targets };
      },
    }),
  ),
  { name: "smallest of all", prune: (_, setting) => ({ ...setting, scope: "global" }) },
];

export const byDefault: Allocation = { name: "default", prune: (_, setting) => setting };
export const uniform: Allocation = {
  name: "uniform",
  prune: (_, setting) => ({ ...setting, scope: "local" }),
};

function kernelsOf(model: LayersModel): Kernel[] {
  const kernels = model.trainableWeights.filter(({ originalName }) => originalName.endsWith("kernel"));
  return kernels.map(({ originalName: name, shape }, i) => ({
    name,
    shape: shape as number[],
    size: (shape as number[]).reduce((size, dim) => size * dim, 1),
    isFirst: i === 0,
    isHead: i === kernels.length - 1,
    isDepthwise: name.endsWith("depthwise_kernel"),
  }));
}

/** Sparsities by name, by halving; undefined where no `t` reaches the whole. */
function solve(kernels: readonly Kernel[], sparsity: number, density: Density) {
  const of = (kernel: Kernel, t: number) => Math.min(1, density(kernel, t));
  const all = kernels.reduce((sum, { size }) => sum + size, 0);
  const zeros = (t: number) => kernels.reduce((sum, each) => sum + each.size * (1 - of(each, t)), 0) / all;
  let [low, high] = [1e-6, 1e6];
  if (zeros(low) < sparsity) return undefined;
  for (let i = 0; i < 100; i++) {
    const middle = Math.sqrt(low * high);
    if (zeros(middle) < sparsity) high = middle;
    else low = middle;
  }
  return Object.fromEntries(kernels.map((kernel) => [kernel.name, 1 - of(kernel, low)]));
}
