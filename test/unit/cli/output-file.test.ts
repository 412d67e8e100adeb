/** `--output` replaces regular files only. */
import { execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { writeOutput } from '../../../src/cli/output-file.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'segue-output-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

it("--output writes a new file, an existing one, and a link's target", () => {
  const [file, link] = [join(directory, 'report'), join(directory, 'latest')];
  writeOutput('--output', file, 'one');
  writeOutput('--output', file, 'two');
  symlinkSync(file, link);
  writeOutput('--output', link, 'three');
  expect(readFileSync(file, 'utf8')).toBe('three');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

it('--output refuses a FIFO, a device and a folder, and leaves them', () => {
  const fifo = join(directory, 'fifo');
  const toDevice = join(directory, 'out');
  execFileSync('mkfifo', [fifo]);
  symlinkSync('/dev/null', toDevice);
  for (const path of [fifo, '/dev/null', toDevice, directory]) {
    expect(() => {
      writeOutput('--output', path, 'text');
    }).toThrow(`--output ${path}: expected a regular file, or a path that does not exist`);
  }
  expect(lstatSync(fifo).isFIFO()).toBe(true);
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  expect(lstatSync(toDevice).isSymbolicLink()).toBe(true);
});

it('--output refuses a missing folder, or makes it on request', () => {
  const file = join(directory, 'new', 'node.yaml');
  expect(() => {
    writeOutput('--output', file, 'text');
  }).toThrow(`folder ${join(directory, 'new')}: expected an existing folder`);
  writeOutput('--output', file, 'text', true);
  expect(readFileSync(file, 'utf8')).toBe('text');
});

it('--output reports a file system that allows no folder', () => {
  expect(() => {
    writeOutput('--output', '/proc/none/report', 'text', true);
  }).toThrow('--output /proc/none/report: cannot be written: ENOENT');
});

it('--output refuses a path below a file', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => {
    writeOutput('--output', join(file, 'below'), 'text', true);
  }).toThrow(/--output .*below: /);
});
