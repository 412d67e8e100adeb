/** Notifications of the kernel, and the resources that follow them. */
import type { NetlinkEvent } from 'netlink-ts';
import type { Plan } from '../plan/plan.js';
import type { NodeFacts } from '../plan/view.js';

/** A notification of rtnetlink, or the mere news that something of a kind changed. */
export type KernelEvent =
  | NetlinkEvent
  /** Tables of nf_tables changed. `value`: their names, without the family. */
  | { kind: 'nftables'; value: ReadonlySet<string> }
  /** Settings of a device changed for which the kernel sends a notification (forwarding, rp_filter, proxy_neigh). */
  | { kind: 'settings'; value: undefined }
  /** A device's XDP features changed, such as a veth whose peer starts or stops to accept redirected frames. */
  | { kind: 'xdp-features'; value: undefined }
  /** Features of a device changed, such as its VLAN offload. */
  | { kind: 'device-features'; value: undefined };

type EventKind = KernelEvent['kind'];
type EventValue<E extends EventKind> = Extract<KernelEvent, { kind: E }>['value'];

/** Context in which an event is judged. */
export interface EventContext {
  plan: Plan;
  facts: NodeFacts;
  /** Whether the plan uses the device of this name or index. */
  concerns: (device: string | number) => boolean;
  isUplink: (device: string) => boolean;
  nameOf: (ifindex: number) => string;
  /** Names of a next hop's devices: the present one, and the one when it was last listed. */
  nexthopDevices: (id: number, oif: number | undefined) => string[];
}

/** Whether objects may differ from the plan now. Resources with a scope give the routing tables concerned. */
export type Dirty = boolean | readonly number[] | 'all';

/** Handlers by kind of event. */
export type Follows<D = Dirty> = {
  readonly [E in EventKind]?: (value: EventValue<E>, context: EventContext) => D;
};

type Link = EventValue<'link'>;

/** Whether a link event concerns a device that the plan uses, or a slave of one. */
export function concernsLink({ name, master }: Pick<Link, 'name' | 'master'>, { concerns }: EventContext): boolean {
  return concerns(name) || (master !== undefined && concerns(master));
}

/** For objects on devices. */
export const ON_DEVICE = { link: concernsLink } satisfies Follows;

/** For objects that depend on an address. */
export const ON_ADDRESS = { address: ({ ifindex }, { concerns }) => concerns(ifindex) } satisfies Follows;

/** For neighbour entries on the plan's devices. */
export const ON_NEIGHBOUR = { neighbour: ({ ifindex }, { concerns }) => concerns(ifindex) } satisfies Follows;

/** For objects that only purge and sweeps compare: only segue's own requests and other writers of its maps change them. */
export const SWEEP_ONLY: Follows = {};

/** Name of an nftables table, without its family. */
function nftTableName(table: string): string {
  return table.slice(table.indexOf(' ') + 1);
}

/** For the nftables tables of these names, `<family> <name>`. */
export function onNftables(tables: readonly string[]): Follows {
  return { nftables: (changed) => tables.some((table) => changed.has(nftTableName(table))) };
}
