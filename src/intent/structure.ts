/** Applies the schema to a raw value, reports errors, and keeps the valid parts for later checks. */
import type { z } from 'zod';
import { quickTestOf } from './fast-validate.js';
import type { Findings, IssuePath, PathSegment } from './findings.js';

/** A value whose refused parts are undefined; these have been reported already. */
export type Draft<T> = T extends readonly (infer E)[]
  ? (Draft<E> | undefined)[]
  : T extends object
    ? { [K in keyof T]?: Draft<T[K]> | undefined }
    : T;

/** A schema with a fast test for values that it accepts unchanged. */
export class Structure<T> {
  readonly schema: z.ZodType<T>;
  #test: ((value: unknown) => boolean) | undefined;
  #hasTest = false;

  constructor(schema: z.ZodType<T>) {
    this.schema = schema;
  }

  /** Whether the schema accepts the value unchanged; also false if only the schema itself can decide. */
  fits(value: unknown): boolean {
    if (!this.#hasTest) {
      this.#hasTest = true;
      this.#test = quickTestOf(this.schema);
    }
    return this.#test?.(value) ?? false;
  }

  /** Its keys, if it is a map. */
  get keys(): string[] {
    return keysAt(this.schema, []);
  }
}

/** The type of a structure's values. */
export type ValueOf<S> = S extends Structure<infer T> ? T : never;

/** Keys of a map schema and of nested maps, by path without indices, for "expected one of the keys". */
function keysAt(schema: unknown, path: readonly PropertyKey[]): string[] {
  let at = schema as { shape?: Record<string, unknown>; element?: unknown; unwrap?: () => unknown } | undefined;
  for (const segment of [...path, undefined]) {
    while (at?.shape === undefined && at?.element === undefined && at?.unwrap) at = at.unwrap() as typeof at;
    if (segment === undefined) break;
    at = (typeof segment === 'number' ? at?.element : at?.shape?.[String(segment)]) as typeof at;
  }
  return Object.keys(at?.shape ?? {});
}

function child(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<PropertyKey, unknown>)[key]
    : undefined;
}

/** YAML reads an unquoted `[fd00:10::, x]` as `[{"fd00:10:": null}, "x"]`. */
function unquotedAddress(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value as Record<string, unknown>);
  const [key, inner] = entries[0] ?? [];
  return entries.length === 1 && inner === null && key !== undefined && /^[0-9a-f:.]*:$/i.test(key)
    ? `${key}:`
    : undefined;
}

function hint(value: unknown): string {
  const address = unquotedAddress(value);
  if (address !== undefined) return `; YAML reads an address that ends in a colon as a map, quote it: "${address}"`;
  return typeof value === 'number' || typeof value === 'boolean' ? '; quote it' : '';
}

/** A copy of the value without the parts at these paths; array elements keep their positions. */
function without(value: unknown, paths: readonly (readonly PropertyKey[])[]): unknown {
  if (paths.some((path) => path.length === 0)) return undefined;
  if (paths.length === 0 || typeof value !== 'object' || value === null) return value;
  const inner = (key: PropertyKey) => paths.filter((path) => path[0] === key).map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((item: unknown, i) => without(item, inner(i)));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, without(item, inner(key))]));
}

/**
 * Checks the structure of a raw value.
 *
 * @param at path of the value in the file
 * @returns the value if it is valid, else its valid parts; undefined if there are none
 */
export function structured<T>(
  structure: Structure<T>,
  raw: unknown,
  at: IssuePath,
  findings: Findings,
): Draft<T> | undefined {
  if (structure.fits(raw)) return raw as Draft<T>;
  const { schema } = structure;
  const result = schema.safeParse(raw);
  if (result.success) return result.data as Draft<T>;
  const bad: (readonly PropertyKey[])[] = [];
  const seen = new Set<string>();
  for (const issue of result.error.issues) {
    const path = [...at, ...(issue.path as PathSegment[])];
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, issue.path);
      for (const key of issue.keys) {
        findings.addKey(path, key, known);
        bad.push([...issue.path, key]);
      }
      continue;
    }
    // A value may fail two refinements with the same message.
    const place = JSON.stringify(issue.path);
    if (seen.has(place)) continue;
    seen.add(place);
    bad.push(issue.path);
    let value = raw;
    for (const segment of issue.path) value = child(value, segment);
    const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
    findings.add(path, value, issue.message + (wantsText ? hint(value) : ''));
  }
  // The rest fits the schema except for missing parts, which a Draft allows.
  return without(raw, bad) as Draft<T> | undefined;
}
