/**
 * The part last received from a feed, on disk: used for booting without a feed, and by commands. It must be intact, and written for the same node.
 */
import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { readRegularFile } from '../../intent/regular-file.js';
import { loadIntent } from '../../app/intent.js';
import type { Intent, NodeConfig } from '../../intent/types.js';

/** Must be raised with any change of the cache's contents. */
const FORMAT = 1;

export interface CachedIntent {
  epoch: string;
  sequence: number;
  /** When the feed's message arrived, in milliseconds since 1970. */
  savedMs: number;
  intent: Intent;
  /** Digest of the file. */
  digest: string;
}

interface Header extends Pick<CachedIntent, 'epoch' | 'sequence' | 'savedMs'> {
  format: number;
  node: string;
  sha256: string;
}

/**
 * Writes the cache. After a power failure either the old or the new one exists.
 *
 * @throws Error of the file system; the cache is unchanged
 */
export function writeCache(file: string, node: string, held: Omit<CachedIntent, 'digest' | 'savedMs'>): void {
  const { epoch, sequence, intent } = held;
  const body = JSON.stringify(intent);
  const header: Header = { format: FORMAT, node, epoch, sequence, savedMs: Date.now(), sha256: sha256(body) };
  const made = `${file}.new`;
  mkdirSync(dirname(file), { recursive: true });
  // Removes whatever is at this path, such as a symbolic link, rather than writing to it.
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

/** @throws Error that says why the file contains no intent */
export function readCache(file: string, node: string): CachedIntent {
  let text: string;
  try {
    text = readRegularFile(file).toString();
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(
      isAbsent
        ? `${file}: no such file: no feed has sent the node its intent yet`
        : `${file}: ${(error as Error).message}`,
    );
  }
  const end = text.indexOf('\n');
  const body = text.slice(end + 1).replace(/\n$/, '');
  let header: Partial<Header>;
  try {
    header = JSON.parse(text.slice(0, end)) as Partial<Header>;
  } catch {
    throw new Error(`${file}: truncated or altered: expected the file that segue agent wrote`);
  }
  if (header.format !== FORMAT) throw new Error(`${file}: format ${String(header.format)}: expected ${FORMAT}`);
  if (header.node !== node) throw new Error(`${file}: of node ${String(header.node)}: expected ${node}`);
  if (header.sha256 !== sha256(body))
    throw new Error(`${file}: truncated or altered: expected the file that segue agent wrote`);
  const { epoch = '', sequence = 0, savedMs = 0 } = header;
  return { epoch, sequence, savedMs, intent: JSON.parse(body) as Intent, digest: sha256(text) };
}

/**
 * Loads a node's intent, from its file or from the cache of its feeds.
 *
 * @throws IntentError, or Error if there is no cache
 */
export function loadIntentOf(config: NodeConfig): Intent {
  return config.feeds === undefined ? loadIntent(config.intent) : readCache(config.intent, config.node).intent;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
