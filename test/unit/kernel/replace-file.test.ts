import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replaceFile } from '../../../src/kernel/replace-file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-replace-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

describe('replaceFile', () => {
  it('creates a file with its permissions and parent folders, and replaces it', () => {
    const path = join(directory, 'a/b/file');
    replaceFile(path, 'one', 0o600);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    replaceFile(path, 'two', 0o600);
    expect(readFileSync(path, 'utf8')).toBe('two');
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it('does not write through a symbolic link at its temporary name', () => {
    const [path, victim] = [join(directory, 'file'), join(directory, 'victim')];
    writeFileSync(victim, 'mine');
    symlinkSync(victim, `${path}.new`);
    replaceFile(path, 'text');
    expect([readFileSync(path, 'utf8'), readFileSync(victim, 'utf8')]).toEqual(['text', 'mine']);
  });

  it('leaves no temporary file after an error', () => {
    const path = join(directory, 'folder');
    mkdirSync(path);
    expect(() => {
      replaceFile(path, 'text');
    }).toThrow(/EISDIR/);
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});
