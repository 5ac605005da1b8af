import { describe, expect, test } from "vitest";
import { collectStatistics, planQuantization, readSamples } from "../../src/compress/index.js";
import { buildQuantized, chooseByValue, hasTable, shareAllParams } from "../../src/compress/quantize.js";
import { walkQuantized } from "../../src/compress/quantized-walk.js";
import { splitActivations } from "../../src/compress/split.js";
import type { Graph } from "../../src/graph/index.js";
import { createModel } from "../../src/runtime/index.js";
import { deepNet, pictures } from "./deep-nets.js";

const open = (graph: Graph, keep: readonly string[]) => createModel(graph, { keep });

/** What a plan of a net needs: its u7 parameters from samples. */
async function planned(graph: Graph, realSums: boolean) {
  const samples = readSamples(graph, pictures(6, 3));
  const plan = planQuantization(graph, new Set(["p1"]), { realSums });
  const { graph: split, before } = splitActivations(plan.graph, plan.layers);
  const products = plan.layers
    .filter(({ node }) => hasTable(plan, node))
    .map(({ node }) => before.get(node.name));
  const values = [...new Set([...plan.sources.values()].flat().concat(products as string[]))];
  const originals = [...new Set(values.map((value) => plan.copies.get(value) ?? value))];
  const found = await collectStatistics(split, originals, samples, { open });
  const statistics = new Map(
    values.map((value) => [value, found.get(plan.copies.get(value) ?? value)] as const),
  );
  const known = statistics as Parameters<typeof chooseByValue>[1];
  const params = shareAllParams(plan, chooseByValue(plan, known, { method: "min-max" }), known, before);
  return { samples, plan, params };
}

describe("a walk through a net in f32 and int8 at once", () => {
  test.each([false, true])("sees what the runtime computes; sums in f32: %s", async (realSums) => {
    const { samples, plan, params } = await planned(deepNet({ blocks: 3 }), realSums);
    const quantized = buildQuantized(plan, params);
    const names = plan.layers.map(({ node }) => node.name);
    using model = createModel(quantized, { keep: names });
    model.run(samples.inputs);
    const seen: string[] = [];
    await walkQuantized(plan, params, samples, { open }, (step) => {
      const { name } = step.layer.node;
      const made = step.finish(step.got);
      const wanted = model.value(name);
      const scale = params.values.get(name)?.scale;
      // f32 sums of products round otherwise than i32 ones: a code may be the next one, seldom.
      let off = 0;
      made.forEach((value, i) => {
        const error = Math.abs(value - wanted[i]);
        expect(error, `${name} ${i}`).toBeLessThan(scale === undefined ? 0.05 : 2.01 * scale);
        if (error > (scale ?? 0.05) / 2) off += 1;
      });
      expect(off / made.length, name).toBeLessThan(0.02);
      seen.push(name);
      return made;
    });
    expect(seen).toEqual(names);
    expect(names).not.toContain("p1");
  });

  test("what a layer in f32 reads is rounded for others alone", async () => {
    const { plan } = await planned(deepNet({ blocks: 3 }), true);
    // p1 reads the depthwise d1, which writes codes alone; the sum behind it is f32.
    expect(plan.asked).toEqual(new Set(["p1"]));
    for (const sum of ["s0", "s1", "s2"]) {
      const readsReal =
        !plan.roots.has(sum) || plan.sources.get(plan.roots.get(sum) as string)?.includes(sum);
      expect(readsReal, sum).toBe(true);
    }
  });
});
