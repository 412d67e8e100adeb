/** Invalid files and the exact message for each; the tables are refusals/*.yaml, which docs/intent.md refers to. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { IntentError } from '../../../src/intent/errors.js';
import { parseIntent } from '../../../src/app/intent.js';
import { parseNodeConfig } from '../../../src/intent/load.js';

/** Either a whole file, or the good file of the table with one part replaced by another. */
interface Row {
  title: string;
  file?: string;
  text?: string;
  replace?: string;
  by?: string;
  messages: string[];
}

const directory = fileURLToPath(new URL('refusals/', import.meta.url));
const read = (name: string): string => readFileSync(directory + name, 'utf8');
const goodIntent = read('good-intent.yaml');
const goodNode = read('good-node.yaml');
const goodSteering = read('good-steering.yaml');

function fileOf(table: string, row: Row): { file: string; text: string } {
  if (row.text !== undefined) return { file: row.file ?? 'intent.yaml', text: row.text };
  const isNode = table === 'node-file.yaml';
  const good = isNode ? goodNode : table === 'steering.yaml' ? goodSteering : goodIntent;
  const replace = row.replace ?? '';
  expect(good.split(replace), 'the replaced part stands in the good file once').toHaveLength(2);
  return { file: isNode ? 'node.yaml' : 'intent.yaml', text: good.replace(replace, () => row.by ?? '') };
}

function messagesOf({ file, text }: { file: string; text: string }): string[] {
  try {
    if (file.startsWith('node')) parseNodeConfig(text, { file });
    else parseIntent(text, { file });
  } catch (error) {
    if (!(error instanceof IntentError)) throw error;
    expect(error.code).toBe('INTENT_INVALID');
    expect(error.message.split('\n')).toHaveLength(error.issues.length);
    return error.message.split('\n');
  }
  return ['accepted'];
}

const tables = readdirSync(directory)
  .filter((name) => !name.startsWith('good-'))
  .map((name) => ({ name, rows: parseYaml(read(name)) as Row[] }));

describe.each(tables)('$name', ({ name, rows }) => {
  it.each(rows)('$title', (row) => {
    expect(messagesOf(fileOf(name, row))).toEqual(row.messages);
  });
});

describe('refusals', { timeout: 300_000 }, () => {
  it('have at least 45 rows, without duplicates', () => {
    const rows = tables.flatMap(({ rows }) => rows);
    expect(rows.length).toBeGreaterThanOrEqual(45);
    expect(new Set(rows.map((row) => JSON.stringify([row.text, row.replace, row.by]))).size).toBe(rows.length);
    expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
  });

  it('start from files that are accepted', () => {
    expect(messagesOf({ file: 'intent.yaml', text: goodIntent })).toEqual(['accepted']);
    expect(messagesOf({ file: 'intent.yaml', text: goodSteering })).toEqual(['accepted']);
    expect(messagesOf({ file: 'node.yaml', text: goodNode })).toEqual(['accepted']);
  });

  it('report every error of a file at once, in the order of the file', () => {
    const text = goodIntent
      .replace('version: 1', 'version: 3')
      .replace('name: hv2, locator: fd00:5e:2::/48', 'name: hv2, locator: fd00:5f:2::/48, color: red')
      .replace('id: 200', 'id: 0')
      .replace('addresses: [10.0.0.11]', 'addresses: [10.0.0.300, 10.0.0.1, 5, 10.0.0.10]')
      .replace('02:00:00:00:00:0b', '02:00:00:00:00:0a')
      .replace('to: hv2', 'to: hv4');
    expect(messagesOf({ file: 'intent.yaml', text })).toEqual([
      'intent.yaml:1:10: version: 3: expected 1, the version of this format',
      'intent.yaml:5:27: nodes[1].locator: "fd00:5f:2::/48": expected a prefix inside the SID block fd00:5e::/32',
      'intent.yaml:5:43: nodes[1]: "color": expected one of the keys name, locator, source, acceptedSources, behaviours, drain',
      'intent.yaml:13:9: tenants[1].id: 0: expected a whole number from 1 to 16777215',
      'intent.yaml:18:67: ports[1].mac: "02:00:00:00:00:0a": expected a MAC address no other port of tenant red has; ports[0] (red-a) has it',
      'intent.yaml:18:100: ports[1].addresses[0]: "10.0.0.300": expected an IPv4 or IPv6 address',
      'intent.yaml:18:112: ports[1].addresses[1]: "10.0.0.1": expected an address other than the gateway of 10.0.0.0/24',
      'intent.yaml:18:122: ports[1].addresses[2]: 5: expected an IPv4 or IPv6 address; quote it',
      'intent.yaml:18:125: ports[1].addresses[3]: "10.0.0.10": expected an address given once in tenant red; ports[0] (red-a) has it',
      'intent.yaml:20:11: paths[0].to: "hv4": expected the name of a node of this file (hv1, hv2)',
    ]);
  });

  it('have a path, a value and an expectation for programs', () => {
    try {
      parseIntent(goodIntent.replace('id: 200', 'id: -1'), { file: 'intent.yaml' });
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(IntentError);
      expect((error as IntentError).file).toBe('intent.yaml');
      expect((error as IntentError).issues).toEqual([
        {
          path: 'tenants[1].id',
          value: -1,
          found: '-1',
          expected: 'a whole number from 1 to 16777215',
          line: 13,
          column: 9,
        },
      ]);
    }
  });

  it('are counted beyond the limit of a message, and all are available', () => {
    const nodes = Array.from({ length: 1500 }, (_, i) => ({ name: `hv${i}`, locator: 'x' }));
    const text = JSON.stringify({ version: 1, sidBlock: 'fd00:5e::/32', nodes, tenants: [], ports: [] });
    try {
      parseIntent(text, { file: 'intent.json' });
      expect.unreachable();
    } catch (error) {
      expect((error as IntentError).issues).toHaveLength(1500);
      const lines = (error as IntentError).message.split('\n');
      expect(lines).toHaveLength(1001);
      expect(lines.at(-1)).toBe('intent.json: 500 more errors');
    }
  });
});
