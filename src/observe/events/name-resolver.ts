/** What an event's numbers are called: interfaces, tenants, ports. */
import { familyNumber, putAddress } from '../../ebpf/bytes.js';
import { Hook, MemberKey, Target, TargetKind } from '../../ebpf/generated/layouts.js';
import { ZoneNames } from '../inspect/zones.js';
import type { Event } from '../../ebpf/generated/layouts.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from '../inspect/context.js';

/** How often at most names are read anew, milliseconds. */
const REFRESH_MS = 1000;

/** The names of a node, read anew when something is not known: interfaces and tenants come while one looks on. */
export class NameResolver {
  readonly #read: () => ShowContext;
  #context: ShowContext;
  #zones: ZoneNames;
  #readAt = performance.now();

  constructor(read: () => ShowContext) {
    this.#read = read;
    this.#context = read();
    this.#zones = new ZoneNames(this.#context.names, this.#context.intent);
  }

  get context(): ShowContext {
    return this.#context;
  }

  /** Nothing is beneath the fast path: what it does not take it drops. */
  get alone(): boolean {
    return this.#context.config.dataplane === 'ebpf';
  }

  device(ifindex: number): string {
    const { links } = this.#context.kernel;
    const name = links.nameOf(ifindex);
    if (!links.has(name) && this.#refresh()) return this.#context.kernel.links.nameOf(ifindex);
    return name;
  }

  /** Name of a tenant or an external network; null for 0, the number in words where nobody knows it. */
  tenant(id: number): string | null {
    if (id === 0) return null;
    if (!this.#zones.has(id)) this.#refresh();
    return this.#zones.of(id);
  }

  /**
   * The interface of the port that a packet is of: which it came from, or is for.
   *
   * @param to address of the packet inside
   */
  portOf({ hook, ifindex, egress, tenant }: Event, to: string | null, maps: FastpathMaps): string | null {
    if (hook === Hook.HOOK_PORT || hook === Hook.HOOK_PORT_XDP) return this.device(ifindex);
    if (egress !== 0) return this.device(egress);
    if (tenant === 0 || to === null) return null;
    const key = Buffer.alloc(MemberKey.SIZE);
    key.writeUInt32LE(tenant, MemberKey.OFFSETS.tenant);
    key.writeUInt32LE(familyNumber(to), MemberKey.OFFSETS.family);
    putAddress(to, key, MemberKey.OFFSETS.address);
    const value = maps.members.lookup(key);
    if (value?.readUInt32LE(Target.OFFSETS.kind) !== TargetKind.TARGET_LOCAL) return null;
    return this.device(value.readUInt32LE(Target.OFFSETS.id));
  }

  /** A port's name of the intent, else its interface's. */
  port(device: string | null): string | null {
    return device === null ? null : (this.#context.names.portOfInterface(device) ?? device);
  }

  #refresh(): boolean {
    const now = performance.now();
    if (now - this.#readAt < REFRESH_MS) return false;
    this.#readAt = now;
    this.#context = this.#read();
    this.#zones = new ZoneNames(this.#context.names, this.#context.intent);
    return true;
  }
}
