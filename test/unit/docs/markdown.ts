/** Reads the repository's documents. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export interface Page {
  /** from the root of the repository: `docs/intent.md` */
  path: string;
  text: string;
}

/** A fenced block. */
export interface Block {
  /** the info string: `sh run`, `yaml intent.yaml`, empty */
  info: string;
  text: string;
}

/** Every tracked document that is there. */
export function pages(): Page[] {
  return execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '*.md'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  )
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export function page(path: string): Page {
  return { path, text: readFileSync(join(ROOT, path), 'utf8') };
}

export function blocks({ text }: Page): Block[] {
  return [...text.matchAll(/^( *)```([^\n`]*)\n([^]*?)^\1```$/gm)].map(([, indent = '', info = '', body = '']) => ({
    info: info.trim(),
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }));
}

/** The document without its blocks and inline code. */
export function prose({ text }: Page): string {
  return text.replaceAll(/^( *)```[^\n`]*\n[^]*?^\1```$/gm, '').replaceAll(/`[^`\n]*`/g, '');
}

/** Commands of a shell block, one a line: continued lines joined, comments and blank lines gone. */
export function commandLines({ text }: Block): string[] {
  return joinQuoted(text.replaceAll('\\\n', ' ').split('\n')).filter(
    (line) => line.trim() !== '' && !/^\s*#/.test(line),
  );
}

/** Lines within double quotes belong to the line in which the quotes open. */
function joinQuoted(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const line of lines) {
    if (open) joined[joined.length - 1] += `\n${line}`;
    else joined.push(line);
    if ((line.match(/"/g) ?? []).length % 2 === 1) open = !open;
  }
  return joined;
}

/** The anchor that GitHub gives a heading. */
export function anchors({ text }: Page): Set<string> {
  const found = new Map<string, number>();
  const all = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^( *)```[^\n`]*\n[^]*?^\1```$/gm, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-');
    const seen = found.get(slug) ?? 0;
    found.set(slug, seen + 1);
    all.add(seen === 0 ? slug : `${slug}-${seen}`);
  }
  return all;
}
