/**
 * What a feed last told a node, on disk: what the node boots with while no feed answers, and what commands read. It counts only whole, and only
 * for the node that it was written for.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRegularFile } from '../../intent/regular-file.js';
import { loadIntent } from '../../app/intent.js';
import type { Intent, NodeConfig } from '../../intent/types.js';

/** Goes up with any change of what a cache holds. */
const FORMAT = 1;

export interface CachedIntent {
  epoch: string;
  sequence: number;
  /** When the feed's message came, milliseconds since 1970. */
  savedMs: number;
  intent: Intent;
  /** Of the bytes. */
  digest: string;
}

interface Header extends Pick<CachedIntent, 'epoch' | 'sequence' | 'savedMs'> {
  format: number;
  node: string;
  sha256: string;
}

/**
 * The cache survives a power failure: the one before it, or this one.
 *
 * @throws Error of the file system; the cache is as it was
 */
export function writeCache(file: string, node: string, held: Omit<CachedIntent, 'digest' | 'savedMs'>): void {
  const { epoch, sequence, intent } = held;
  const body = JSON.stringify(intent);
  const header: Header = { format: FORMAT, node, epoch, sequence, savedMs: Date.now(), sha256: sha256(body) };
  const made = `${file}.new`;
  mkdirSync(dirname(file), { recursive: true });
  // Not into what somebody put there, a link for one.
  rmSync(made, { force: true });
  const fd = openSync(made, 'wx', 0o600);
  try {
    writeFileSync(fd, `${JSON.stringify(header)}\n${body}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(made, file);
}

/** @throws Error that says why there is no intent in the file */
export function readCache(file: string, node: string): CachedIntent {
  let text: string;
  try {
    text = readRegularFile(file).toString();
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      isAbsent
        ? `${file}: not there: no feed has told the node its intent yet`
        : `${file}: ${(error as Error).message}`,
    );
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1).replace(/\n$/, '');
  let header: Partial<Header>;
  try {
    header = JSON.parse(text.slice(0, end)) as Partial<Header>;
  } catch {
    throw new Error(`${file}: cut off or changed: expected what segue agent wrote`);
  }
  if (header.format !== FORMAT) throw new Error(`${file}: format ${String(header.format)}: expected ${FORMAT}`);
  if (header.node !== node) throw new Error(`${file}: of node ${String(header.node)}: expected ${node}`);
  if (header.sha256 !== sha256(body)) throw new Error(`${file}: cut off or changed: expected what segue agent wrote`);
  const { epoch = '', sequence = 0, savedMs = 0 } = header;
  return { epoch, sequence, savedMs, intent: JSON.parse(body) as Intent, digest: sha256(text) };
}

/**
 * The intent that a node file names, from its file or from the cache of its feeds.
 *
 * @throws IntentError, or Error where there is no cache
 */
export function loadIntentOf(config: NodeConfig): Intent {
  return config.feeds === undefined ? loadIntent(config.intent) : readCache(config.intent, config.node).intent;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
