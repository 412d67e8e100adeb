/** House rules of the tracked files that no linter has: what would be found in review otherwise. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LINES_MAX = 400;

/** -c: the owner of the tree need not be who runs the tests (a container's root, for one). */
const tracked = execFileSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z', '--cached'], { cwd: ROOT })
  .toString()
  .split('\0')
  .filter((path) => path !== '');

/** Text of each tracked file that is there; one that was deleted but not yet committed is not. */
const files = tracked.flatMap((path) => {
  try {
    return [{ path, text: readFileSync(join(ROOT, path), 'utf8') }];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
});
const sources = files.filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts'));
const typescript = files.filter(({ path }) => path.endsWith('.ts'));

/** `path:line: the line` of every line that matches. */
function grep(where: readonly { path: string; text: string }[], pattern: RegExp): string[] {
  return where.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

/** `path:line` of every type `any`: the word in comments and texts does not count. */
function anyTypes({ path, text }: { path: string; text: string }): string[] {
  if (!/\bany\b/.test(text)) return []; // parsing costs
  const found: string[] = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false);
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      found.push(`${path}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('tidy', () => {
  it('reads the tree', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(tracked).toContain('test/unit/tidy.test.ts');
  });

  it(`no file of src/ is longer than ${LINES_MAX} lines`, () => {
    // What `make gen` writes is as long as the C it comes from.
    const written = sources.filter(({ path }) => !path.includes('/generated/'));
    const long = written.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  it('no `any` in TypeScript', () => {
    expect(typescript.flatMap(anyTypes)).toEqual([]);
  });

  it('nobody silences the linter or the compiler', () => {
    const silencers = ['eslint-' + 'disable', '@ts-' + 'ignore', '@ts-' + 'expect-error', '@ts-' + 'nocheck'];
    expect(grep(typescript, new RegExp(silencers.join('|')))).toEqual([]);
  });

  it('raw FFI stays in src/netlink, src/libbpf and src/kernel/libc.ts; bench/micro measures it', () => {
    const others = typescript.filter(
      ({ path }) => !/^(src\/(netlink|libbpf)\/|src\/kernel\/libc\.ts$|bench\/micro\/)/.test(path),
    );
    expect(grep(others, /\b(from|import|require)\b\W*['"]koffi['"]/)).toEqual([]);
  });

  it('src/ starts programs in one place', () => {
    const starters = grep(sources, /^import (?!type).*['"](node:)?child_process['"]/).map((line) => line.split(':')[0]);
    expect(starters).toEqual(['src/kernel/program.ts']);
  });

  it('relative imports name the file that will be there: .js', () => {
    expect(grep(typescript, /\b(from|import)\b\W*['"]\.{1,2}\/[^'"]*(?<!\.js|\.json)['"]/)).toEqual([]);
  });

  it('no test is focused or skipped', () => {
    const tests = typescript.filter(({ path }) => path.endsWith('.test.ts'));
    expect(grep(tests, /\b(it|test|describe)\.(only|skip|todo|skipIf|runIf|fails)\b/)).toEqual([]);
  });

  it('no address of a package registry', () => {
    expect(grep(files, /\/\/[^/\s"']*(registry|npmjs|yarnpkg|pypi|artifactory|nexus)[^/\s"']*\.[a-z]+/)).toEqual([]);
    expect(grep(files, /"resolved": *"http/)).toEqual([]);
  });

  it('no path of the machine it was written on', () => {
    expect(grep(files, /(^|[\s"'`=(:])\/(work|root|home\/[a-z]+)\/[A-Za-z0-9._]/)).toEqual([]);
  });

  it('versions of dependencies are exact', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('C says its licence in the first lines', () => {
    const c = files.filter(({ path }) => /\.[ch]$/.test(path));
    const silent = c.filter(
      ({ text }) => !text.split('\n').slice(0, 3).join('\n').includes('SPDX-License-Identifier: '),
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
    const bpf = c.filter(({ path }) => path.startsWith('bpf/'));
    const wrong = bpf.filter(({ text }) => !text.includes('SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)'));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});
