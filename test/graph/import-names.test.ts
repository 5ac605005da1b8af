/** Names that several layers have, and booleans as 0 and 1: what some writers make, and tfjs takes. */

import * as tf from "@tensorflow/tfjs";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { importModel, type ModelArtifacts, type WeightSpec } from "../../src/graph/index.js";
import { evaluate } from "./evaluate.js";
import { expectClose, noise } from "./helpers.js";

beforeAll(() => tf.setBackend("cpu"));

type Json = Record<string, unknown>;

const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

function artifacts(layers: readonly Json[], specs: readonly (readonly [string, number[]])[]): ModelArtifacts {
  const weightSpecs: WeightSpec[] = specs.map(([name, shape]) => ({ name, shape, dtype: "float32" }));
  const size = specs.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  return {
    format: "layers-model",
    modelTopology: { class_name: "Sequential", config: { name: "net", layers } },
    weightSpecs,
    weightData: new Uint8Array(noise(size).buffer),
  };
}

const x = noise(6, 5);

/** Some layers of 3 numbers in and out, under names of their own or of a few that they share. */
interface Link {
  readonly isDense: boolean;
  readonly units: number;
  readonly name: string;
}

function chain(links: readonly Link[], nameOf: (link: Link, i: number) => string): ModelArtifacts {
  const specs: [string, number[]][] = [];
  let inputs = 3;
  const layers = links.map((link, i): Json => {
    const name = nameOf(link, i);
    const first = i === 0 ? { batch_input_shape: [null, 3] } : {};
    if (!link.isDense) return { class_name: "Activation", config: { name, activation: "tanh", ...first } };
    specs.push([`${name}/kernel`, [inputs, link.units]], [`${name}/bias`, [link.units]]);
    inputs = link.units;
    return { class_name: "Dense", config: { name, units: link.units, ...first } };
  });
  return artifacts(layers, specs);
}

describe("a name that several layers of a Sequential have", () => {
  const link: fc.Arbitrary<Link> = fc.record({
    isDense: fc.boolean(),
    units: fc.integer({ min: 1, max: 4 }),
    name: fc.constantFrom("a", "a_1", "b", "dense_input"),
  });

  test("does not matter: weights go by their order", () => {
    fc.assert(
      fc.property(fc.array(link, { minLength: 1, maxLength: 8 }), (links) => {
        const named = importModel(chain(links, ({ name }) => name));
        const wanted = importModel(chain(links, (_, i) => `layer${i}`));
        const [got, want] = [named, wanted].map((graph) => {
          const [{ name }] = graph.inputs;
          return evaluate(graph, { [name]: x })[graph.outputs[0].name];
        });
        expect([...got]).toEqual([...want]);
        expect(named.unused).toEqual([]);
        expect(named.outputs[0].name).toBe(links.at(-1)?.name);
      }),
    );
  });

  test("that has fewer weights than layers is refused", () => {
    const one = chain([{ isDense: true, units: 3, name: "d" }], () => "d");
    const { layers } = (one.modelTopology as { config: { layers: Json[] } }).config;
    const twice = { class_name: "Sequential", config: { layers: [layers[0], layers[0]] } };
    expect(() => importModel({ ...one, modelTopology: twice })).toThrow(
      "weight d/kernel: wanted one for each layer d, 2 or more, got 1",
    );
  });

  test("in models of their own has to have weights of its own", () => {
    const inner = (name: string, first: Json = {}): Json => ({
      class_name: "Sequential",
      config: {
        name,
        layers: [
          {
            class_name: "Dense",
            config: { name: "d", units: 3, use_bias: false, batch_input_shape: [null, 3] },
          },
        ],
        ...first,
      },
    });
    const both = artifacts(
      [inner("p"), inner("q")],
      [
        ["d/kernel", [3, 3]],
        ["d/kernel", [3, 3]],
      ],
    );
    expect(() => importModel(both)).toThrow(
      /weight d\/kernel: wanted it once, got it 2 times; give the layers/,
    );
  });
});

describe("booleans as 0 and 1", () => {
  const digit = fc.constantFrom<0 | 1>(0, 1);

  test("are what tfjs makes of them", async () => {
    await fc.assert(
      fc.asyncProperty(digit, digit, digit, digit, async (useBias, sequences, backwards, center) => {
        const specs: [string, number[]][] = [
          ["r/kernel", [2, 3]],
          ["r/recurrent_kernel", [3, 3]],
          ...(useBias ? [["r/bias", [3]] as [string, number[]]] : []),
          ...(center ? [["n/beta", [3]] as [string, number[]]] : []),
          ["n/moving_mean", [3]],
          ["n/moving_variance", [3]],
        ];
        const recurrent = {
          name: "r",
          batch_input_shape: [null, 3, 2],
          units: 3,
          use_bias: useBias,
          return_sequences: sequences,
          go_backwards: backwards,
          stateful: 0,
          return_state: 0,
          unroll: 0,
        };
        const model = artifacts(
          [
            { class_name: "SimpleRNN", config: recurrent },
            { class_name: "BatchNormalization", config: { name: "n", axis: -1, scale: 0, center } },
          ],
          specs,
        );
        // Variances are positive.
        const variance = new Float32Array(model.weightData.buffer, model.weightData.length - 12, 3);
        variance.set(variance.map(Math.abs));
        const loaded = await tf.loadLayersModel(
          tf.io.fromMemory({ ...model, weightData: model.weightData.slice().buffer } as tf.io.ModelArtifacts),
        );
        const wanted = (loaded.predict(tf.tensor(x, [1, 3, 2])) as tf.Tensor).dataSync();
        const graph = importModel(model);
        expectClose(evaluate(graph, { r_input: x })[graph.outputs[0].name], wanted, 1e-5);
      }),
      { numRuns: 16 },
    );
  });

  test("other numbers are none", () => {
    const model = artifacts(
      [{ class_name: "Dense", config: { name: "d", units: 1, use_bias: 2, batch_input_shape: [null, 1] } }],
      [["d/kernel", [1, 1]]],
    );
    expect(() => importModel(model)).toThrow('"d": useBias wants a boolean, got 2');
  });
});
