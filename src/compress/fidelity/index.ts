/** int8 measured against f32, and made as near to it as is asked for. The only door of this folder. */

export { type FidelityGoal, goalOf, meets } from "./goal.js";
export { compareOutputs, type OutputFidelity, outputsOf } from "./measure.js";
export { quantizeToGoal, type RaisedGraph, type RaiseOptions } from "./raise.js";
