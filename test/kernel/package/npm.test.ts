/**
 * npm's tarballs from `make packages`: reproducible, small, and installed in an empty folder, where every example of
 * the libraries' READMEs compiles and runs.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namespace, ROOT } from '../libbpf/harness.js';
import { libbpfExamples } from '../libbpf/examples.js';
import { netlinkExamples } from '../netlink/examples.js';
import { Examples } from '../examples.js';
import { ReadmeExamples } from '../readme.js';

const PACKAGES = ['libbpf-ts', 'netlink-ts', 'segue'];
/** Much is a folder too many: source maps, tests, the objects of bpf/test. */
const MAX_BYTES = { 'libbpf-ts': 120_000, 'netlink-ts': 120_000, segue: 2_500_000 };
const MAX_FILES = { 'libbpf-ts': 110, 'netlink-ts': 110, segue: 300 };

const directory = mkdtempSync(join(tmpdir(), 'segue-npm-'));
const installed = join(directory, 'installed');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const tarball = (name: string, out = 'once'): string => join(directory, out, `${name}-${version}.tgz`);
const run = (command: string, ...words: string[]): string =>
  execFileSync(command, words, { cwd: installed, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const filesOf = (name: string): string[] =>
  run('tar', '-tzf', tarball(name))
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));

beforeAll(() => {
  mkdirSync(installed);
  for (const out of ['once', 'again'])
    execFileSync(join(ROOT, 'scripts/packages'), ['--out', join(directory, out), 'npm']);
  writeFileSync(join(installed, 'package.json'), '{ "type": "module" }');
  // No network: koffi is the repository's.
  const options = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund'];
  run('npm', 'install', ...options, ...PACKAGES.map((name) => tarball(name)), join(ROOT, 'node_modules/koffi'));
  mkdirSync(join(installed, 'build'));
  symlinkSync(join(ROOT, 'build/bpf'), join(installed, 'build/bpf'));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe("npm's packages", () => {
  it('are reproducible', () => {
    const sums = (out: string): string[] =>
      readdirSync(join(directory, out))
        .sort()
        .map(
          (file) =>
            `${file} ${createHash('sha256')
              .update(readFileSync(join(directory, out, file)))
              .digest('hex')}`,
        );
    expect(sums('once')).toHaveLength(PACKAGES.length);
    expect(sums('again')).toEqual(sums('once'));
  });

  it.each(['libbpf-ts', 'netlink-ts', 'segue'] as const)('%s is small, without source maps and sources', (name) => {
    const files = filesOf(name);
    const packed = files.filter((file) => !file.startsWith('examples/'));
    expect(packed.filter((file) => /(?<!\.d)\.ts$|\.map$|tsbuildinfo|node_modules|tsconfig/.test(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE']));
    expect(files.length).toBeLessThan(MAX_FILES[name]);
    expect(statSync(tarball(name)).size).toBeLessThan(MAX_BYTES[name]);
  });

  it.each(PACKAGES)('%s depends only on koffi, without paths of the build machine', (name) => {
    const text = readFileSync(join(installed, 'node_modules', name, 'package.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ name, version, license: 'Apache-2.0', dependencies: { koffi: '3.3.4' } });
    expect(Object.keys((JSON.parse(text) as { dependencies: object }).dependencies)).toEqual(['koffi']);
    const grep = run(
      'sh',
      '-c',
      `grep -rlaF -e '${ROOT.replace(/\/$/, '')}' -e @segue/source node_modules/${name} || true`,
    );
    expect(grep).toBe('');
  });

  it('segue and libbpf-ts run where they are installed', () => {
    expect(run('node_modules/.bin/segue', '--version').trim()).toBe(version);
    expect(run('node_modules/.bin/libbpf-ts', 'gen', 'build/bpf/test/maps.o')).toContain("from 'libbpf-ts'");
  });
});

describe.each(['netlink', 'libbpf'])('the README of %s', (library) => {
  const readme = new ReadmeExamples(library, { root: installed, directory: `examples/${library}` });
  // One is about a file of this repository.
  const examples = readme.examples.filter(({ code }) => !code.includes('../../test/'));

  beforeAll(() => {
    readme.compile(examples);
  });

  it.each(examples)('$title', (example) => {
    expect(readme.run(namespace(), example)).toEqual(example.prints);
  });
});

describe('the examples of netlink-ts', () => {
  netlinkExamples(new Examples(copied('netlink-ts')));
});

describe('the examples of libbpf-ts', () => {
  libbpfExamples(new Examples(copied('libbpf-ts')), join(installed, 'libbpf-ts'));
});

/** A package's examples, copied to where the packages are installed once they are. */
function copied(name: string): string {
  const to = join(installed, name);
  beforeAll(() => {
    cpSync(join(installed, 'node_modules', name, 'examples'), to, { recursive: true });
  });
  return to;
}
