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

/** The format that `Accept` requests; JSON without a preference. @throws Problem (406) */
export function readFormat(accept: string | undefined): 'json' | 'text' {
  const types = (accept ?? '*/*').split(',').map((one) => one.split(';')[0]?.trim().toLowerCase() ?? '');
  for (const type of types) {
    if (type === JSON_TYPE || type === 'application/*' || type === '*/*') return 'json';
    if (type === TEXT || type === 'text/*') return 'text';
  }
  throw new Problem(406, { code: 'not-acceptable', detail: `Accept: expected ${JSON_TYPE} or ${TEXT}` });
}

function readBoolean(name: string, value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw bad(`${name}=${value}: expected true or false`);
}

function bad(detail: string): Problem {
  return new Problem(400, { code: BAD_INPUT, detail });
}
