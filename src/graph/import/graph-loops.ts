/** Loops whose count is known while importing: each time round is added to the graph. */

import { UnsupportedError } from "../errors.js";
import { type NodeDef, splitOutput } from "./graph-def.js";
import { inOrder, type Loop } from "./graph-order.js";
import {
  addNode,
  callable,
  isKnown,
  Made,
  make,
  type Outputs,
  operandAt,
  outputsOf,
  type Read,
  type Scope,
  type Walked,
} from "./graph-walk.js";

/** What a loop may become. A net of that many layers is slower than what it was made of; a larger one is a mistake. */
const maxNodes = 5_000;
const maxTimes = 5_000;
/** Numbers that loops may compute while a model is imported. */
const maxWork = 2 ** 26;

interface Round {
  /** Whether to go round once more; undefined where it is not known. */
  condition(state: readonly Read[]): Read;
  body(state: readonly Read[]): readonly Read[];
}

/**
 * Goes round until the condition says no more.
 *
 * @param refusal what pare has not, should the condition not be known
 * @returns the last state; unknown ones where something in the body cannot be made
 */
function unroll(
  model: Walked,
  what: string,
  refusal: readonly string[],
  start: readonly Read[],
  round: Round,
): readonly Read[] {
  const { builder, faults } = model;
  const first = builder.nodes.length;
  const troubles = () => builder.problems.length + faults.length;
  const before = troubles();
  let state = start;
  for (let times = 0; ; times++) {
    const { constant } = round.condition(state);
    if (!constant) {
      // Of what came in something cannot be made, which is told already.
      if (!start.every(isKnown)) return round.body(state).map(() => ({ varies: true }));
      // The body may have more that is to be told at once.
      round.body(state);
      throw new UnsupportedError(refusal);
    }
    if (!constant.data[0]) return state;
    if (times >= maxTimes) throw new UnsupportedError([`${what}: more than ${maxTimes} times round`]);
    state = round.body(state);
    model.work += state.reduce((sum, each) => sum + (each.constant?.data.length ?? 1), 1);
    if (builder.nodes.length - first > maxNodes) {
      throw new UnsupportedError([`${what}: more than ${maxNodes} nodes once unrolled`]);
    }
    if (model.work > maxWork)
      throw new UnsupportedError([`${what}: more than ${maxWork} numbers while importing`]);
    if (troubles() > before) return state.map(() => ({ varies: true }));
  }
}

/** The loop of TensorFlow 2: two functions and a list of values. */
export function runFunctionLoop(node: NodeDef, operands: readonly Read[], { model }: Scope): Outputs {
  const [condition, body] = ["cond", "body"].map((key) => callable(model, node.attrs.func(key), node.name));
  const refusal = [`${node.op}: a condition that is not constant`];
  const state = unroll(model, node.op, refusal, operands, {
    condition: (each) => condition(each)[0] ?? { varies: true },
    body,
  });
  return state.every(isKnown) ? state : { varies: true };
}

/** The loop of TensorFlow 1: all its Exits are made at once. */
export function runLoop(loop: Loop, scope: Scope): void {
  const { model, nodes, loops, readers } = scope;
  const { variables, constants, condition } = loop;
  const exits = variables.flatMap((variable, i) => variable.exits.map((exit) => ({ exit, i })));
  if (exits.some(({ exit }) => scope.made.get(exit.name))) return;
  const whole = new Made(scope.made);
  for (const { name, inputs } of constants)
    whole.set(name, outputsOf(operandAt(scope, inputs[0], `node ${name}`)));
  const sources = [...variables.flatMap(({ merge, switches }) => [merge, ...switches]), ...constants];
  const known = new Set(sources.map(({ name }) => name));
  const nameOf = (reference: string) => splitOutput(reference)[0];
  const ofCondition = inOrder(nodes, [nameOf(condition.inputs[0])], loops, known);
  const ofBody = inOrder(
    nodes,
    variables.map(({ next }) => nameOf(next.inputs[0])),
    loops,
    known,
  );
  const enter = (state: readonly Read[]): Scope => {
    const made = new Made(whole);
    for (const [i, { merge, switches }] of variables.entries()) {
      made.set(merge.name, outputsOf(state[i]));
      const both = outputsOf(state[i]);
      for (const { name } of switches) made.set(name, "varies" in both ? both : [...both, ...both]);
    }
    return { model, nodes, loops, readers, made };
  };
  const walk = (order: readonly NodeDef[], inner: Scope) => {
    for (const node of order) if (!whole.get(node.name)) addNode(node, inner);
  };
  const start = variables.map(({ enter: { name, inputs } }) => operandAt(scope, inputs[0], `node ${name}`));
  let result: readonly Read[] = start.map(() => ({ varies: true }));
  make(exits[0].exit, true, scope, () => {
    result = unroll(model, `loop ${loop.name}`, controlOps(loop, ofCondition), start, {
      condition(state) {
        const inner = enter(state);
        walk(ofCondition, inner);
        return operandAt(inner, condition.inputs[0], `node ${condition.name}`);
      },
      body(state) {
        const inner = enter(state);
        walk(ofBody, inner);
        return variables.map(({ next }) => operandAt(inner, next.inputs[0], `node ${next.name}`));
      },
    });
    return { varies: true };
  });
  for (const { exit, i } of exits) scope.made.set(exit.name, outputsOf(result[i]));
}

/** What makes a loop go round, by name: pare has it not where it cannot tell how often. */
function controlOps({ condition }: Loop, ofCondition: readonly NodeDef[]): readonly string[] {
  const tests = ofCondition.map(({ op }) => op).filter((op) => op !== "Const");
  return ["Enter", "Merge", ...tests, condition.op, "Switch", "NextIteration", "Exit"];
}
