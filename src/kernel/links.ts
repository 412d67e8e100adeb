import { decodeLink, dumpLinksRequest } from '../netlink/link.js';
import type { NetlinkSocket } from '../netlink/socket.js';
import type { Link } from '../netlink/types.js';

/** The devices of the namespace as last listed, by name and by index. */
export class Links {
  readonly #socket: NetlinkSocket;
  readonly #byName = new Map<string, Link>();
  readonly #byIndex = new Map<number, Link>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Lists them anew. */
  refresh(): void {
    const links = this.#socket.dump(dumpLinksRequest(), decodeLink);
    this.#byName.clear();
    this.#byIndex.clear();
    for (const link of links) {
      this.#byName.set(link.name, link);
      this.#byIndex.set(link.index, link);
    }
  }

  /** Takes a notification in: what it says is newer than the list. */
  note(link: Link, change: 'new' | 'delete'): void {
    const before = this.#byIndex.get(link.index);
    if (before !== undefined) this.#byName.delete(before.name);
    this.#byIndex.delete(link.index);
    if (change === 'delete') return;
    this.#byName.set(link.name, link);
    this.#byIndex.set(link.index, link);
  }

  all(): IterableIterator<Link> {
    return this.#byName.values();
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  get(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  /** Of a device that may have gone since: its index in words. */
  nameOf(index: number): string {
    return this.#byIndex.get(index)?.name ?? `ifindex ${index}`;
  }

  /** @throws Error when there is no such device */
  indexOf(name: string): number {
    const link = this.#byName.get(name);
    if (link === undefined) throw new Error(`device ${name} does not exist`);
    return link.index;
  }

  /** Name of the VRF or bridge a device is a member of. */
  masterOf(link: Link): string | undefined {
    return link.master === undefined ? undefined : this.nameOf(link.master);
  }
}
