/** All models that methods of quantization are judged by. */

import { generatedModels } from "./generator/index.js";
import type { ZooModel } from "./model.js";
import { sharedModels } from "./shared.js";

export const zoo: readonly ZooModel[] = [...sharedModels, ...generatedModels];
