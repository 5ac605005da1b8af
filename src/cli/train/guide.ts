/**
 * What every key of a recipe means: ONE table, which the schema, `pare train --help` and docs/recipes.md are made of.
 * Which keys there are, and what each takes, the checks say; a test holds the table to them.
 */

export interface KeyGuide {
  /** With its unit. */
  readonly means: string;
  /** What it is unless given. */
  readonly usual?: string | number | boolean;
}

const shares = "share of the stage's steps";
const layers = "names of layers or weights";

/**
 * By the end of the path to a key, with the name of a variant in it: "epochs" is that of every stage, "transfer.phases.epochs"
 * that of a phase. The longest end that fits counts.
 */
export const keyGuides: Readonly<Record<string, KeyGuide>> = {
  $schema: { means: "path or URL of the JSON Schema of recipes, for editors", usual: "none" },
  seed: { means: "of first weights, order of the samples and all else that is left to chance", usual: 0 },
  data: { means: "samples and their labels" },
  model: {
    means: "what to begin with: path of a model.json; or { layers }, { class_name, config }, { thinner }",
  },
  teacher: {
    means: "path of a model.json to learn from, or a list of them",
    usual: "none; distil and thinner need one",
  },
  loss: {
    means: "what training makes small",
    usual: "what the labels ask for: sparseCategoricalCrossentropy for class numbers",
  },
  stages: { means: "what is done, one after the other; the kind of each says which other keys it has" },
  output: { means: "where the result goes" },

  "data.train": { means: "samples to train on: { x, y }, { pictures } or { csv, label }" },
  "data.test": { means: "samples that are measured once, at the end", usual: "none" },
  "data.validation": {
    means: "share of the training samples to hold out, or a source of its own",
    usual: "none",
  },
  "data.scale": {
    means: "factor of every number of the samples, such as 0.00392157 for pixels to 0..1",
    usual: 1,
  },
  "data.offset": { means: "added after that", usual: 0 },
  "data.augment": { means: "other pictures made of each, every time it is trained on", usual: "none" },
  x: { means: "path of the samples: .npy, IDX, .csv, each also gzipped, or a folder of pictures" },
  y: { means: "path of their labels: a class number each (-1: none), one-hot rows or numbers" },
  pictures: { means: "path of a folder with a folder of pictures for each class" },
  csv: { means: "path of a table with a header" },
  label: { means: "name of the column of labels: numbers or words" },
  columns: { means: "names of the columns of inputs", usual: "all others" },

  "augment.shift": { means: "pixels to move by, at most, along either axis", usual: 0 },
  "augment.rotate": { means: "degrees to turn by, at most, either way", usual: 0 },
  "augment.scale": { means: "share to grow or shrink by, at most", usual: 0 },
  "augment.elastic": { means: "bends the picture", usual: "not at all" },
  "elastic.strength": { means: "deviation of the displacement, in pixels; 1.4 suits MNIST" },
  "elastic.smoothness": { means: "deviation of what smooths it, in pixels, at least 0.5; 4 suits MNIST" },
  "augment.flip": { means: "mirrors every second picture, by chance", usual: "none" },
  "augment.noise": { means: "deviation of noise that is added, in units of the scaled data", usual: 0 },
  "augment.fill": { means: "what lies outside of the picture, in units of the scaled data", usual: 0 },

  "model.thinner": {
    means: "width of a thinner copy of the first teacher, as a share of its units and filters",
  },
  "model.class_name": { means: "Sequential or Model, as tfjs and Keras write topologies" },
  "model.config": { means: "of that class" },
  "model.layers": {
    means:
      "of a Sequential: a list of { class_name, config }, the first with a batch_input_shape: [null, 28, 28, 1]",
  },

  "output.model": { means: "path of the trained tfjs model; it ends in model.json" },
  "output.pare": { means: "path of the int8 .pare file", usual: "none is written" },

  kind: { means: "what the stage does" },
  epochs: { means: "times through the data" },
  batchSize: { means: "samples a step", usual: 64 },
  learningRate: {
    means: 'a rate, "cosine" (from the optimizer\'s own down to 0) or an object with a schedule',
    usual: "the optimizer's own: 0.001, of sgd and momentum 0.01",
  },
  schedule: { means: "how it changes over the stage" },
  from: { means: "rate at the beginning" },
  "cosine.to": { means: "rate at the end", usual: 0 },
  "cosine.warmup": { means: `${shares} in which the rate rises from 0`, usual: 0 },
  "steps.at": { means: `${shares} after which the rate changes, for each change` },
  "steps.factor": { means: "of the rate at each change", usual: 0.1 },
  "exponential.to": { means: "rate at the end" },
  optimizer: { means: "momentum is sgd with a momentum of 0.9", usual: "adam" },
  patience: {
    means: "epochs without a gain on the validation data that end the stage, with the best of them",
    usual: "no end",
  },
  minimumGain: { means: "by which the validation loss must fall to be a gain", usual: 0 },
  augment: { means: "false leaves data.augment out", usual: true },
  prune: { means: "settings of the kind prune, at the same time", usual: "none" },
  cluster: { means: "settings of the kind cluster, at the same time", usual: "none" },
  quantize: { means: "settings of the kind quantize, at the same time", usual: "none" },

  "prune.sparsity": { means: "share of zeros to end with", usual: "that of an N:M pattern, or of targets" },
  "prune.scope": { means: "local: each tensor has that share; global: all together do", usual: "local" },
  "prune.targets": { means: "a sparsity of its own by name of a layer or weight", usual: "none" },
  "prune.pattern": { means: "where zeros are: unstructured, 1x4, 4x4 or N:M", usual: "unstructured" },
  "prune.schedule": { means: "how the share grows", usual: "polynomial" },
  "prune.begin": { means: `${shares} at which zeros begin`, usual: 0 },
  "prune.end": { means: `${shares} at which the last zeros come`, usual: "two thirds" },
  "prune.frequency": {
    means: "steps from one change to the next",
    usual: "a thirtieth of the way, at most 100",
  },
  include: { means: `${layers} that it is for, in place of all kernels`, usual: "kernels" },
  exclude: { means: `${layers} that are left as they are`, usual: "none" },

  "quantize.ranges": { means: "follow what batches hold, or the gradient", usual: "observed" },
  "quantize.activations": { means: "what the first ranges cover of the values", usual: "percentile" },
  "quantize.percentile": { means: "of the values that a range covers, in percent", usual: 99.99 },
  "quantize.keepF32": { means: "names of layers that stay f32", usual: "none" },
  "quantize.samples": { means: "training samples that the first ranges are taken from", usual: 256 },
  "quantize.delay": { means: `${shares} before codes are used`, usual: 0 },
  "quantize.freeze": { means: `${shares} after which ranges stay as they are`, usual: "three quarters" },
  "quantize.decay": { means: "of the moving averages of observed ranges", usual: 0.99 },
  "quantize.rangeRate": { means: "of learned ranges: change of log2 of a scale in a step", usual: 0.01 },

  "cluster.clusters": { means: "values that the weights of a layer share", usual: 16 },
  "cluster.start": { means: "first values", usual: "linear" },
  "cluster.begin": { means: `${shares} at which values are shared`, usual: "where pruning ends" },
  "cluster.seed": { means: "of kmeans++", usual: 0 },

  "distil.losses": { means: "what is learned of the teacher", usual: "soft targets" },
  labelWeight: { means: "factor of the loss of the labels", usual: "what the losses leave to it" },
  name: { means: "which loss" },
  "softTargets.temperature": { means: "divides the logits of both", usual: 4 },
  "softTargets.alpha": { means: "share in the loss; the labels have the rest", usual: 0.9 },
  "softTargets.kind": {
    means: "what both models end in; to be given where they give out logits",
    usual: "what the last layer says",
  },
  "decoupled.alpha": { means: "weight of the target class against the others", usual: 1 },
  "decoupled.beta": { means: "weight of the others among themselves", usual: 8 },
  "decoupled.temperature": { means: "divides the logits of both", usual: 4 },
  teacherLayer: { means: "name of the teacher's layer" },
  studentLayer: { means: "name of the student's layer" },
  "relational.teacherLayer": { means: "name of the teacher's layer", usual: "its logits" },
  "relational.studentLayer": { means: "name of the student's layer", usual: "its logits" },
  "hint.teacher": { means: "which of several, counted from 0", usual: 0 },
  "hint.projector": { means: "brings the student's channels to the teacher's number", usual: "auto" },
  "hint.weight": { means: "of this loss", usual: 1 },
  "hint.seed": { means: "of the projector", usual: 0 },
  "attention.pairs": { means: "layers of pictures of the same height and width" },
  "pairs.teacher": { means: "which of several, counted from 0", usual: 0 },
  "attention.weight": { means: "of this loss", usual: 1000 },
  "relational.distance": { means: "weight of the distances between two samples", usual: 25 },
  "relational.angle": { means: "weight of the angles between three", usual: 50 },
  "relational.teacher": { means: "which of several, counted from 0", usual: 0 },

  "transfer.classes": { means: "of the new head" },
  "transfer.phases": { means: "one after the other: first a head on a frozen base, as a rule" },
  "transfer.layer": { means: "name of the layer that the head is put on", usual: "the last" },
  "transfer.units": { means: "of a hidden layer in the head", usual: "no such layer" },
  "transfer.dropout": { means: "share of the head's inputs that is dropped in training", usual: 0 },
  "transfer.positions": { means: "what becomes of features that have positions", usual: "average" },
  "transfer.cacheBytes": { means: "bytes of features that are kept, at most", usual: 268_435_456 },
  "phases.unfreeze": {
    means: "layers of the base that learn too: how many at its end, or names",
    usual: "none",
  },
  "phases.baseRate": { means: "the base's learning rate as a share of the head's", usual: 1 },
};

/**
 * The entry for a key.
 *
 * @param path names from the recipe to it, variants among them: ["stages", "prune", "sparsity"]
 */
export function guideFor(
  path: readonly string[],
): { readonly entry: string; readonly guide: KeyGuide } | undefined {
  for (let from = 0; from < path.length; from++) {
    const entry = path.slice(from).join(".");
    if (Object.hasOwn(keyGuides, entry)) return { entry, guide: keyGuides[entry] };
  }
  return undefined;
}
