/** { "kind": "cluster", "clusters": 16 }: weights share a few values, which learn together. */

import type * as PareTfjs from "../../../tfjs.js";
import { type Fields, integer, isNumber, listOf, oneOf, share, text, wanted } from "../../strict.js";
import { ownOf, stageCheck } from "../settings.js";
import type { StageKind } from "./kind.js";

export interface ClusterSettings extends Omit<PareTfjs.ClusterOptions, "begin" | "include" | "exclude"> {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  /** Share of the stage. */
  readonly begin?: number;
}

export const clusterFields: Fields = {
  clusters: wanted(
    "an integer from 1 to 65536",
    (v) => isNumber(v) && Number.isInteger(v) && v >= 1 && v <= 65_536,
    { type: "integer", minimum: 1, maximum: 65_536 },
  ),
  start: oneOf("linear", "kmeans++"),
  begin: share,
  seed: integer,
  include: listOf(text),
  exclude: listOf(text),
};

export const cluster: StageKind<ClusterSettings> = {
  check: stageCheck(clusterFields),
  options: ({ begin, ...settings }, _, steps) => ({
    cluster: { ...ownOf(settings, clusterFields), ...(begin !== undefined && { begin: steps.at(begin) }) },
  }),
  hold: ({ begin: _, ...settings }) => ({ cluster: ownOf(settings, clusterFields) }),
};
