/**
 * A node's part of its intent file, kept among the node's run-time files by who has read the whole file. `show` reads the copy in place of
 * an intent of 100,000 ports. A copy counts only for the file as it is now, and only whole: else the file itself is read.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_JSON_BYTES } from '../intent/bounds.js';
import { withoutRemotePorts } from '../intent/scope.js';
import { replaceFile } from '../kernel/replace-file.js';
import { readVersion } from './version.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { NodeIntent } from './node-intent.js';

const FILE = 'intent-copy';
/** Goes up with any change of what a copy holds. */
const FORMAT = 1;
/** Permission bits that let others than the owner write. */
const WRITABLE_BY_OTHERS = 0o022;

/** The first line of a copy. */
interface Header {
  format: number;
  version: string;
  node: string;
  file: string;
  /** Of the intent file, see fileSignature; empty while it was being changed. */
  signature: string;
  /** Of the intent file's bytes. */
  digest: string;
  /** Of the rest of the copy. */
  sha256: string;
}

type Source = Pick<NodeConfig, 'node' | 'intent'>;

/** Keeps what was read. Failing costs the next `show` the reading of the whole file, and nothing else: it is not reported. */
export function keepIntentCopy(directory: string, source: Source, read: NodeIntent): void {
  try {
    const body = bodyFor(directory, source, read);
    if (body === undefined) return;
    const { signature, digest } = read;
    const header: Header = { ...headerOf(source), signature, digest, sha256: sha256(body) };
    replaceFile(join(directory, FILE), `${JSON.stringify(header)}\n${body}`, 0o600);
  } catch {
    // No directory, no space, another writer at the same moment.
  }
}

/** @returns undefined where there is no copy of the intent file as it is now */
export function readIntentCopy(directory: string, source: Source, signature: string): Intent | undefined {
  const found = readCopy(directory, source);
  return found?.header.signature === signature ? (JSON.parse(found.body) as Intent) : undefined;
}

/** The new text of a copy: where the file was only touched, the old one. */
function bodyFor(directory: string, source: Source, { intent, digest }: NodeIntent): string | undefined {
  if (intent !== undefined) return JSON.stringify(withoutRemotePorts(intent, source.node));
  const found = readCopy(directory, source);
  return found?.header.digest === digest ? found.body : undefined;
}

function headerOf({ node, intent }: Source): Pick<Header, 'format' | 'version' | 'node' | 'file'> {
  return { format: FORMAT, version: readVersion(), node, file: intent };
}

function readCopy(directory: string, source: Source): { header: Header; body: string } | undefined {
  try {
    const text = readOwnFile(join(directory, FILE));
    const end = text.indexOf('\n');
    const header = JSON.parse(text.slice(0, end)) as Header;
    const body = text.slice(end + 1);
    const expected = Object.entries(headerOf(source));
    const isOfSource = expected.every(([field, value]) => header[field as keyof Header] === value);
    return isOfSource && header.sha256 === sha256(body) ? { header, body } : undefined;
  } catch {
    return undefined;
  }
}

/** @throws Error for what is no regular file, or one that somebody else may have written */
function readOwnFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    const isOwn = stat.uid === 0 || stat.uid === process.geteuid?.();
    if (!stat.isFile() || !isOwn || (stat.mode & WRITABLE_BY_OTHERS) !== 0 || stat.size > MAX_JSON_BYTES) {
      throw new Error(`${path}: not a copy of segue's`);
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
