import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readRegularFile } from '../../../src/intent/regular-file.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-regular-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it('readRegularFile() reads a file', () => {
  writeFileSync(join(directory, 'cert.pem'), 'PEM');
  expect(readRegularFile(join(directory, 'cert.pem')).toString()).toBe('PEM');
});

it('readRegularFile() refuses a FIFO, a device and a directory, which may block', () => {
  const fifo = join(directory, 'fifo');
  execFileSync('mkfifo', [fifo]);
  for (const path of [fifo, '/dev/zero', directory]) {
    expect(() => readRegularFile(path)).toThrow(`${path}: expected a regular file`);
  }
});
