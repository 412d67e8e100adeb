/** docs/intent.md agrees with the code: its examples are valid, and its messages are those of the refusal tables. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { INTENT_FIELDS, INTENT_MODEL } from '../../../src/app/features.js';
import {
  MAX_DEPTH_LEVELS,
  MAX_JSON_BYTES,
  MAX_NAME_CHARS,
  MAX_TENANT_ID,
  MAX_VIA_SEGMENTS,
  MAX_YAML_BYTES,
} from '../../../src/intent/bounds.js';
import { checkNodeInIntent, parseIntent } from '../../../src/app/intent.js';
import { parseNodeConfig } from '../../../src/intent/load.js';
import { nodeFileStructure } from '../../../src/intent/schema.js';

const docs = readFileSync(new URL('../../../docs/intent.md', import.meta.url), 'utf8');
const tables = new URL('refusals/', import.meta.url);

function block(opening: string): string {
  const [, rest = ''] = docs.split(`\`\`\`${opening}\n`);
  return rest.slice(0, rest.indexOf('```'));
}

describe('docs/intent.md', () => {
  it('has examples that are valid together', () => {
    const config = parseNodeConfig(block('yaml node.yaml'), { file: 'node.yaml' });
    const intent = parseIntent(block('yaml intent.yaml'), { file: 'intent.yaml' });
    expect(intent.ports).toHaveLength(3);
    expect(() => checkNodeInIntent(config, intent, 'node.yaml')).not.toThrow();
  });

  it('quotes messages of the refusal tables verbatim', () => {
    const messages = new Set(
      readdirSync(tables)
        .filter((name) => !name.startsWith('good-'))
        .flatMap((name) => parseYaml(readFileSync(new URL(name, tables), 'utf8')) as { messages: string[] }[])
        .flatMap((row) => row.messages),
    );
    const quoted = block('text').trimEnd().split('\n');
    expect(quoted.length).toBeGreaterThan(15);
    for (const line of quoted) expect(messages).toContain(line);
  });

  it('describes every key', () => {
    const files = [nodeFileStructure, INTENT_MODEL.file];
    const lists = INTENT_MODEL.lists.map(({ structure }) => structure);
    const keys = [...files, ...Object.values(INTENT_MODEL.structures), ...lists].flatMap((structure) => structure.keys);
    for (const key of [...keys, ...Object.keys(INTENT_FIELDS.subnet)]) {
      expect(docs, key).toMatch(new RegExp(`\`([a-z]+\\[\\]\\.)?${key}(\\[\\])?\``));
    }
  });

  it('states the limits of the code', () => {
    expect(docs).toContain(`A YAML file may have ${MAX_YAML_BYTES / 1024 ** 2} MiB`);
    expect(docs).toContain(`(${MAX_JSON_BYTES / 1024 ** 2} MiB`);
    expect(docs).toContain(`more than ${MAX_DEPTH_LEVELS} deep`);
    expect(docs).toContain(`1 to ${MAX_NAME_CHARS} letters`);
    expect(docs).toContain(`1 to ${MAX_TENANT_ID}`);
    expect(docs).toContain(`list of SIDs, 1 to ${MAX_VIA_SEGMENTS}`);
  });
});
