/** All models that methods of quantization are judged by. */

import type { ZooModel } from "./model.js";
import { sharedModels } from "./shared.js";

export const zoo: readonly ZooModel[] = [...sharedModels];
