/** Reads a file as text, within bounds, with refusals instead of exceptions. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { MAX_JSON_BYTES, MAX_YAML_BYTES } from './bounds.js';
import type { Findings } from './findings.js';

export type Format = 'yaml' | 'json';

export interface FileText {
  text: string;
  /** SHA-256 of the bytes, which detects whether a touched file really changed. */
  digest: string;
}

/** The format by name: `.json` is JSON, all others YAML. */
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

/** Reports a text beyond its format's size limit. For YAML the limit protects the agent's main thread. */
export function checkSize(format: Format, bytes: number, findings: Findings): boolean {
  if (!isTooLarge(format, bytes)) return true;
  findings.addFile(...tooLarge(format, bytes));
  return false;
}

const ERRNO: Record<string, string> = {
  ENXIO: 'a socket, or a device that does not exist',
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  ELOOP: 'too many symbolic links',
  ENOTDIR: 'no such file (a part of the path is no directory)',
};

/** Errors of the machine, which say nothing about the file and may be temporary. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

function kindOf(stat: Stats): string {
  if (stat.isDirectory()) return 'a directory';
  if (stat.isFIFO()) return 'a pipe (FIFO)';
  return stat.isSocket() ? 'a socket' : 'a device';
}

function readBytes(file: string, format: Format, findings: Findings): Buffer | undefined {
  let fd: number | undefined;
  try {
    // O_NONBLOCK: opening a FIFO waits for a writer, and some devices for a carrier (fifo(7), open(2)).
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(fd);
    if (!stat.isFile()) {
      findings.addFile(kindOf(stat), 'a regular file; reading anything else may block');
      return undefined;
    }
    // Checked before reading, since it may be larger than memory.
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

/** Reads a file, and reports why it cannot be read. @throws Error (EMFILE, EIO …) if the machine is the cause */
export function readText(file: string, format: Format, findings: Findings): FileText | undefined {
  const bytes = readBytes(file, format, findings);
  // It may have grown since its size was read.
  if (!bytes || !checkSize(format, bytes.length, findings)) return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, digest: createHash('sha256').update(bytes).digest('hex') };
  } catch {
    findings.addFile('not UTF-8', 'a text file in UTF-8');
    return undefined;
  }
}
