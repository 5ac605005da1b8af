/** Every kind of stage there is: a new one is a file here and a row below. */

import { cluster } from "./cluster.js";
import type { StageKind } from "./kind.js";
import { prune } from "./prune.js";
import { quantize } from "./quantize.js";
import { train } from "./train.js";

export type { Shaping, StageKind, StageResult, StageRun } from "./kind.js";

export const stageKinds: Readonly<Record<string, StageKind<object>>> = { train, prune, quantize, cluster };
