/**
 * A quick yes for values that a schema takes as they are. It is made from the schema's JSON Schema, so there is one definition;
 * zod copies what it accepts, and at 100,000 ports the copies cost more than the checks.
 */
import { z } from 'zod';

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string';
const isFlag: Test = (value) => typeof value === 'boolean';

/** What is read of a JSON Schema (draft 2020-12). Any other keyword is for the schema itself. */
interface Description {
  type?: string;
  items?: Description;
  minItems?: number;
  properties?: Record<string, Description>;
  required?: string[];
  additionalProperties?: unknown;
  minimum?: number;
  maximum?: number;
}

/**
 * A test of whether the schema takes a value, and unchanged. JSON Schema says nothing of refinements and transformations: such a schema is not
 * to be asked for one (test/unit/intent/hot-path.test.ts holds the test against the schema).
 *
 * @returns undefined for a schema with anything in it but strict maps, lists, plain texts, whole numbers and flags; the test is false where the value does
 * not fit, or only the schema itself can tell
 */
export function quickTestOf(schema: z.ZodType): Test | undefined {
  return testOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Description);
}

function testOf(description: Description): Test | undefined {
  const { type, items, minItems = 0, properties, required = [], additionalProperties, minimum, maximum } = description;
  const has = (...keywords: (keyof Description)[]): boolean =>
    Object.keys(description).every((keyword) => keyword === '$schema' || keywords.includes(keyword as never));
  if (type === 'string') return has('type') ? isText : undefined;
  if (type === 'boolean') return has('type') ? isFlag : undefined;
  if (type === 'integer') {
    if (minimum === undefined || maximum === undefined || !has('type', 'minimum', 'maximum')) return undefined;
    return (value) => Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
  }
  if (type === 'array' && items) {
    const item = testOf(items);
    if (!item || !has('type', 'items', 'minItems')) return undefined;
    return (value) => Array.isArray(value) && value.length >= minItems && value.every(item);
  }
  if (type !== 'object' || !properties || additionalProperties !== false) return undefined;
  return has('type', 'properties', 'required', 'additionalProperties') ? mapTest(properties, required) : undefined;
}

function mapTest(properties: Record<string, Description>, required: readonly string[]): Test | undefined {
  const fields = new Map<string, Test>();
  for (const [key, description] of Object.entries(properties)) {
    const test = testOf(description);
    if (!test) return undefined;
    fields.set(key, test);
  }
  const isRequired = new Set(required);
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let found = 0;
    // for-in makes no list of the keys.
    for (const key in value) {
      const test = fields.get(key);
      if (test?.((value as Record<string, unknown>)[key]) !== true) return false;
      if (isRequired.has(key)) found += 1;
    }
    return found === required.length;
  };
}
