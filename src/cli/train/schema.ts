/** The recipe as a JSON Schema and as lists of keys for people, both from its checks and its guide. */

import { describeType, type JsonSchema } from "../json-schema.js";
import { guideFor, type KeyGuide, keyGuides } from "./guide.js";
import { recipeCheck } from "./recipe.js";

/** Where the package has it; a recipe's "$schema" may be the path to it in node_modules. */
export const schemaPath = "schema/train.schema.json";

/** The schema with what each key means, and its default. */
export function trainSchema(): JsonSchema {
  const { properties, ...schema } = annotate(recipeCheck.schema ?? {}, []);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: `https://unpkg.com/pare/${schemaPath}`,
    title: "recipe of pare train",
    ...schema,
    properties: { $schema: { type: "string", description: keyGuides.$schema.means }, ...properties },
  };
}

/** The schema at a path with descriptions in it, down to the last key. */
function annotate(schema: JsonSchema, path: readonly string[]): JsonSchema {
  const inner = schema.title === undefined ? path : [...path, schema.title];
  const { properties, items, anyOf } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => {
          const at = [...inner, key];
          const guide = guideFor(at)?.guide;
          return [key, { ...(guide && { description: inWords(guide) }), ...annotate(value, at) }];
        }),
      ),
    }),
    ...(items && { items: annotate(items, inner) }),
    ...(anyOf && { anyOf: anyOf.map((one) => annotate(one, inner)) }),
  };
}

function inWords({ means, usual }: KeyGuide): string {
  return usual === undefined ? means : `${means} (default: ${usual})`;
}

/** Keys of one object. */
export interface Section {
  /** Where it is in a recipe: "data.augment", "stages (prune)". */
  readonly title: string;
  readonly keys: readonly KeyRow[];
}

export interface KeyRow {
  readonly key: string;
  readonly type: string;
  /** With its unit, and its default unless it must be given. */
  readonly words: string;
}

/** All keys, each object once: what stages of all kinds have stands before what one kind has alone. */
export function recipeSections(): Section[] {
  const sections: Section[] = [];
  const told = new Set<string>();
  const place = { path: [], title: "recipe" };
  collect(
    { ...recipeCheck.schema, properties: { $schema: { type: "string" }, ...recipeCheck.schema?.properties } },
    place,
  );
  return sections;

  interface Place {
    readonly path: readonly string[];
    readonly title: string;
  }

  function collect(schema: JsonSchema, { path, title }: Place): void {
    const { properties = {}, items, anyOf = [] } = schema;
    const variants = anyOf.filter((one) => one.title !== undefined);
    const { shared, rest } = parted(variants, path);
    addSection(title, path, { ...properties, ...shared });
    for (const [name, own, without] of rest) {
      const but = without.length === 0 ? "" : `: no ${without.join(", ")}`;
      addSection(kindOf(title, name) + but, [...path, name], own);
    }
    // Alternatives by their keys stand together.
    const plain = anyOf.filter((one) => one.title === undefined && one.properties);
    if (plain.length > 0) addSection(title, path, Object.assign({}, ...plain.map((one) => one.properties)));
    const inner = { ...properties, ...shared, ...Object.assign({}, ...plain.map((one) => one.properties)) };
    for (const [key, value] of Object.entries<JsonSchema>(inner)) collectKey(value, key, { path, title });
    for (const [name, own] of rest) {
      for (const [key, value] of Object.entries(own)) {
        collectKey(value, key, { path: [...path, name], title: kindOf(title, name) });
      }
    }
    if (items) collect(items, { path, title });
  }

  function collectKey(value: JsonSchema, key: string, { path, title }: Place): void {
    collect(value, { path: [...path, key], title: path.length === 0 ? key : `${title}.${key}` });
  }

  function addSection(title: string, path: readonly string[], properties: Properties): void {
    const keys = Object.entries(properties).filter(([key]) => {
      const entry = guideFor([...path, key])?.entry ?? [...path, key].join(".");
      return !told.has(entry) && told.add(entry);
    });
    if (keys.length === 0) return;
    const rowOf = ([key, value]: [string, JsonSchema]): KeyRow => {
      const guide = guideFor([...path, key])?.guide;
      return { key, type: describeType(value), words: guide ? inWords(guide) : "" };
    };
    sections.push({ title, keys: keys.map(rowOf) });
  }
}

type Properties = Readonly<Record<string, JsonSchema>>;

/** What most variants have alike, and what each has beside it and has not of it. */
function parted(
  variants: readonly JsonSchema[],
  path: readonly string[],
): {
  readonly shared: Properties;
  readonly rest: readonly (readonly [name: string, own: Properties, without: readonly string[]])[];
} {
  const all = variants.flatMap(({ title = "", properties = {} }) =>
    Object.entries(properties).map(([key, value]) => {
      const means = guideFor([...path, title, key])?.guide;
      return { key, value, means };
    }),
  );
  const isShared = (key: string) => {
    const alike = all.filter((other) => other.key === key);
    return alike.length > variants.length / 2 && new Set(alike.map(({ means }) => means)).size === 1;
  };
  const shared: Record<string, JsonSchema> = {};
  for (const { key, value } of all) {
    if (!isShared(key)) continue;
    // The key that tells variants apart is one of their names.
    shared[key] = value.const === undefined ? value : { enum: variants.map(({ title = "" }) => title) };
  }
  const rest = variants.map(({ title = "", properties = {} }) => {
    const own = Object.fromEntries(Object.entries(properties).filter(([key]) => !isShared(key)));
    return [title, own, Object.keys(shared).filter((key) => !(key in properties))] as const;
  });
  return { shared, rest };
}

function kindOf(title: string, name: string): string {
  return `${title} (${name})`;
}

/** For a terminal: keys under their sections, in lines of 100 characters at most. */
export function describeKeys(): string {
  const width = Math.max(...recipeSections().flatMap(({ keys }) => keys.map(({ key }) => key.length)));
  return recipeSections()
    .map(({ title, keys }) => {
      const lines = keys.map(({ key, type, words }) =>
        wrap(`${type}: ${words}`, `  ${key.padEnd(width)}  `, 100),
      );
      return `${title}\n${lines.join("\n")}`;
    })
    .join("\n\n");
}

/** @param head begins the first line; the others are indented as far */
function wrap(text: string, head: string, width: number): string {
  const lines: string[] = [];
  let line = head;
  for (const word of text.split(" ")) {
    if (line.length + word.length > width && line.trim() !== "") {
      lines.push(line.trimEnd());
      line = " ".repeat(head.length);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}

/** The file of the schema. */
export function schemaText(): string {
  return `${JSON.stringify(trainSchema(), null, 2)}\n`;
}

/** docs/recipes.md with the tables of today between its two marks. */
export function recipePage(page: string): string {
  const tables = recipeSections().map(({ title, keys }) => {
    const rows = keys.map(({ key, type, words }) => `| \`${key}\` | ${cell(type)} | ${cell(words)} |`);
    return [`### ${title}`, "", "| key | takes | means |", "|---|---|---|", ...rows].join("\n");
  });
  return page.replace(/(<!-- keys:.*-->\n)[\s\S]*(<!-- end of keys -->)/, (_, begin, end) => {
    return `${begin}\n${tables.join("\n\n")}\n\n${end}`;
  });
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
