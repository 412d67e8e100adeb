import { Problem } from './problem.js';
import { BAD_INPUT, JSON_TYPE, TEXT } from './protocol.js';
import type { ShownOptions } from '../cli/show/shown.js';

/** Parameters with a value. */
const VALUES = ['tenant', 'port', 'address', 'l4Port', 'proto', 'limit'] as const;
const MAX_VALUE_CHARS = 256;

/** @throws Problem (400) */
export function readShownQuery(query: URLSearchParams): ShownOptions {
  const options: ShownOptions = {};
  for (const [name, value] of query) {
    if (query.getAll(name).length > 1) throw bad(`${name}: expected once`);
    if (value.length > MAX_VALUE_CHARS) throw bad(`${name}: expected at most ${MAX_VALUE_CHARS} characters`);
    const known = VALUES.find((one) => one === name);
    if (known !== undefined) options[known] = value;
    else if (name === 'all') options.all = readBoolean(name, value);
    else throw bad(`${name}: expected one of ${[...VALUES, 'all'].join(', ')}`);
  }
  if (options.all === false) delete options.all;
  return options;
}

/** @throws Problem (400) if there are any parameters */
export function refuseQuery(query: URLSearchParams): void {
  const [first] = query.keys();
  if (first !== undefined) throw bad(`${first}: expected no parameter`);
}

/** The format that `Accept` prefers (RFC 9110 section 12.5.1): of equal weights the first one, else JSON. @throws Problem (406) */
export function readFormat(accept: string | undefined): 'json' | 'text' {
  const ranges = (accept ?? '*/*').split(',').map(readRange);
  const json = weightOf([JSON_TYPE, 'application/*', '*/*'], ranges);
  const text = weightOf([TEXT, 'text/*', '*/*'], ranges);
  if (json.weight <= 0 && text.weight <= 0) {
    throw new Problem(406, { code: 'not-acceptable', detail: `Accept: expected ${JSON_TYPE} or ${TEXT}` });
  }
  if (json.weight !== text.weight) return json.weight > text.weight ? 'json' : 'text';
  return json.at <= text.at ? 'json' : 'text';
}

interface MediaRange {
  type: string;
  weight: number;
}

function readRange(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((one) => one.trim().toLowerCase());
  const quality = parameters.find((one) => one.startsWith('q='));
  const weight = quality === undefined ? 1 : Number(quality.slice('q='.length));
  return { type, weight: Number.isNaN(weight) ? 1 : weight };
}

/** @param types from the most specific one, which decides (RFC 9110 section 12.5.1) */
function weightOf(types: readonly string[], ranges: readonly MediaRange[]): { weight: number; at: number } {
  for (const type of types) {
    const at = ranges.findIndex((range) => range.type === type);
    if (at >= 0) return { weight: ranges[at]?.weight ?? 0, at };
  }
  return { weight: 0, at: Infinity };
}

function readBoolean(name: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw bad(`${name}=${value}: expected true or false`);
}

function bad(detail: string): Problem {
  return new Problem(400, { code: BAD_INPUT, detail });
}
