/** Example files in documents are complete and valid; make targets and scripts named there exist. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkNodeInIntent, parseIntent } from '../../../src/app/intent.js';
import { parseNodeConfig } from '../../../src/intent/load.js';
import { blocks, page, pages, ROOT } from './markdown.js';

const all = pages().filter(({ path }) => !path.startsWith('docs/adr/') && path !== 'CHANGELOG.md');
const shown = all.flatMap((of) => blocks(of).map((block) => ({ path: of.path, ...block })));

describe('example files in documents', () => {
  const intents = shown.filter(({ info }) => /^yaml .*intent\.yaml$/.test(info));
  const nodeFiles = shown.filter(({ info }) => /^yaml .*node\.yaml$/.test(info));

  it('are named and complete', () => {
    expect(intents.map(({ path }) => path).sort()).toEqual(['README.md', 'docs/intent.md', 'docs/steering.md']);
    expect(nodeFiles.length).toBeGreaterThan(1);
    const unnamed = shown.filter(({ info, text }) => info === 'yaml' && /^(version|node): /m.test(text));
    expect(unnamed.map(({ path }) => path)).toEqual([]);
    for (const { path, text } of intents) expect(text, path).toMatch(/^version: 1$/m);
  });

  it.each(intents)('are valid: the intent of $path', ({ text }) => {
    expect(parseIntent(text, { file: 'intent.yaml' }).ports.length).toBeGreaterThan(1);
  });

  it.each(nodeFiles)('are valid: the node file of $path', ({ text }) => {
    expect(parseNodeConfig(text, { file: 'node.yaml' }).uplinks.length).toBeGreaterThan(0);
  });

  it("agree: README's node is in README's intent", () => {
    const of = (name: string): string =>
      blocks(page('README.md')).find(({ info }) => info === `yaml /etc/segue/${name}`)?.text ?? '';
    const config = parseNodeConfig(of('node.yaml'), { file: 'node.yaml' });
    expect(() => {
      checkNodeInIntent(config, parseIntent(of('intent.yaml'), { file: 'intent.yaml' }), 'node.yaml');
    }).not.toThrow();
  });
});

describe('documents name only existing', () => {
  const code = all.flatMap(({ path, text }) => [
    ...blocks({ path, text }).flatMap(({ info, text: body }) => (/^sh( |$)/.test(info) ? [{ path, text: body }] : [])),
    ...[...text.matchAll(/`([^`\n]+)`/g)].map(([, words = '']) => ({ path, text: words })),
  ]);

  it('make targets', () => {
    const targets = new Set(
      [...readFileSync(join(ROOT, 'Makefile'), 'utf8').matchAll(/^([a-z-]+):/gm)].map(([, name]) => name),
    );
    const named = code.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:^|[;&|] *)make ((?:[a-z-]+ ?)+)/gm)].flatMap(([, words = '']) =>
        words
          .trim()
          .split(' ')
          .map((target) => ({ path, target })),
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ target }) => !targets.has(target))).toEqual([]);
  });

  it('scripts', () => {
    const named = code.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:^|[\s(;&|])((?:scripts|test\/vm|\.ci)\/[a-z-]+(?:\.js)?)(?=[\s;)]|$)/gm)].map(
        ([, file = '']) => ({
          path,
          file,
        }),
      ),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it('files (CONTRIBUTING, testing, debug)', () => {
    const named = ['CONTRIBUTING.md', 'docs/testing.md', 'docs/debug.md'].flatMap((path) =>
      [...page(path).text.matchAll(/`((?:src|bpf|test|native|bench|docs|scripts|packaging)\/[\w./-]+)`/g)].map(
        ([, file = '']) => ({
          path,
          file,
        }),
      ),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(({ file }) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});
