/** Rules for tracked files that no linter checks. */
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

describe('the tree', () => {
  it('is found: more than 50 sources', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(tracked).toContain('test/unit/tidy.test.ts');
  });

  it(`has no file of src/ over ${LINES_MAX} lines`, () => {
    // What `make gen` writes is as long as the C it comes from.
    const written = sources.filter(({ path }) => !path.includes('/generated/'));
    const long = written.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
    expect(long.filter(({ lines }) => lines > LINES_MAX)).toEqual([]);
  });

  it('has no `any` in TypeScript', () => {
    expect(typescript.flatMap(anyTypes)).toEqual([]);
  });

  it('has no directive that silences the linter or the compiler', () => {
    const silencers = ['eslint-' + 'disable', '@ts-' + 'ignore', '@ts-' + 'expect-error', '@ts-' + 'nocheck'];
    expect(grep(typescript, new RegExp(silencers.join('|')))).toEqual([]);
  });

  it('has raw FFI only in src/netlink, src/libbpf, src/kernel/libc.ts, and in bench/micro, which measures it', () => {
    const others = typescript.filter(
      ({ path }) => !/^(src\/(netlink|libbpf)\/|src\/kernel\/libc\.ts$|bench\/micro\/)/.test(path),
    );
    expect(grep(others, /\b(from|import|require)\b\W*['"]koffi['"]/)).toEqual([]);
  });

  it('starts programs of src/ in one file', () => {
    const starters = grep(sources, /^import (?!type).*['"](node:)?child_process['"]/).map((line) => line.split(':')[0]);
    expect(starters).toEqual(['src/kernel/program.ts']);
  });

  it('has the extension .js in relative imports', () => {
    expect(grep(typescript, /\b(from|import)\b\W*['"]\.{1,2}\/[^'"]*(?<!\.js|\.json)['"]/)).toEqual([]);
  });

  it('has no focused or skipped test', () => {
    const tests = typescript.filter(({ path }) => path.endsWith('.test.ts'));
    expect(grep(tests, /\b(it|test|describe)\.(only|skip|todo|skipIf|runIf|fails)\b/)).toEqual([]);
  });

  it('has no address of a package registry', () => {
    expect(grep(files, /\/\/[^/\s"']*(registry|npmjs|yarnpkg|pypi|artifactory|nexus)[^/\s"']*\.[a-z]+/)).toEqual([]);
    expect(grep(files, /"resolved": *"http/)).toEqual([]);
  });

  it("has no path of the author's machine", () => {
    expect(grep(files, /(^|[\s"'`=(:])\/(work|root|home\/[a-z]+)\/[A-Za-z0-9._]/)).toEqual([]);
  });

  it('has exact versions of dependencies', () => {
    const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >;
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it('has a licence in the first lines of C files', () => {
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
