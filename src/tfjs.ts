/** `pare/tfjs`: prunes, quantizes and trains tfjs models where they live. Needs tfjs as a peer. */

export * from "./tfjs/index.js";
