/** Commands in the documents use options that `--help` lists. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { blocks, commandLines, page, pages, ROOT } from '../../unit/docs/markdown.js';

interface Use {
  path: string;
  /** `show flow --l4-port 80`, without segue */
  words: string[];
}

/** Commands in shell blocks, and those in running text between backticks; decisions and changes tell of other times. */
const uses: Use[] = pages()
  .filter(({ path }) => !path.startsWith('docs/adr/') && path !== 'CHANGELOG.md')
  .flatMap((of) => {
    const shell = blocks(of)
      .filter(({ info }) => /^sh( |$)/.test(info))
      .flatMap(commandLines)
      .flatMap((line) =>
        [...line.matchAll(/(?:^|[\s(;&|])(?:bin\/)?segue ([a-z][^#|;&)]*)/g)].map(([, words = '']) => words),
      );
    const inline = [...of.text.matchAll(/`(?:bin\/)?segue ([a-z][^`\n]*)`/g)].map(([, words = '']) => words);
    return [...shell, ...inline].map((words) => ({ path: of.path, words: words.trim().split(/\s+/) }));
  });

const helps = new Map<string, string>();
function help(...words: string[]): string {
  const key = words.join(' ');
  let text = helps.get(key);
  if (text === undefined) {
    text = execFileSync(process.execPath, [join(ROOT, 'bin/segue'), ...words, '--help'], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
    helps.set(key, text);
  }
  return text;
}

/** Of the command that words begin with: down to the last that has commands of its own. */
function helpOf(words: readonly string[]): string {
  const [first = '', ...rest] = words;
  const path = [first];
  let text = help(first);
  for (const word of rest) {
    const [, listed = ''] = text.split('\nCommands:\n');
    if (!/^[a-z]+$/.test(word) || !new RegExp(`^ {2}${word}( |$)`, 'm').test(listed)) break;
    path.push(word);
    text = help(...path);
  }
  return text;
}

const commands = [...help().matchAll(/^ {2}([a-z]+)(?: |$)/gm)].map(([, name = '']) => name);

describe('commands in the documents', () => {
  it('are found: more than 150', () => {
    expect(uses.length).toBeGreaterThan(150);
  });

  it('exist', () => {
    const unknown = uses.filter(({ words: [first = ''] }) => ![...commands, 'man'].includes(first));
    expect(unknown.map(({ path, words }) => `${path}: segue ${words.join(' ')}`)).toEqual([]);
  });

  it('are all described in docs/commands.md', () => {
    const { text } = page('docs/commands.md');
    const isDescribed = (name: string): boolean => new RegExp(`\\bsegue ${name}\\b`).test(text);
    expect(commands.filter((name) => name !== 'help' && !isDescribed(name))).toEqual([]);
  });

  it('have the options shown', () => {
    const wrong = uses.flatMap(({ path, words }) => {
      const [first = ''] = words;
      if (first === 'man') return [];
      const text = helpOf(words);
      return words
        .filter((word) => /^--?[a-z]/.test(word))
        .map((word) => word.replace(/[=,.:)].*$/, ''))
        .filter((word) => !new RegExp(`(^|[ ,])${word}(?![a-z0-9-])`, 'm').test(text))
        .map((word) => `${path}: segue ${words.join(' ')}: ${word}`);
    });
    expect(wrong).toEqual([]);
  });

  it('name known tables of show', () => {
    const sorts =
      /choices: ([^)]+)\)/.exec(help('show').replaceAll(/\s+/g, ' '))?.[1]?.replaceAll('"', '').split(', ') ?? [];
    expect(sorts).toContain('flow');
    const unknown = uses
      .filter(({ words: [first, what = ''] }) => first === 'show' && /^[a-z]/.test(what))
      .filter(({ words: [, what = ''] }) => !what.split(/[|,]/).every((one) => sorts.includes(one)));
    expect(unknown.map(({ path, words }) => `${path}: segue ${words.join(' ')}`)).toEqual([]);
  });
});
