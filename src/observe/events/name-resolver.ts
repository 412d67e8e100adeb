/** Names for the numbers of an event: interfaces, tenants, ports. */
import { familyNumber, putAddress } from '../../ebpf/bytes.js';
import { Hook, EndpointKey, Endpoint, EndpointType } from '../../ebpf/generated/layouts.js';
import { ZoneNames } from '../../gateway/zone-names.js';
import type { TraceEvent } from '../../ebpf/generated/layouts.js';
import type { FastpathMaps } from '../../ebpf/maps.js';
import type { ShowContext } from '../inspect/context.js';

/** Shortest interval between two readings of the names, in milliseconds. */
const REFRESH_MS = 1000;

/** The names of a node. An unknown number causes them to be read again: interfaces and tenants may be added during a session. */
export class NameResolver {
  readonly #read: () => ShowContext;
  #context: ShowContext;
  #zones: ZoneNames;
  #readAt = performance.now();

  constructor(read: () => ShowContext) {
    this.#read = read;
    this.#context = read();
    this.#zones = new ZoneNames(this.#context.kernel, this.#context.intent);
  }

  get context(): ShowContext {
    return this.#context;
  }

  /** No kernel data plane: the fast path drops what it does not forward. */
  get alone(): boolean {
    return this.#context.config.dataplane === 'ebpf';
  }

  device(ifindex: number): string {
    const { links } = this.#context.kernel;
    const name = links.nameOf(ifindex);
    if (!links.has(name) && this.#refresh()) return this.#context.kernel.links.nameOf(ifindex);
    return name;
  }

  /** Name of a tenant or an external network; null for 0; the number as text if it is unknown. */
  tenant(id: number): string | null {
    if (id === 0) return null;
    if (!this.#zones.has(id)) this.#refresh();
    return this.#zones.of(id);
  }

  /**
   * The interface of the port that a packet came from or is for.
   *
   * @param to address of the inner packet
   */
  portOf({ hook, ifindex, egress, tenant }: TraceEvent, to: string | null, maps: FastpathMaps): string | null {
    if (hook === Hook.HOOK_PORT || hook === Hook.HOOK_PORT_XDP) return this.device(ifindex);
    if (egress !== 0) return this.device(egress);
    if (tenant === 0 || to === null) return null;
    const key = Buffer.alloc(EndpointKey.SIZE);
    key.writeUInt32LE(tenant, EndpointKey.OFFSETS.tenant);
    key.writeUInt32LE(familyNumber(to), EndpointKey.OFFSETS.family);
    putAddress(to, key, EndpointKey.OFFSETS.address);
    const value = maps.sg_endpoints.lookup(key);
    if (value?.readUInt32LE(Endpoint.OFFSETS.type) !== EndpointType.EP_LOCAL) return null;
    return this.device(value.readUInt32LE(Endpoint.OFFSETS.id));
  }

  /** The intent's name of a port, else its interface's name. */
  port(device: string | null): string | null {
    return device === null ? null : (this.#context.names.portOfInterface(device) ?? device);
  }

  #refresh(): boolean {
    const now = performance.now();
    if (now - this.#readAt < REFRESH_MS) return false;
    this.#readAt = now;
    this.#context = this.#read();
    this.#zones = new ZoneNames(this.#context.kernel, this.#context.intent);
    return true;
  }
}
