/** A file's bytes to its text, within bounds, with refusals in place of exceptions. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { MAX_JSON_BYTES, MAX_YAML_BYTES } from './bounds.js';
import type { Findings } from './findings.js';

export type Format = 'yaml' | 'json';

export interface FileText {
  text: string;
  /** SHA-256 of the bytes: tells a file that was only touched from one that was changed. */
  digest: string;
}

/** By the name: `.json` is JSON, all else YAML. */
export function formatOf(file: string): Format {
  return /\.json$/i.test(file) ? 'json' : 'yaml';
}

function tooLarge(format: Format, bytes: number): [found: string, expected: string] {
  const limit = format === 'yaml' ? MAX_YAML_BYTES : MAX_JSON_BYTES;
  const advice = format === 'yaml' ? '; write larger files as JSON, the same keys in a file named .json' : '';
  return [`${bytes} bytes`, `at most ${limit} bytes of ${format === 'yaml' ? 'YAML' : 'JSON'}${advice}`];
}

function isTooLarge(format: Format, bytes: number): boolean {
  return bytes > (format === 'yaml' ? MAX_YAML_BYTES : MAX_JSON_BYTES);
}

/** Reports a text that is larger than its format may be. For YAML the bound keeps the agent's one thread free. */
export function checkSize(format: Format, bytes: number, findings: Findings): boolean {
  if (!isTooLarge(format, bytes)) return true;
  findings.addFile(...tooLarge(format, bytes));
  return false;
}

const ERRNO: Record<string, string> = {
  ENXIO: 'a socket or a device that is not there',
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  ENOTDIR: 'no such file (a part of the path is no directory)',
};

/** What says nothing of the file, and may be over the next time. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a pipe (FIFO)';
  return stat.isSocket() ? 'a socket' : 'a device';
}

function readBytes(file: string, format: Format, findings: Findings): Buffer | undefined {
  let fd: number | undefined;
  try {
    // Opening a FIFO waits for a writer, and some devices for a carrier: not with O_NONBLOCK (fifo(7), open(2)).
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      findings.addFile(kindOf(stat), 'a regular file: reading anything else may never end');
      return undefined;
    }
    // Before it is read: it may be larger than memory.
    return checkSize(format, stat.size, findings) ? readFileSync(fd) : undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (OF_THE_MACHINE.has(code)) throw error;
    findings.addFile(ERRNO[code] ?? code, 'a file that can be read');
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Reads a file; what keeps it from being read is reported. @throws Error (EMFILE, EIO …) where that is the machine's fault */
export function readText(file: string, format: Format, findings: Findings): FileText | undefined {
  const bytes = readBytes(file, format, findings);
  // It may have grown since its size was asked for.
  if (!bytes || !checkSize(format, bytes.length, findings)) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, digest: createHash('sha256').update(bytes).digest('hex') };
  } catch {
    findings.addFile('not UTF-8', 'a text file in UTF-8');
    return undefined;
  }
}
