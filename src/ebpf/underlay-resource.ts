import { concernsLink } from '../reconcile/follows.js';
import { isUnderlayRoute } from '../host/underlay-route.js';
import type { Follows } from '../reconcile/follows.js';
import { formatMac, writeMac } from '../net/mac.js';
import { allManaged, manageNeighbours } from './managed-neighbours.js';
import { putAddress } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { Hop, HopFlags, Underlay } from './generated/layouts.js';
import { hopSlots } from './hop-slots.js';
import { ensureIds, learn, underlayKey } from './ids.js';
import { Resolver } from './resolve.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { ResolvedHop } from './resolve.js';

/** The kernel's routes, next hops, rules, and the neighbours and links of the uplinks. */
const UNDERLAY_FOLLOWS: Follows = {
  link: (link, context) => concernsLink(link, context) && context.isUplink(link.name),
  route: isUnderlayRoute,
  nexthop: ({ family }) => family !== 4,
  rule: ({ family }) => family === 6,
  neighbour: ({ ifindex }, { concerns, isUplink, nameOf }) => concerns(ifindex) && isUplink(nameOf(ifindex)),
};

/** One for a listing or an application: what the kernel says does not change within it. */
const resolvers = new WeakMap<Kernel, Resolver>();

function fresh(kernel: Kernel): void {
  ensureIds(kernel);
  resolvers.set(kernel, new Resolver(kernel));
}

/** The ways of an entry. */
export function hopsOf(values: Buffer, at: number): ResolvedHop[] {
  return Array.from({ length: values.readUInt32LE(at + Underlay.OFFSETS.count) }, (_, index) => {
    const hop = at + Underlay.OFFSETS.hops + index * Hop.SIZE;
    return {
      ifindex: values.readUInt32LE(hop + Hop.OFFSETS.ifindex),
      mtu: values.readUInt16LE(hop + Hop.OFFSETS.mtu),
      destMac: formatMac(values, hop + Hop.OFFSETS.destMac),
      sourceMac: formatMac(values, hop + Hop.OFFSETS.sourceMac),
      weight: values.readUInt8(hop + Hop.OFFSETS.weight) + 1,
      ...((values.readUInt8(hop + Hop.OFFSETS.flags) & HopFlags.HOP_SELF) !== 0 && { self: true as const }),
      frames: (values.readUInt8(hop + Hop.OFFSETS.flags) & HopFlags.HOP_FRAMES) !== 0,
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

/** Whether an entry has the places of these hops. */
function hasSlots(hops: readonly ResolvedHop[], values: Buffer, at: number): boolean {
  const slots = hopSlots(hops);
  const start = at + Underlay.OFFSETS.slots;
  return slots.equals(values.subarray(start, start + slots.length));
}

/**
 * The ways to nodes and transit segments: entries. The plan says what is to be resolved, the kernel's routes, neighbours and links
 * say to what; an entry without ways sends packets to the kernel, which resolves.
 */
const entries: Resource<'bpf-underlay'> = entryResource<'bpf-underlay'>({
  name: 'bpf-underlay',
  after: ['bpf-trusted'],
  follows: UNDERLAY_FOLLOWS,
  underlay: 'resolves',
  map: ({ underlays }) => underlays,
  beforeList: fresh,
  beforeApply: fresh,
  read(kernel, { keys, keyAt, values, valueAt }, wanted) {
    const id = keys.readUInt32LE(keyAt);
    const { underlayIds } = kernel.fastpath;
    const key = underlayIds.keyOf(id) ?? learn(underlayIds, underlayKey(values, valueAt), id);
    const desired = wanted.get(key);
    const have = hopText(kernel, hopsOf(values, valueAt));
    if (desired === undefined) {
      return [key, { destination: underlayKey(values, valueAt).split('/')[0] ?? '', source: '', stale: have }];
    }
    const { hops, gateways } = resolverOf(kernel).resolve(desired);
    const same = have === hopText(kernel, hops) && hasSlots(hops, values, valueAt) && allManaged(gateways);
    return [key, same ? desired : { ...desired, stale: have }];
  },
  writeKey(kernel, key, _value, into, at) {
    into.writeUInt32LE(kernel.fastpath.underlayIds.allocate(key), at);
    return true;
  },
  writeValue(kernel, key, value, into, at) {
    const { hops } = resolverOf(kernel).resolve(value);
    into.writeUInt32LE(hops.length, at + Underlay.OFFSETS.count);
    into.writeUInt32LE(Number(key.split('/')[1]), at + Underlay.OFFSETS.length);
    putAddress(value.destination, into, at + Underlay.OFFSETS.dest);
    hopSlots(hops).copy(into, at + Underlay.OFFSETS.slots);
    for (const [index, { ifindex, mtu, destMac, sourceMac, weight, frames, self }] of hops.entries()) {
      const hop = at + Underlay.OFFSETS.hops + index * Hop.SIZE;
      into.writeUInt32LE(ifindex, hop + Hop.OFFSETS.ifindex);
      into.writeUInt16LE(Math.min(mtu, 0xffff), hop + Hop.OFFSETS.mtu);
      const flags = (frames ? HopFlags.HOP_FRAMES : 0) | (self ? HopFlags.HOP_SELF : 0);
      into.writeUInt8(flags, hop + Hop.OFFSETS.flags);
      into.writeUInt8(weight - 1, hop + Hop.OFFSETS.weight);
      writeMac(destMac, into, hop + Hop.OFFSETS.destMac);
      writeMac(sourceMac, into, hop + Hop.OFFSETS.sourceMac);
    }
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

/** Every entry, as the map has it. */
export function listUnderlays(kernel: Kernel): { key: string; hops: ResolvedHop[] }[] {
  return [...(kernel.fastpath.maps?.underlays.entries() ?? [])]
    .map(([, value]) => ({ key: underlayKey(value, 0), hops: hopsOf(value, 0) }))
    .sort((a, b) => a.key.localeCompare(b.key));
}

function resolverOf(kernel: Kernel): Resolver {
  let resolver = resolvers.get(kernel);
  if (resolver === undefined) resolvers.set(kernel, (resolver = new Resolver(kernel)));
  return resolver;
}
