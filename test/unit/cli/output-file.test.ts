/** Where `--output` may lead: nothing but a regular file is replaced. */
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

it('a new file, one that is there, and the one that a link leads to', () => {
  const [file, link] = [join(directory, 'report'), join(directory, 'latest')];
  writeOutput('--output', file, 'one');
  writeOutput('--output', file, 'two');
  symlinkSync(file, link);
  writeOutput('--output', link, 'three');
  expect(readFileSync(file, 'utf8')).toBe('three');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
});

it('a FIFO, a device and a folder are refused, and stay', () => {
  const fifo = join(directory, 'fifo');
  const toDevice = join(directory, 'out');
  execFileSync('mkfifo', [fifo]);
  symlinkSync('/dev/null', toDevice);
  for (const path of [fifo, '/dev/null', toDevice, directory]) {
    expect(() => {
      writeOutput('--output', path, 'text');
    }).toThrow(`--output ${path}: expected a regular file, or none yet`);
  }
  expect(lstatSync(fifo).isFIFO()).toBe(true);
  expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
  expect(lstatSync(toDevice).isSymbolicLink()).toBe(true);
});

it('a folder that is not there is refused, or made where that is meant', () => {
  const file = join(directory, 'new', 'node.yaml');
  expect(() => {
    writeOutput('--output', file, 'text');
  }).toThrow(`no folder ${join(directory, 'new')}: expected one that is there`);
  writeOutput('--output', file, 'text', true);
  expect(readFileSync(file, 'utf8')).toBe('text');
});

it('where the file system takes no folder it says so', () => {
  expect(() => {
    writeOutput('--output', '/proc/none/report', 'text', true);
  }).toThrow('--output /proc/none/report: it cannot be written: ENOENT');
});

it('a file that is no file below it', () => {
  const file = join(directory, 'file');
  writeFileSync(file, '');
  expect(() => {
    writeOutput('--output', join(file, 'below'), 'text', true);
  }).toThrow(/--output .*below: /);
});
