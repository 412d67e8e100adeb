/**
 * A fast test for values that a schema accepts unchanged, derived from its JSON Schema, so that there is only one definition. zod copies accepted
 * values, and for 100,000 ports the copies cost more than the checks.
 */
import { z } from 'zod';

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string';
const isFlag: Test = (value) => typeof value === 'boolean';

/** The supported part of JSON Schema (draft 2020-12). Other keywords require the schema itself. */
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
 * Derives a test of whether the schema accepts a value unchanged. JSON Schema does not contain refinements and transformations: such schemas must
 * not be passed (test/unit/intent/hot-path.test.ts compares the test with the schema).
 *
 * @returns undefined if the schema contains anything but strict maps, lists, plain strings, integers and booleans; the test is false if the value
 * does not fit, or if only the schema can decide
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
    // for-in creates no list of keys.
    for (const key in value) {
      const test = fields.get(key);
      if (test?.((value as Record<string, unknown>)[key]) !== true) return false;
      if (isRequired.has(key)) found += 1;
    }
    return found === required.length;
  };
}
