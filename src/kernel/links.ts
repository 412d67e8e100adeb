import { decodeLink, dumpLinksRequest, type Link, type NetlinkSocket } from 'netlink-ts';

/** The devices of the namespace as last listed, by name and by index. */
export class Links {
  readonly #socket: NetlinkSocket;
  readonly #byName = new Map<string, Link>();
  readonly #byIndex = new Map<number, Link>();
  /** Names that devices had before, by index, until somebody asks. */
  readonly #formerNames = new Map<number, string[]>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Lists them anew. */
  refresh(): void {
    const links = this.#socket.dump(dumpLinksRequest(), decodeLink);
    for (const link of links) this.#noteName(link);
    this.#byName.clear();
    this.#byIndex.clear();
    for (const link of links) {
      this.#byName.set(link.name, link);
      this.#byIndex.set(link.index, link);
    }
  }

  /** Takes a notification in: what it says is newer than the list. */
  note(link: Link, change: 'new' | 'delete'): void {
    this.#noteName(link);
    const before = this.#byIndex.get(link.index);
    if (before !== undefined) this.#byName.delete(before.name);
    this.#byIndex.delete(link.index);
    if (change === 'delete') return;
    this.#byName.set(link.name, link);
    this.#byIndex.set(link.index, link);
  }

  /** Names that a device had since this was last asked: a notification of a rename has the new one alone. */
  takeFormerNames(index: number): string[] {
    const names = this.#formerNames.get(index) ?? [];
    this.#formerNames.delete(index);
    return names;
  }

  #noteName({ index, name }: Link): void {
    const before = this.#byIndex.get(index)?.name;
    if (before === undefined || before === name) return;
    this.#formerNames.set(index, [...(this.#formerNames.get(index) ?? []), before]);
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

  byIndex(index: number): Link | undefined {
    return this.#byIndex.get(index);
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
