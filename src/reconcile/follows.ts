/** What the kernel tells of, and which resources follow it. */
import type { NetlinkEvent } from 'netlink-ts';
import type { Plan } from '../plan/plan.js';
import type { NodeFacts } from '../plan/view.js';

/** A notification: of rtnetlink, or that something of its kind changed. */
export type KernelEvent =
  | NetlinkEvent
  /** Tables of nf_tables changed. `value`: their names, without the family. */
  | { kind: 'nftables'; value: ReadonlySet<string> }
  /** Settings of a device changed that the kernel tells of (forwarding, rp_filter, proxy_neigh). */
  | { kind: 'settings'; value: undefined }
  /** What devices do with XDP changed: a veth whose peer begins or ends to take frames. */
  | { kind: 'xdp-features'; value: undefined }
  /** Features of a device changed, such as its VLAN offload. */
  | { kind: 'device-features'; value: undefined };

type EventKind = KernelEvent['kind'];
type EventValue<E extends EventKind> = Extract<KernelEvent, { kind: E }>['value'];

/** What is known when an event comes. */
export interface EventContext {
  plan: Plan;
  facts: NodeFacts;
  /** Is a device of this name, or this index, one that the plan has to do with? */
  concerns: (device: string | number) => boolean;
  isUplink: (device: string) => boolean;
  nameOf: (ifindex: number) => string;
  /** Names of the devices that a next hop leaves by: now, and when it was last listed. */
  nexthopDevices: (id: number, oif: number | undefined) => string[];
}

/** Whether objects may not be as planned any more. Of those with a scope: in which routing tables. */
export type Dirty = boolean | readonly number[] | 'all';

/** By the kind of event, what it may have changed. */
export type Follows<D = Dirty> = {
  readonly [E in EventKind]?: (value: EventValue<E>, context: EventContext) => D;
};

type Link = EventValue<'link'>;

/** Whether an event of a link is of a device that the plan has to do with, or of one that is in such a device. */
export function concernsLink({ name, master }: Pick<Link, 'name' | 'master'>, { concerns }: EventContext): boolean {
  return concerns(name) || (master !== undefined && concerns(master));
}

/** For objects on devices. */
export const ON_DEVICE = { link: concernsLink } satisfies Follows;

/** For objects that go with an address. */
export const ON_ADDRESS = { address: ({ ifindex }, { concerns }) => concerns(ifindex) } satisfies Follows;

/** For neighbour entries. What the kernel learns is none of ours, whatever becomes of it. */
export const ON_NEIGHBOUR = { neighbour: ({ ifindex }, { concerns }) => concerns(ifindex) } satisfies Follows;

/** For objects that only purge and sweeps look at: nothing but segue's own requests and its maps' other writers changes them. */
export const SWEEP_ONLY: Follows = {};

/** Name of an nftables table, without its family. */
function nftTableName(table: string): string {
  return table.slice(table.indexOf(' ') + 1);
}

/** For nftables tables of these names, `<family> <name>`. */
export function onNftables(tables: readonly string[]): Follows {
  return { nftables: (changed) => tables.some((table) => changed.has(nftTableName(table))) };
}
