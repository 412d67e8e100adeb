import { closeSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { checkBpffs, LibbpfError, openPinned, pinAll } from 'libbpf-ts';

/** The pins are gone and there is no bpffs to make them anew in. */
export class PinsLostError extends Error {
  readonly code = 'FASTPATH_PINS_LOST';

  constructor(directory: string, cause: LibbpfError) {
    super(
      `${directory}: the bpffs is gone (${cause.message}): programs run on while this process does; ` +
        'expected one, where they are pinned anew (mount -t bpf bpf /sys/fs/bpf)',
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
 * Holds a descriptor of everything that is pinned below a directory. An unmounted bpffs takes the last reference of a link
 * with it, and the link its program off the interface: while this process has a descriptor nothing is lost, and the same
 * links, programs and maps are pinned anew.
 */
export class PinKeeper {
  readonly #directory: string;
  readonly #held = new Map<string, Held>();
  #isKeeping = false;
  /** Device and inode of the directory when it was last looked at. */
  #identity: string | undefined;
  #isStale = true;
  #wasRestored = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Begins to hold what is pinned. */
  keep(): void {
    this.#isKeeping = true;
    this.sync();
  }

  /** Says that this process pinned or unpinned something. */
  note(): void {
    this.#isStale = true;
  }

  /** Opens what is pinned by now and lets go of what is not. Costs nothing unless something was noted. */
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
   * Pins anew what this process holds where the directory is gone, or is another: the bpffs was unmounted, or another one
   * mounted over it. A pin that is there already stays.
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

  /** Whether anything was pinned anew since this was last asked: whoever looks at the maps does that. */
  takeRestored(): boolean {
    const was = this.#wasRestored;
    this.#wasRestored = false;
    return was;
  }

  /** Lets go of all that is held so far: it is about to be unpinned. */
  release(): void {
    for (const { fd } of this.#held.values()) closeSync(fd);
    this.#held.clear();
    this.#isStale = true;
  }

  /** Ends holding; what is pinned stays. */
  close(): void {
    this.#isKeeping = false;
    this.release();
  }
}

function identityOf(directory: string): string | undefined {
  const found = statSync(directory, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev} ${found.ino}`;
}

/** Paths and inodes of the pins in a directory and those below it. */
function pinsBelow(directory: string): [path: string, inode: number][] {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry): [string, number][] => {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory()) return pinsBelow(path);
    const found = lstatSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [[path, found.ino]];
  });
}
