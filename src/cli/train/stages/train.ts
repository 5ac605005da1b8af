/** { "kind": "train", "epochs": 5 }: it learns, and is shaped meanwhile where "prune" and the like say so. */

import { stageCheck } from "../settings.js";
import type { StageKind } from "./kind.js";
import { heldShaping, type ShapingSettings, shapingFields, shapingOf } from "./shaping.js";

export const train: StageKind<ShapingSettings> = {
  check: stageCheck(shapingFields),
  options: shapingOf,
  hold: heldShaping,
};
