/**
 * A node's part of its intent file, saved among the node's run-time files whenever the whole file was read. `show` reads this copy instead of an
 * intent of 100,000 ports and instead of the node file. A copy is used only if it is intact and both files are unchanged since; else `show` reads
 * the files.
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
/** Version of the copy's format; must be raised with any change of it. */
const FORMAT = 2;
/** Permission bits that let users other than the owner write. */
const WRITABLE_BY_OTHERS = 0o022;

/** The first line of a copy. */
interface Header {
  format: number;
  version: string;
  node: string;
  file: string;
  /** Signature of the intent file (fileSignature); empty if the file may have changed while it was read. */
  signature: string;
  /** Digest of the intent file. */
  digest: string;
  /** The node's configuration in force. */
  config: NodeConfig;
  /** Signature of the node file that holds this configuration; empty if none does. */
  configSignature: string;
  /** SHA-256 of the configuration and the body. */
  sha256: string;
}

type Source = Pick<NodeConfig, 'node' | 'intent'>;

/**
 * Saves what was read. A failure is not reported: it only makes the next `show` read the whole file.
 *
 * @param configSignature what signatureOfConfig returned for the node file
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
    // No directory, no space, or another writer at the same time.
  }
}

/** @returns undefined unless there is a copy of the present intent file */
export function readIntentCopy(directory: string, source: Source, signature: string): Intent | undefined {
  const found = readCopy(directory, source);
  return found?.header.signature === signature ? (JSON.parse(found.body) as Intent) : undefined;
}

/** A node's configuration and its part of the intent. */
export interface NodeFiles {
  config: NodeConfig;
  intent: Intent;
}

/**
 * @param root the directory with all nodes' run-time directories
 *
 * @param configFile the node file
 * @returns undefined unless there is a copy of both files as they are now
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

/** The body of the new copy: the former body if only the file's metadata changed. */
function bodyFor(directory: string, source: Source, { intent, digest }: NodeIntent): string | undefined {
  if (intent !== undefined) return JSON.stringify(withoutRemotePorts(intent, source.node));
  const found = readCopy(directory, source);
  return found?.header.digest === digest ? found.body : undefined;
}

function headerOf({ node, intent }: Source): Pick<Header, 'format' | 'version' | 'node' | 'file'> {
  return { format: FORMAT, version: readVersion(), node, file: intent };
}

/** @param source the node and intent file that the copy must be of; absent: any */
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

/** @throws Error unless the path is a regular file that only this user or root can have written */
function readOwnFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    const isOwn = stat.uid === 0 || stat.uid === process.geteuid?.();
    if (!stat.isFile() || !isOwn || (stat.mode & WRITABLE_BY_OTHERS) !== 0 || stat.size > MAX_JSON_BYTES) {
      throw new Error(`${path}: expected a copy of the intent that segue wrote`);
    }
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
