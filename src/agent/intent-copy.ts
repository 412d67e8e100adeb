/**
 * A node's part of its intent file, kept among the node's run-time files by who has read the whole file. `show` reads the copy in place of
 * an intent of 100,000 ports, and in place of the node file. A copy counts only for the files as they are now, and only whole: else the
 * files themselves are read.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAX_JSON_BYTES } from '../intent/bounds.js';
import { withoutRemotePorts } from '../intent/scope.js';
import { fileSignature } from '../intent/signature.js';
import { replaceFile } from '../kernel/replace-file.js';
import { readVersion } from './version.js';
import type { Intent, NodeConfig } from '../intent/types.js';
import type { NodeIntent } from './node-intent.js';

const FILE = 'intent-copy';
/** Goes up with any change of what a copy holds. */
const FORMAT = 2;
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
  /** What the node is run with. */
  config: NodeConfig;
  /** Of the node file that says so; empty: none does. */
  configSignature: string;
  /** Of the rest of the copy. */
  sha256: string;
}

type Source = Pick<NodeConfig, 'node' | 'intent'>;

/**
 * Keeps what was read. Failing costs the next `show` the reading of the whole file, and nothing else: it is not reported.
 *
 * @param configSignature what signatureOfConfig says of the node file
 */
export function keepIntentCopy(directory: string, config: NodeConfig, read: NodeIntent, configSignature: string): void {
  try {
    const body = bodyFor(directory, config, read);
    if (body === undefined) return;
    const { signature, digest } = read;
    const header: Header = {
      ...headerOf(config),
      ...{ signature, digest, config, configSignature },
      sha256: sha256(`${JSON.stringify(config)}\n${body}`),
    };
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

/** What a node runs with, and its part of the intent. */
export interface NodeFiles {
  config: NodeConfig;
  intent: Intent;
}

/**
 * @param root the directory with all nodes' run-time directories
 * @param configFile the node file
 * @returns undefined where there is no copy of both files as they are now
 */
export function findCopy(root: string, configFile: string): NodeFiles | undefined {
  const configSignature = fileSignature(configFile);
  for (const node of directoriesIn(root)) {
    const found = readCopy(join(root, node));
    if (found === undefined) continue;
    const { config, ...header } = found.header;
    if (config.node !== node || header.configSignature !== configSignature) continue;
    if (header.file === config.intent && header.signature === fileSignature(config.intent)) {
      return { config, intent: JSON.parse(found.body) as Intent };
    }
  }
  return undefined;
}

function directoriesIn(root: string): string[] {
  try {
    return readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
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

/** @param source what the copy must be of; absent: whatever it is of */
function readCopy(directory: string, source?: Source): { header: Header; body: string } | undefined {
  try {
    const text = readOwnFile(join(directory, FILE));
    const end = text.indexOf('\n');
    const header = JSON.parse(text.slice(0, end)) as Header;
    const body = text.slice(end + 1);
    const expected = Object.entries(headerOf(source ?? { node: header.node, intent: header.file }));
    const isOfSource = expected.every(([field, value]) => header[field as keyof Header] === value);
    const isWhole = header.sha256 === sha256(`${JSON.stringify(header.config)}\n${body}`);
    return isOfSource && isWhole ? { header, body } : undefined;
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
