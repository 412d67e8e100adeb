import { closeSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { checkBpffs, LibbpfError, openPinned, pinAll } from 'libbpf-ts';

/** The pins are gone, and there is no bpffs for new ones. */
export class PinsLostError extends Error {
  readonly code = 'FASTPATH_PINS_LOST';

  constructor(directory: string, cause: LibbpfError) {
    super(
      `${directory}: the bpffs is gone (${cause.message}): programs stay attached only while this process runs; ` +
        'mount one (mount -t bpf bpf /sys/fs/bpf), and they are pinned again',
      { cause },
    );
    this.name = 'PinsLostError';
  }
}

interface Held {
  fd: number;
  inode: number;
}

/**
 * Holds a descriptor of each object that is pinned below a directory. Unmounting a bpffs drops the last reference of a link, which detaches its
 * program. With a descriptor nothing is lost, and the same links, programs and maps can be pinned again.
 */
export class PinKeeper {
  readonly #directory: string;
  readonly #held = new Map<string, Held>();
  #isKeeping = false;
  /** Device and inode of the directory, as last seen. */
  #identity: string | undefined;
  #isStale = true;
  #wasRestored = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Starts holding the pinned objects. */
  keep(): void {
    this.#isKeeping = true;
    this.sync();
  }

  /** Notes that this process pinned or unpinned an object. */
  note(): void {
    this.#isStale = true;
  }

  /** Opens new pins and closes removed ones, if a change was noted. */
  sync(): void {
    if (!this.#isKeeping || !this.#isStale) return;
    const found = new Map(pinsBelow(this.#directory));
    for (const [path, { fd, inode }] of this.#held) {
      if (found.get(path) === inode) continue;
      closeSync(fd);
      this.#held.delete(path);
    }
    for (const [path, inode] of found) {
      if (!this.#held.has(path)) this.#held.set(path, { fd: openPinned(path), inode });
    }
    this.#identity = identityOf(this.#directory);
    this.#isStale = false;
  }

  /**
   * Pins the held objects again if the directory is gone or was replaced, because the bpffs was unmounted or another was mounted over it. Existing
   * pins are kept.
   *
   * @throws PinsLostError while there is no bpffs; LibbpfError
   */
  restore(): void {
    if (this.#held.size === 0 || identityOf(this.#directory) === this.#identity) return;
    try {
      checkBpffs(this.#directory);
    } catch (error) {
      throw error instanceof LibbpfError ? new PinsLostError(this.#directory, error) : error;
    }
    const there = new Map(pinsBelow(this.#directory));
    const missing = [...this.#held].filter(([path]) => !there.has(path));
    pinAll(missing.map(([path, { fd }]) => ({ path, fd })));
    this.#isStale = true;
    this.sync();
    if (missing.length > 0) this.#wasRestored = true;
  }

  /** Whether objects were pinned again since the last call: the caller must then compare the maps. */
  takeRestored(): boolean {
    const was = this.#wasRestored;
    this.#wasRestored = false;
    return was;
  }

  /** Closes all descriptors, because the pins are about to be removed. */
  release(): void {
    for (const { fd } of this.#held.values()) closeSync(fd);
    this.#held.clear();
    this.#isStale = true;
  }

  /** Stops holding; the pins stay. */
  close(): void {
    this.#isKeeping = false;
    this.release();
  }
}

function identityOf(directory: string): string | undefined {
  const found = statSync(directory, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev} ${found.ino}`;
}

/** Paths and inodes of all pins below a directory. */
function pinsBelow(directory: string): [path: string, inode: number][] {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry): [string, number][] => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return pinsBelow(path);
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [[path, found.ino]];
  });
}
