/** Zones: where their packets arrive, and their addresses. */
import { isOfNetworkNode } from './events.js';
import type { Follows } from '../reconcile/follows.js';
import { SWEEP_ONLY } from '../reconcile/follows.js';
import { familyNumber, getAddress, indexOfDevice, putAddress, putPrefix } from '../ebpf/bytes.js';
import { KEY_BITS, writePrefixKey } from '../ebpf/encoders.js';
import { ExternalSrcKey, Zone, ZoneFlags } from '../ebpf/generated/steering.js';
import { PrefixKey } from '../ebpf/generated/layouts.js';
import { memberKey, addressStart } from '../ebpf/member-key.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { removeUnusedPairs } from './connection-table.js';
import { nnEntryResource } from './gateway-entry-resource.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource, ObjectFailure } from '../reconcile/resource.js';
import type { OwnZone } from './objects.js';

const EXTERNAL_FOLLOWS: Follows = { link: isOfNetworkNode };

function writeZone(
  kernel: Kernel,
  id: number,
  gateway: number,
  { mtu = 0, outside = false }: { mtu?: number | undefined; outside?: boolean | undefined } = {},
): Buffer {
  const slot = kernel.fastpath.steering.zoneSlots.get(String(id));
  if (slot === undefined) throw new Error(`zone ${id} has no counters yet`);
  const bytes = Buffer.alloc(Zone.SIZE);
  Zone.encode(bytes, 0, { id, slot, gateway, mtu, flags: outside ? ZoneFlags.ZONE_OUTSIDE : 0 });
  return bytes;
}

/** Key of an allowed source of an external network at an interface. */
export function externalSourceKey(ifindex: number, prefix: string): Buffer {
  const bytes = Buffer.alloc(ExternalSrcKey.SIZE);
  const length = putPrefix(prefix, bytes, ExternalSrcKey.OFFSETS.address);
  bytes.writeUInt32LE(KEY_BITS + length, ExternalSrcKey.OFFSETS.length);
  bytes.writeUInt32LE(ifindex, ExternalSrcKey.OFFSETS.ifindex);
  bytes.writeUInt32LE(familyNumber(prefix), ExternalSrcKey.OFFSETS.family);
  return bytes;
}

/** Counters of zones. Their connections are in one table for all zones, where they expire on their own (connection-table.ts). */
export const nnZoneResource: Resource<'nn-zone'> = {
  name: 'nn-zone',
  after: ['nn-node'],
  follows: SWEEP_ONLY,

  list(kernel) {
    const { steering } = kernel.fastpath;
    const found = new Map<string, OwnZone>();
    if (steering.maps === undefined) return found;
    steering.ensureKnown();
    for (const [zone] of steering.zoneSlots.entries()) found.set(zone, { zone: Number(zone) });
    return found;
  },

  apply(kernel, changes) {
    const { steering } = kernel.fastpath;
    const failures: ObjectFailure[] = [];
    const at = Buffer.alloc(4);
    for (const { key, desired } of changes) {
      try {
        steering.ensureKnown();
        const { sg_zone_stats: traffics } = steering.make();
        if (desired === undefined) {
          steering.zoneSlots.release(key);
          continue;
        }
        if (steering.zoneSlots.get(key) !== undefined) continue;
        at.writeUInt32LE(steering.zoneSlots.allocate(key));
        traffics.update(at, Buffer.alloc(traffics.valueSize));
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    const { maps } = steering;
    if (maps !== undefined) {
      removeUnusedPairs(maps.sg_ct_pairs, (zone) => steering.zoneSlots.get(String(zone)) !== undefined);
    }
    return failures;
  },

  describe: (_key, { zone }) => `gateway zone ${zone}`,
};

/** Gateway SIDs of this node. */
export const nnSidResource = nnEntryResource<'nn-sid'>({
  name: 'nn-sid',
  after: ['nn-external'],
  before: ['device-feature'],
  follows: SWEEP_ONLY,
  map: ({ sg_gw_sids: map }) => map,
  read(_kernel, key, value) {
    const { id, gateway } = Zone.decode(value, 0);
    return [formatIPv6(key, 0), { zone: id, gateway }];
  },
  writeKey(_kernel, key) {
    const bytes = Buffer.alloc(16);
    putAddress(key, bytes, 0);
    return bytes;
  },
  writeValue: (kernel, { zone, gateway }) => writeZone(kernel, zone, gateway),
  describe: (key, { zone }) => `gateway sid ${key} zone ${zone}`,
});

/** Allowed sources of external networks. */
export const nnExternalResource = nnEntryResource<'nn-external'>({
  name: 'nn-external',
  after: ['nn-policies'],
  follows: EXTERNAL_FOLLOWS,
  map: ({ sg_ext_src: map }) => map,
  devices: ({ device }) => (device === undefined ? [] : [device]),
  read(kernel, key, value) {
    const { length, ifindex, family } = ExternalSrcKey.decode(key, 0);
    const device = kernel.links.nameOf(ifindex);
    const prefix = `${getAddress(key, ExternalSrcKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
    const { id, gateway, flags } = Zone.decode(value, 0);
    const outside = (flags & ZoneFlags.ZONE_OUTSIDE) !== 0 && { outside: true as const };
    return [`${device} ${prefix}`, { zone: id, gateway, device, ...outside }];
  },
  writeKey(kernel, key, { device = '' }) {
    const ifindex = indexOfDevice(kernel, device);
    if (ifindex === undefined) return undefined;
    // The text for a deleted device contains a space.
    const prefix = key.slice(key.lastIndexOf(' ') + 1);
    return externalSourceKey(ifindex, prefix);
  },
  writeValue: (kernel, { zone, gateway, outside }) => writeZone(kernel, zone, gateway, { outside }),
  describe: (key, { zone, outside }) =>
    `gateway external ${key} zone ${zone}${outside === true ? ' outside of it' : ''}`,
});

/** The zone of an address, seen from another zone. Changes cause all connections to be checked again. */
export const nnRouteResource = nnEntryResource<'nn-route'>({
  name: 'nn-route',
  after: ['nn-icmp-source'],
  follows: SWEEP_ONLY,
  map: ({ sg_zone_routes }) => sg_zone_routes,
  read(_kernel, key, value) {
    const { length, tenant: from, family } = PrefixKey.decode(key, 0);
    const prefix = `${getAddress(key, PrefixKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
    const { id, gateway, mtu } = Zone.decode(value, 0);
    return [memberKey(from, prefix), { from, to: id, gateway, ...(mtu > 0 && { mtu }) }];
  },
  writeKey(_kernel, key, { from }) {
    const prefix = key.slice(addressStart(key));
    const bytes = Buffer.alloc(PrefixKey.SIZE);
    writePrefixKey(from, prefix, bytes, 0);
    return bytes;
  },
  writeValue: (kernel, { to, gateway, mtu }) => writeZone(kernel, to, gateway, { mtu }),
  changed(kernel) {
    kernel.fastpath.steering.change();
  },
  describe: (key, { from, to }) => `gateway route ${key.slice(addressStart(key))} from zone ${from} to zone ${to}`,
});
