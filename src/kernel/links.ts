import { decodeLink, dumpLinksRequest, type Link, type NetlinkSocket } from 'netlink-ts';

/** The namespace's devices as last listed, by name and by index. */
export class Links {
  readonly #socket: NetlinkSocket;
  readonly #byName = new Map<string, Link>();
  readonly #byIndex = new Map<number, Link>();
  /** Former names of devices by index, kept until takeFormerNames returns them. */
  readonly #formerNames = new Map<number, string[]>();

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Lists the devices again. */
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

  /** Applies a notification, which is newer than the list. */
  note(link: Link, change: 'new' | 'delete'): void {
    this.#noteName(link);
    const before = this.#byIndex.get(link.index);
    if (before !== undefined) this.#byName.delete(before.name);
    this.#byIndex.delete(link.index);
    if (change === 'delete') return;
    this.#byName.set(link.name, link);
    this.#byIndex.set(link.index, link);
  }

  /** Returns and clears the former names of a device: a notification of a rename contains only the new name. */
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

  /** Name of a device; `ifindex N` if it no longer exists. */
  nameOf(index: number): string {
    return this.#byIndex.get(index)?.name ?? `ifindex ${index}`;
  }

  /** @throws Error if there is no such device */
  indexOf(name: string): number {
    const link = this.#byName.get(name);
    if (link === undefined) throw new Error(`device ${name} does not exist`);
    return link.index;
  }

  /** Name of the VRF or bridge that a device belongs to. */
  masterOf(link: Link): string | undefined {
    return link.master === undefined ? undefined : this.nameOf(link.master);
  }
}

/** State of a device for tables. */
export function linkState({ up, carrier }: Pick<Link, 'up' | 'carrier'>): 'up' | 'down' | 'no-carrier' {
  return !up ? 'down' : carrier === false ? 'no-carrier' : 'up';
}
