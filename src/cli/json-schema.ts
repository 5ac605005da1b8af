/** What checks of hand-written JSON accept, as JSON Schema (draft 2020-12) and in words. */

export interface JsonSchema {
  readonly $schema?: string;
  readonly $id?: string;
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: "string" | "number" | "integer" | "boolean" | "array" | "object";
  readonly const?: string | number;
  readonly not?: JsonSchema;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** "number above 0, up to 1", "train | distil", "list of text": what a value is, in as few words. */
export function describeType(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(describeType))].join(", or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.join(" | ");
  switch (schema.type) {
    case "array":
      return `list of ${describeType(schema.items ?? {})}`;
    case "string":
      return "text";
    case "boolean":
      return "true | false";
    case "number":
    case "integer":
      return `${schema.type}${bounds(schema)}`;
    case "object":
      return "object";
    default:
      return "value";
  }
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const words = [
    ...(minimum === undefined ? [] : [`from ${minimum}`]),
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(maximum === undefined ? [] : [`to ${maximum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ];
  return words.length === 0 ? "" : ` ${words.join(", ")}`;
}
