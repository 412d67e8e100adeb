import { LOCAL_TABLE, MAIN_TABLE, NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT, PROTOCOL, tenantTable } from '../plan/numbers.js';
import { routeKey } from '../encap/route-key.js';
import { announceKey } from '../host/announce-key.js';
import type { ResourceName, Plan } from '../plan/plan.js';
import type { NetlinkEvent } from '../netlink/types.js';

/** What of the kernel may not be as planned any more, and is to be looked at. */
export interface Invalidations {
  kinds: Set<ResourceName>;
  /** Tables to look at, when routes are among the kinds; `all` when there is no telling which. */
  tables: Set<number> | 'all';
  /** A device changed: the view of them is stale. */
  links: boolean;
  /** Routes, next hops or rules of the underlay changed: the kernel may have ways to other network nodes now. */
  ways: boolean;
}

export function noInvalidations(): Invalidations {
  return { kinds: new Set(), tables: new Set(), links: false, ways: false };
}

/** Everything that hangs on a device. */
const DEVICE_KINDS: readonly ResourceName[] = [
  'vrf',
  'sysctl',
  'port',
  'address',
  'neighbour',
  'proxy',
  'nexthop',
  'route',
];

/** What of the fast path hangs on a port's device. */
const FASTPATH_DEVICE_KINDS: readonly ResourceName[] = [
  'bpf-port',
  'bpf-source',
  'bpf-source-prefix',
  'bpf-member',
  'bpf-prefix',
  'device-feature',
  'bpf-program',
];

/** What of the fast path hangs on an uplink: next hops, and the address that frames are taken for. */
const UPLINK_KINDS: readonly ResourceName[] = ['bpf-node', 'bpf-underlay'];

/** What of a network node hangs on an external network's interface. */
const EXTERNAL_KINDS: readonly ResourceName[] = ['nn-external', 'nn-icmp-source'];

/** What goes with an address. */
const ADDRESS_KINDS: readonly ResourceName[] = ['address', 'neighbour', 'nexthop', 'route'];

/** What the events' consumer knows. */
export interface InvalidationContext {
  plan: Plan;
  /** Is a device of this name, or this index, in the plan? */
  concerns: (device: string | number) => boolean;
  isUplink: (device: string) => boolean;
  nameOf: (ifindex: number) => string;
  /** Do routes of the kernel's lead to network nodes? */
  asksWays: boolean;
  /** Names of the devices that a next hop leaves by: now, and when it was last listed. */
  nexthopDevices: (id: number, oif: number | undefined) => string[];
}

/** Adds what an event may have changed of ours. Events that we caused are not to come here. */
export function invalidate(
  invalidations: Invalidations,
  event: NetlinkEvent,
  { plan, concerns, isUplink, nameOf, asksWays, nexthopDevices }: InvalidationContext,
): void {
  /** The fast path's ways over the underlay are to be resolved anew. */
  const addUnderlay = (concerned: boolean): void => {
    if (concerned && plan['bpf-node'].size > 0) invalidations.kinds.add('bpf-underlay');
  };
  /** And what the kernel's routes follow, which ask for no neighbour. */
  const addRouting = (concerned: boolean): void => {
    if (concerned && asksWays) invalidations.ways = true;
    addUnderlay(concerned);
  };
  switch (event.kind) {
    case 'link': {
      const { name, master, kind: type, linkIndex } = event.value;
      // A VLAN device that stands on a port.
      if (type === 'vlan' && linkIndex !== undefined && plan['bpf-port'].has(nameOf(linkIndex))) {
        invalidations.links = true;
        invalidations.kinds.add('bpf-port');
      }
      if (!concerns(name) && (master === undefined || !concerns(master))) return;
      invalidations.links = true;
      for (const kind of DEVICE_KINDS) invalidations.kinds.add(kind);
      if (plan['bpf-node'].size > 0) {
        for (const kind of FASTPATH_DEVICE_KINDS) invalidations.kinds.add(kind);
        if (plan['nn-node'].size > 0) for (const kind of EXTERNAL_KINDS) invalidations.kinds.add(kind);
        if (isUplink(name)) for (const kind of UPLINK_KINDS) invalidations.kinds.add(kind);
      }
      // The kernel removes routes and next hops of a device that goes down without a word. Uplinks and lo have none.
      const table = plan.vrf.get(plan.port.get(name)?.vrf ?? name)?.table;
      if (table !== undefined) addTable(invalidations, table);
      // The fast path's members are looked at by the table that their tenant has, or would have.
      const tenant = plan['bpf-port'].get(name)?.tenant;
      if (tenant !== undefined) addTable(invalidations, tenantTable(tenant));
      // Local SIDs hang on the VRF and stand in main.
      addTable(invalidations, MAIN_TABLE);
      return;
    }
    case 'address': {
      // The node's own addresses beyond an external network are nobody's else.
      if (plan['nn-external'].size > 0) {
        invalidations.ways = true;
        invalidations.kinds.add('nn-icmp-source');
      }
      if (!concerns(event.value.ifindex)) return;
      // With a device's last IPv4 address its routes go, without a word (fib_disable_ip, net/ipv4/fib_frontend.c).
      for (const kind of ADDRESS_KINDS) invalidations.kinds.add(kind);
      const table = plan.vrf.get(plan.port.get(nameOf(event.value.ifindex))?.vrf ?? '')?.table;
      if (table !== undefined) addTable(invalidations, table);
      return;
    }
    case 'route': {
      const { table, prefix, metric, protocol } = event.value;
      if (table === LOCAL_TABLE) return;
      addRouting(table === MAIN_TABLE && prefix.includes(':'));
      // When another daemon replaces our route the kernel sends RTM_NEWROUTE with that daemon's protocol, and no RTM_DELROUTE of ours.
      if (plan.announce.has(announceKey(table, prefix))) invalidations.kinds.add('announce');
      if (protocol !== PROTOCOL && !plan.route.has(routeKey(table, prefix, metric))) return;
      invalidations.kinds.add('nexthop');
      invalidations.kinds.add('route');
      addTable(invalidations, table);
      return;
    }
    case 'nexthop': {
      const { id, oif, family } = event.value;
      addRouting(family !== 4);
      if (id < NEXTHOP_ID_BASE || id >= NEXTHOP_ID_BASE + NEXTHOP_ID_COUNT) return;
      invalidations.kinds.add('nexthop');
      // Routes that name it have gone with it without a word, or lead elsewhere now.
      invalidations.kinds.add('route');
      const tables = nexthopDevices(id, oif).map((device) => plan.vrf.get(device)?.table);
      for (const table of tables) if (table !== undefined) addTable(invalidations, table);
      if (tables.every((table) => table === undefined)) invalidations.tables = 'all';
      return;
    }
    case 'rule':
      addRouting(event.value.family === 6);
      invalidations.kinds.add('rule');
      invalidations.kinds.add('local-rule');
      invalidations.kinds.add('l3mdev-rule');
      return;
    case 'neighbour':
      // Entries the kernel learns are none of ours, whatever becomes of them.
      if (!concerns(event.value.ifindex)) return;
      addUnderlay(isUplink(nameOf(event.value.ifindex)));
      invalidations.kinds.add('neighbour');
      invalidations.kinds.add('proxy');
      return;
  }
}

export function everything(invalidations: Invalidations, kinds: Iterable<ResourceName>): void {
  for (const kind of kinds) invalidations.kinds.add(kind);
  invalidations.tables = 'all';
  invalidations.links = true;
  invalidations.ways = true;
}

/** What is asked of the underlay: the ways, and on a network node which others are up. */
export function underlayKinds(plan: Plan | undefined): Set<ResourceName> {
  const kinds = new Set<ResourceName>(['bpf-underlay']);
  if (plan !== undefined && plan['gw-node'].size > 0) for (const kind of STEERING_KINDS) kinds.add(kind);
  return kinds;
}

const STEERING_KINDS: readonly ResourceName[] = ['gw-node', 'gw-maglev'];

/** Whether a look asks of the underlay alone, which cannot wait for a list of ten thousand ports. */
export function isUnderlayAlone(kinds: ReadonlySet<ResourceName>): boolean {
  return (
    kinds.has('bpf-underlay') && [...kinds].every((kind) => kind === 'bpf-underlay' || STEERING_KINDS.includes(kind))
  );
}

function addTable(invalidations: Invalidations, table: number): void {
  if (invalidations.tables !== 'all') invalidations.tables.add(table);
}

export function merge(invalidations: Invalidations, more: Invalidations): void {
  for (const kind of more.kinds) invalidations.kinds.add(kind);
  if (more.tables === 'all') invalidations.tables = 'all';
  else for (const table of more.tables) addTable(invalidations, table);
  invalidations.links ||= more.links;
  invalidations.ways ||= more.ways;
}

export function isEmpty({ kinds, ways }: Invalidations): boolean {
  return kinds.size === 0 && !ways;
}
