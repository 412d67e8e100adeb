/**
 * The edge that was last in force, in /var/lib/segue/<node>/edge.nft. A node loads it at boot, before it has read its intent. Only `segue edge
 * load` reads it; without it the edge is built from the node file and the intent.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegularFile } from '../intent/regular-file.js';
import { isTable } from '../reconcile/nft-objects.js';
import { nftScript } from '../reconcile/nft-script.js';
import { EDGE_TABLE, edgeTable } from './edge-table.js';
import type { NftObject } from '../reconcile/nft-objects.js';

/** State of all nodes of a machine that survives a boot, in a directory for each node. */
export const STATE_ROOT = '/var/lib/segue';
const FILE = 'edge.nft';
const HEAD = '# segue edge ';

/** The first line of the file, as JSON. */
interface Head {
  node: string;
  /** Named network namespace; null: the agent's own. */
  netns: string | null;
  /** SHA-256 of everything after the first line. */
  sha256: string;
}

export interface SavedEdge {
  path: string;
  netns: string | undefined;
  /** Input of `nft -f`: one transaction that replaces the table. */
  script: string;
}

/** A file is not as it was written; the message says why. */
class EdgeFileError extends Error {
  readonly code = 'EDGE_FILE';

  constructor(path: string, found: string) {
    super(`${path}: ${found}: expected a complete edge that segue wrote`);
    this.name = 'EdgeFileError';
  }
}

/** The saved edge of a node. @throws EdgeFileError */
export function readEdgeFile(node: string, root = STATE_ROOT): SavedEdge {
  const path = join(root, node, FILE);
  let text: string;
  try {
    text = readRegularFile(path).toString();
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new EdgeFileError(path, code === 'ENOENT' ? 'no such file' : code);
  }
  const end = text.indexOf('\n');
  const head = readHead(text.slice(0, end));
  const script = text.slice(end + 1);
  if (head === undefined) throw new EdgeFileError(path, 'not a file of segue');
  if (head.node !== node) throw new EdgeFileError(path, `the edge of node ${head.node}`);
  if (head.sha256 !== digest(script)) throw new EdgeFileError(path, 'truncated or altered');
  return { path, netns: head.netns ?? undefined, script };
}

/** The intact saved edges of this machine's nodes. */
export async function listEdgeFiles(root = STATE_ROOT): Promise<SavedEdge[]> {
  const nodes = await readdir(root).catch(() => []);
  return nodes.flatMap((node) => {
    try {
      return [readEdgeFile(node, root)];
    } catch {
      return [];
    }
  });
}

/** The planned edge as one transaction for booting: nothing forwards for segue yet, so forwarding is not limited. */
export function edgeScript(objects: Iterable<NftObject>): string {
  const changes = [...objects].map((desired) => ({
    desired: isTable(desired) ? { table: EDGE_TABLE, text: edgeTable(false) } : desired,
  }));
  return nftScript(changes);
}

/** The saved edge of a node. */
export class EdgeFile {
  readonly #directory: string;
  readonly #head: Omit<Head, 'sha256'>;
  /** Identity of the file's contents; undefined: unknown. */
  #saved: string | undefined;

  constructor(node: string, netns: string | undefined, root = STATE_ROOT) {
    this.#directory = join(root, node);
    this.#head = { node, netns: netns ?? null };
  }

  /** Saves the edge unless the file contains it, replacing the old file atomically. @throws Error of the file system */
  async save(objects: Iterable<NftObject>): Promise<void> {
    const script = edgeScript(objects);
    const sha256 = digest(script);
    if (this.#saved === undefined) this.#saved = this.#digestOfFile();
    if (this.#saved === sha256) return;
    const path = join(this.#directory, FILE);
    await mkdir(this.#directory, { recursive: true });
    const file = await open(`${path}.new`, 'w', 0o600);
    try {
      await file.writeFile(`${HEAD}${JSON.stringify({ ...this.#head, sha256 })}\n${script}`);
      // After a power failure either the old or the new file exists.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    this.#saved = sha256;
  }

  async remove(): Promise<void> {
    this.#saved = undefined;
    for (const name of [FILE, `${FILE}.new`]) await rm(join(this.#directory, name), { force: true });
    // Other files of the node may be in the directory.
    await rmdir(this.#directory).catch(() => undefined);
  }

  #digestOfFile(): string | undefined {
    try {
      return digest(readEdgeFile(this.#head.node, join(this.#directory, '..')).script);
    } catch {
      return undefined;
    }
  }
}

function readHead(line: string): Head | undefined {
  if (!line.startsWith(HEAD)) return undefined;
  try {
    return JSON.parse(line.slice(HEAD.length)) as Head;
  } catch {
    return undefined;
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
