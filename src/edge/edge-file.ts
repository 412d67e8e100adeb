/**
 * The edge as it was last in force, in /var/lib/segue/<node>/edge.nft: what a node loads at boot, before it has read its intent. Nobody
 * reads it but `segue edge load`; without it the edge is made from the node file and the intent.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTable } from '../reconcile/nft-objects.js';
import { nftScript } from '../reconcile/nft-script.js';
import { EDGE_TABLE, edgeTable } from './edge-table.js';
import type { NftObject } from '../reconcile/nft-objects.js';

/** State of all nodes of a machine that outlives a boot; each has a directory by its name. */
export const STATE_ROOT = '/var/lib/segue';
const FILE = 'edge.nft';
const HEAD = '# segue edge ';

/** What the first line of the file says, as JSON. */
interface Head {
  node: string;
  /** Named network namespace; null: the agent's own. */
  netns: string | null;
  /** SHA-256 of all that follows the line. */
  sha256: string;
}

export interface SavedEdge {
  path: string;
  netns: string | undefined;
  /** As `nft -f` reads it: one transaction that replaces the table. */
  script: string;
}

/** A file that is not as it was written, and why. */
class EdgeFileError extends Error {
  readonly code = 'EDGE_FILE';

  constructor(path: string, found: string) {
    super(`${path}: ${found}: expected an edge that segue wrote, whole`);
    this.name = 'EdgeFileError';
  }
}

/** The edge that a node had. @throws EdgeFileError */
export function readEdgeFile(node: string, root = STATE_ROOT): SavedEdge {
  const path = join(root, node, FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new EdgeFileError(path, code === 'ENOENT' ? 'no such file' : code);
  }
  const end = text.indexOf('\n');
  const head = readHead(text.slice(0, end));
  const script = text.slice(end + 1);
  if (head === undefined) throw new EdgeFileError(path, 'not a file of segue');
  if (head.node !== node) throw new EdgeFileError(path, `the edge of node ${head.node}`);
  if (head.sha256 !== digest(script)) throw new EdgeFileError(path, 'cut off or altered');
  return { path, netns: head.netns ?? undefined, script };
}

/** The edges that nodes of this machine had, those alone that are whole. */
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

/** The planned edge as one transaction, as a node needs it at boot: nothing forwards for segue yet, so nothing is limited. */
export function edgeScript(objects: Iterable<NftObject>): string {
  const changes = [...objects].map((desired) => ({
    desired: isTable(desired) ? { table: EDGE_TABLE, text: edgeTable(false) } : desired,
  }));
  return nftScript(changes);
}

/** One node's file. */
export class EdgeFile {
  readonly #directory: string;
  readonly #head: Omit<Head, 'sha256'>;
  /** Of what the file holds; undefined: not known. */
  #saved: string | undefined;

  constructor(node: string, netns: string | undefined, root = STATE_ROOT) {
    this.#directory = join(root, node);
    this.#head = { node, netns: netns ?? null };
  }

  /** Writes the edge, unless the file has it: beside the old one, which it then replaces. @throws what the file system says */
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
      // A machine that loses its power here has the old one or the new one.
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
    // Others may keep something of the node there.
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
