/** Shell completion and manual pages, tested with the shells and mandoc. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../libbpf/harness.js';

const directory = mkdtempSync(join(tmpdir(), 'segue-completion-'));
const segue = (...args: string[]): string => execFileSync(join(ROOT, 'bin/segue'), args, { encoding: 'utf8' });
const scriptOf = (shell: string): string => join(directory, `segue.${shell}`);

beforeAll(() => {
  for (const shell of ['bash', 'zsh', 'fish']) writeFileSync(scriptOf(shell), segue('completion', shell));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** @param words of a command line, the last of them half written. @returns what the shell offers for it */
const OFFERS: Record<string, (words: readonly string[]) => string[]> = {
  bash(words) {
    const script = `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _segue; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script, scriptOf('bash'), ...words], { encoding: 'utf8' })
      .trim()
      .split('\n');
  },
  fish(words) {
    const script = `source $argv[1]; complete -C "$argv[2]"`;
    const line = words.join(' ');
    const output = execFileSync('fish', ['--no-config', '-c', script, scriptOf('fish'), line], { encoding: 'utf8' });
    // Descriptions stand behind a tab.
    return output
      .trim()
      .split('\n')
      .map((one) => one.split('\t')[0] ?? '');
  },
};

/** A zsh at a terminal, where the line is typed and Tab is pressed. @returns the line after that */
function typedInZsh(line: string): string {
  const script = `
    zmodload zsh/zpty
    zpty shell 'TERM=dumb zsh -f -i'
    zpty -w shell "autoload -Uz compinit; compinit -u -D; source $1; print begi''n"
    zpty -r shell output '*begin*'
    zpty -n -w shell "$2"$'\\t'
    zpty -n -w shell $'\\x01print -r -- "line: \\x05"; print en\\x27\\x27d\\n'
    while zpty -r shell one; do print -rn -- $one; [[ $one == end* ]] && break; done
    zpty -d shell`;
  const output = execFileSync('zsh', ['-f', '-c', script, 'zsh', scriptOf('zsh'), line], { encoding: 'utf8' });
  return /^line: (.*?)\s*$/m.exec(output)?.[1] ?? output;
}

describe.each(['bash', 'fish'])('%s offers', (shell) => {
  it.each([
    ['segue sh', ['show']],
    ['segue show ro', ['route']],
    ['segue show route --l4', ['--l4-port']],
    ['segue agent --log-level w', ['warn']],
    ['segue trace -p l', ['lo']],
    ['segue lab ', ['down', 'run', 'up']],
    ['segue lab run --topology ', ['steering', 'tenants']],
  ])('%s', (line, offered) => {
    expect(OFFERS[shell]?.(line.split(' ')).sort()).toEqual(offered);
  });

  it('completes file names for file arguments', () => {
    const [offered = ''] = OFFERS[shell]?.(['segue', 'apply', '-c', `${ROOT}/packa`]) ?? [];
    expect(offered).toMatch(/package|packaging/);
  });
});

describe('zsh completes', () => {
  it.each([
    ['segue sh', 'segue show'],
    ['segue show ro', 'segue show route'],
    ['segue show route --l4', 'segue show route --l4-port'],
    ['segue agent --log-level w', 'segue agent --log-level warn'],
    ['segue trace -p l', 'segue trace -p lo'],
  ])('%s', (line, completed) => {
    expect(typedInZsh(line)).toBe(completed);
  });
});

describe('manual pages', () => {
  const pages = join(directory, 'man');
  beforeAll(() => {
    segue('man', pages);
  });

  it("pass mandoc's lint without an error", () => {
    const files = readdirSync(pages).map((file) => join(pages, file));
    expect(files.length).toBeGreaterThan(10);
    // mandoc exits with 3 at an error, and says where.
    expect(execFileSync('mandoc', ['-T', 'lint', '-W', 'error', ...files], { encoding: 'utf8' })).toBe('');
  });

  it.each(['apply', 'agent', 'purge', 'show', 'trace', 'capture'])('list every option of %s', (command) => {
    const help = segue(command, '--help');
    const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, option = '']) => option);
    const page = execFileSync('mandoc', ['-T', 'utf8', join(pages, `segue-${command}.8`)], { encoding: 'utf8' });
    // Bold is a letter, a backspace and the letter again.
    const text = page.split('\b').reduce((before, after) => before.slice(0, -1) + after);
    expect(options.length).toBeGreaterThan(3);
    for (const option of options) expect(text).toContain(option);
    expect(readFileSync(join(pages, 'segue.8'), 'utf8')).toContain(`segue\\-${command}`);
  });
});
