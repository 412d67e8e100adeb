/**
 * A quick yes for values that a schema takes as they are. It is made from the schema itself, so there is one definition;
 * zod copies what it accepts, and at 100,000 ports the copies cost more than the checks.
 */
import type { z } from 'zod';

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string';
const isFlag: Test = (value) => typeof value === 'boolean';

/** What is read of zod's description of a schema (zod/v4/core, `_zod.def`). */
interface Definition {
  type: string;
  checks?: readonly { _zod: { def: { check: string; minimum?: number } } }[];
  element?: z.core.$ZodType;
  innerType?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  catchall?: z.core.$ZodType;
}

const tests = new WeakMap<object, Test | undefined>();

/**
 * Does the schema take the value, and unchanged?
 *
 * @returns true when it does; false when it does not, or when only the schema itself can tell
 */
export function fits(schema: z.core.$ZodType, value: unknown): boolean {
  if (!tests.has(schema)) tests.set(schema, testOf(schema));
  return tests.get(schema)?.(value) ?? false;
}

/** undefined for a schema with anything in it but strict maps, lists, plain texts and flags. */
function testOf(schema: z.core.$ZodType): Test | undefined {
  const { type, checks = [], element, shape, catchall } = schema._zod.def as Definition;
  if (type === 'string') return checks.length === 0 ? isText : undefined;
  if (type === 'boolean') return checks.length === 0 ? isFlag : undefined;
  if (type === 'array' && element) {
    const item = testOf(element);
    const least = leastLength(checks);
    if (!item || least === undefined) return undefined;
    return (value) => Array.isArray(value) && value.length >= least && value.every(item);
  }
  if (type === 'object' && shape && checks.length === 0 && catchall?._zod.def.type === 'never') return mapTest(shape);
  return undefined;
}

/** The one bound a list may have here; undefined when there are others. */
function leastLength(checks: NonNullable<Definition['checks']>): number | undefined {
  let least = 0;
  for (const { _zod } of checks) {
    if (_zod.def.check !== 'min_length' || _zod.def.minimum === undefined) return undefined;
    least = Math.max(least, _zod.def.minimum);
  }
  return least;
}

function mapTest(shape: Record<string, z.core.$ZodType>): Test | undefined {
  const fields = new Map<string, Test>();
  let required = 0;
  const isRequired = new Set<string>();
  for (const [key, schema] of Object.entries(shape)) {
    const { type, innerType } = schema._zod.def as Definition;
    const test = testOf(type === 'optional' && innerType ? innerType : schema);
    if (!test) return undefined;
    fields.set(key, test);
    if (type === 'optional') continue;
    isRequired.add(key);
    required += 1;
  }
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let found = 0;
    // for-in makes no list of the keys.
    for (const key in value) {
      const test = fields.get(key);
      if (test?.((value as Record<string, unknown>)[key]) !== true) return false;
      if (isRequired.has(key)) found += 1;
    }
    return found === required;
  };
}
