import { concernsLink } from '../reconcile/follows.js';
import { isUnderlayRoute } from '../host/underlay-route.js';
import type { Follows } from '../reconcile/follows.js';
import { formatMac } from 'netlink-ts/inet';
import { allManaged, manageNeighbours } from './managed-neighbours.js';
import { writeNexthopGroup } from './encoders.js';
import { entryResourceByRun } from './entry-resource.js';
import { Nexthop, NexthopFlags, NexthopGroup } from './generated/layouts.js';
import { hopSlots } from './hop-slots.js';
import { ensureIds, learn, underlayKey } from './ids.js';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { ResolvedHop } from './resolve.js';

/** The kernel's routes, next hops and rules, and the uplinks' neighbours and links. */
const UNDERLAY_FOLLOWS: Follows = {
  link: (link, context) => concernsLink(link, context) && context.isUplink(link.name),
  route: isUnderlayRoute,
  nexthop: ({ family }) => family !== 4,
  rule: ({ family }) => family === 6,
  neighbour: ({ ifindex }, { concerns, isUplink, nameOf }) => concerns(ifindex) && isUplink(nameOf(ifindex)),
};

/** A resolver for one listing or application, during which the kernel's state counts as constant. */
function resolverOf(kernel: Kernel): Resolver {
  ensureIds(kernel);
  return new Resolver(kernel);
}

/** The next hops of an entry. */
export function hopsOf(values: Buffer, at: number): ResolvedHop[] {
  return Array.from({ length: values.readUInt32LE(at + NexthopGroup.OFFSETS.count) }, (_, index) => {
    const hop = at + NexthopGroup.OFFSETS.hops + index * Nexthop.SIZE;
    return {
      ifindex: values.readUInt32LE(hop + Nexthop.OFFSETS.ifindex),
      mtu: values.readUInt16LE(hop + Nexthop.OFFSETS.mtu),
      destMac: formatMac(values, hop + Nexthop.OFFSETS.destMac),
      sourceMac: formatMac(values, hop + Nexthop.OFFSETS.sourceMac),
      weight: values.readUInt8(hop + Nexthop.OFFSETS.weight) + 1,
      ...((values.readUInt8(hop + Nexthop.OFFSETS.flags) & NexthopFlags.NH_LOOPBACK) !== 0 && { self: true as const }),
      frames: (values.readUInt8(hop + Nexthop.OFFSETS.flags) & NexthopFlags.NH_XDP_XMIT) !== 0,
    };
  });
}

function hopText(kernel: Kernel, hops: readonly ResolvedHop[]): string {
  const words = hops.map(
    ({ ifindex, destMac, sourceMac, mtu, weight, frames, self }) =>
      `${kernel.links.nameOf(ifindex)} lladdr ${destMac} from ${sourceMac} mtu ${mtu} weight ${weight}${frames ? ' xdp' : ''}${self ? ' self' : ''}`,
  );
  return words.length === 0 ? 'unresolved' : words.join(', ');
}

/** Whether an entry has the flow slots of these hops. */
function hasSlots(hops: readonly ResolvedHop[], values: Buffer, at: number): boolean {
  const slots = hopSlots(hops);
  const start = at + NexthopGroup.OFFSETS.slots;
  return slots.equals(values.subarray(start, start + slots.length));
}

/**
 * Next hops to nodes and transit segments. The plan contains the destinations, and the kernel's routes, neighbours and links determine the hops.
 * Packets for an entry without hops go to the kernel, which resolves them.
 */
const entries: Resource<'bpf-underlay'> = entryResourceByRun<'bpf-underlay', Resolver>({
  name: 'bpf-underlay',
  after: ['bpf-trusted'],
  follows: UNDERLAY_FOLLOWS,
  underlay: 'resolves',
  map: ({ sg_nh_groups }) => sg_nh_groups,
  begin: resolverOf,
  read(kernel, { keys, keyAt, values, valueAt }, wanted, resolver) {
    const id = keys.readUInt32LE(keyAt);
    const { underlayIds } = kernel.fastpath;
    const key = underlayIds.keyOf(id) ?? learn(underlayIds, underlayKey(values, valueAt), id);
    const desired = wanted.get(key);
    const have = hopText(kernel, hopsOf(values, valueAt));
    if (desired === undefined) {
      return [key, { destination: underlayKey(values, valueAt).split('/')[0] ?? '', source: '', drift: have }];
    }
    const { hops, gateways } = resolver.resolve(desired);
    const same = have === hopText(kernel, hops) && hasSlots(hops, values, valueAt) && allManaged(gateways);
    return [key, same ? desired : { ...desired, drift: have }];
  },
  writeKey(kernel, key, _value, into, at) {
    into.writeUInt32LE(kernel.fastpath.underlayIds.allocate(key), at);
    return true;
  },
  writeValue(_kernel, key, value, into, at, resolver) {
    const { hops } = resolver.resolve(value);
    writeNexthopGroup({ destination: value.destination, length: Number(key.split('/')[1]), hops }, into, at);
  },
  released(kernel, key) {
    kernel.fastpath.underlayIds.release(key);
  },
  describe: (key) => `fast path underlay ${key}`,
});

export const bpfUnderlayResource: Resource<'bpf-underlay'> = {
  ...entries,
  async apply(kernel, changes) {
    await manageNeighbours(
      kernel,
      changes.flatMap(({ desired }) => desired ?? []),
    );
    return entries.apply(kernel, changes);
  },
};

/** All entries of the map. */
export function listUnderlays(kernel: Kernel): { key: string; hops: ResolvedHop[] }[] {
  return [...(kernel.fastpath.maps?.sg_nh_groups.entries() ?? [])]
    .map(([, value]) => ({ key: underlayKey(value, 0), hops: hopsOf(value, 0) }))
    .sort((a, b) => a.key.localeCompare(b.key));
}
