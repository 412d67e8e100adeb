/** scripts/release, in a clone. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from './markdown.js';

const directory = mkdtempSync(join(tmpdir(), 'segue-release-'));
const env = {
  ...process.env,
  ...{ GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' },
  ...{
    GIT_AUTHOR_NAME: 'T',
    GIT_AUTHOR_EMAIL: 't@localhost',
    GIT_COMMITTER_NAME: 'T',
    GIT_COMMITTER_EMAIL: 't@localhost',
  },
};
const git = (...words: string[]): string =>
  execFileSync('git', words, { cwd: directory, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const release = (...words: string[]): { status: number | null; stdout: string; stderr: string } => {
  const { status, stdout, stderr } = spawnSync(join(directory, 'scripts/release'), words, { env, encoding: 'utf8' });
  return { status, stdout, stderr };
};
const text = (path: string): string => readFileSync(join(directory, path), 'utf8');

describe('scripts/release', () => {
  beforeAll(() => {
    execFileSync('git', ['clone', '-q', '--shared', ROOT, directory], { env });
    const libraries = ['src/netlink/package.json', 'src/libbpf/package.json'];
    for (const file of ['scripts/release', 'scripts/env', 'package.json', 'package-lock.json', ...libraries]) {
      copyFileSync(join(ROOT, file), join(directory, file));
    }
    writeFileSync(
      join(directory, 'CHANGELOG.md'),
      '# Changes\n\n## Unreleased\n\n- A new thing.\n\n## 0.0.1 (2020-01-01)\n\n- Old.\n',
    );
    git('add', '-A');
    git('commit', '-q', '--allow-empty', '-m', 'as it is now');
  }, 300_000);
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  it('refuses an invalid version, and one that is not higher than the present', () => {
    expect(release('1.2')).toMatchObject({ status: 1, stderr: 'release: version 1.2: expected MAJOR.MINOR.PATCH\n' });
    expect(release('0.0.1').stderr).toMatch(/^release: version 0\.0\.1: expected one above \d/);
    expect(release().status).toBe(2);
  });

  it('refuses uncommitted changes', () => {
    writeFileSync(join(directory, 'more'), '');
    expect(release('99.0.0').stderr).toBe('release: the work tree has changes: expected all of it committed\n');
    rmSync(join(directory, 'more'));
  });

  it('--dry-run shows the changes, and alters nothing', () => {
    expect(release('--dry-run', '99.0.0')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('- A new thing.') as string,
    });
    expect(git('status', '--porcelain') + git('tag', '-l', 'v99.0.0')).toBe('');
  });

  it('commits the version and the heading, and tags them with the changes', () => {
    expect(release('99.0.0')).toMatchObject({ status: 0, stderr: '' });
    expect(git('show', '--stat', '--format=%s')).toMatch(
      /^release: 99\.0\.0\n[^]*CHANGELOG\.md[^]*package-lock\.json[^]*package\.json/,
    );
    for (const file of ['package.json', 'package-lock.json', 'src/netlink/package.json', 'src/libbpf/package.json'])
      expect(JSON.parse(text(file))).toMatchObject({ version: '99.0.0' });
    expect(JSON.parse(text('package.json'))).toMatchObject({
      dependencies: { 'netlink-ts': '99.0.0', 'libbpf-ts': '99.0.0' },
    });
    // As npm would write it: nothing is left for `npm install` to change.
    execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts', '--offline'], { cwd: directory, env });
    expect(git('status', '--porcelain')).toBe('');
    expect(text('CHANGELOG.md')).toMatch(
      /^# Changes\n\n## Unreleased\n\n## 99\.0\.0 \(\d{4}-\d\d-\d\d\)\n\n- A new thing\.\n/,
    );
    expect(text('package-lock.json')).not.toMatch(/"resolved": "(?!src\/)/);
    expect(git('tag', '-l', '--format=%(contents)', 'v99.0.0')).toContain('- A new thing.');
    expect(git('status', '--porcelain')).toBe('');
  });

  it('refuses a release without changes', () => {
    expect(release('99.0.1').stderr).toBe(
      'release: CHANGELOG.md has nothing under "## Unreleased": expected what users see change\n',
    );
  });
});
