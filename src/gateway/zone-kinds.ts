/** Zones: where their packets arrive, which addresses are in which, what is remembered of their connections. */
import { getAddress, indexOfDevice, putAddress, putPrefix } from '../ebpf/bytes.js';
import { Connection, ExternalKey, FlowKey, Zone, ZoneFlags } from '../ebpf/generated/steering.js';
import { Family, PrefixKey } from '../ebpf/generated/layouts.js';
import { memberKey, addressStart } from '../ebpf/member-key.js';
import { BpfMap } from '../libbpf/index.js';
import { formatIPv6 } from '../net/address.js';
import { familyOf } from '../net/address.js';
import { steerEntryKind } from './steer-entry-kind.js';
import { ZONE_SLOTS } from './steering-maps.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kind, ObjectFailure } from '../reconcile/kind.js';
import type { SteerZone } from './objects.js';

/** Bits before a prefix's own in a key. */
const KEY_BITS = 64;

function writeZone(
  kernel: Kernel,
  id: number,
  gateway: number,
  { mtu = 0, outside = false }: { mtu?: number | undefined; outside?: boolean | undefined } = {},
): Buffer {
  const slot = kernel.fastpath.steering.zoneSlots.get(String(id));
  if (slot === undefined) throw new Error(`zone ${id} has no table of connections`);
  const bytes = Buffer.alloc(Zone.SIZE);
  Zone.encode(bytes, 0, { id, slot, gateway, mtu, flags: outside ? ZoneFlags.ZONE_OUTSIDE : 0 });
  return bytes;
}

function familyNumber(text: string): number {
  return familyOf(text) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
}

/** A zone's table of connections before it is in its slot. */
interface Table {
  key: string;
  slot: number;
  table: BpfMap;
}

/** Tables that are put in by one call: each is an open descriptor until then. */
const TABLES_AT_ONCE = 128;

/**
 * Puts tables into their slots and closes them. The kernel waits for all programs once a call (maybe_wait_bpf_programs in
 * kernel/bpf/syscall.c), some 10 to 20 ms: one call for many.
 */
function putTables(connections: BpfMap, tables: readonly Table[]): ObjectFailure[] {
  const failures: ObjectFailure[] = [];
  const [slots, descriptors] = [Buffer.alloc(4 * tables.length), Buffer.alloc(4 * tables.length)];
  for (const [index, { slot, table }] of tables.entries()) {
    slots.writeUInt32LE(slot, 4 * index);
    descriptors.writeUInt32LE(table.fd, 4 * index);
  }
  try {
    connections.updateBatch(slots, descriptors);
  } catch {
    // Which of them it was, and why, by themselves.
    for (const [index, { key, table }] of tables.entries()) {
      try {
        connections.updateHandle(slots.subarray(4 * index, 4 * (index + 1)), table);
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
  } finally {
    for (const { table } of tables) table.close();
  }
  return failures;
}

/** Tables of connections: made once, so that connections outlive the agent. */
export const steerZoneKind: Kind<'steer-zone'> = {
  name: 'steer-zone',

  list(kernel) {
    const { steering } = kernel.fastpath;
    const found = new Map<string, SteerZone>();
    const { maps } = steering;
    if (maps === undefined) return found;
    steering.ensureKnown();
    const key = Buffer.alloc(4);
    for (let slot = 0; slot < ZONE_SLOTS; slot++) {
      key.writeUInt32LE(slot);
      const id = maps.connections.lookup(key)?.readUInt32LE(0);
      if (id === undefined) continue;
      const inner = BpfMap.openById(id);
      const zone = steering.zoneSlots.keyOf(slot);
      // Left by a process that ended before anything was to go there.
      if (zone === undefined) steering.zoneSlots.set(`slot ${slot}`, slot);
      found.set(zone ?? `slot ${slot}`, { zone: Number(zone ?? -1), connections: inner.info.maxEntries });
      inner.close();
    }
    return found;
  },

  apply(kernel, changes) {
    const { steering } = kernel.fastpath;
    const failures: ObjectFailure[] = [];
    const at = Buffer.alloc(4);
    const made: Table[] = [];
    const putMade = (): void => {
      failures.push(...putTables(steering.make().connections, made));
      made.length = 0;
    };
    for (const { key, desired } of changes) {
      try {
        steering.ensureKnown();
        const { connections, zone_traffics: traffics } = steering.make();
        if (desired === undefined) {
          const slot = steering.zoneSlots.get(key);
          if (slot === undefined) continue;
          at.writeUInt32LE(slot);
          connections.delete(at);
          steering.zoneSlots.release(key);
          continue;
        }
        const isNew = steering.zoneSlots.get(key) === undefined;
        const slot = steering.zoneSlots.allocate(key);
        at.writeUInt32LE(slot);
        if (isNew) traffics.update(at, Buffer.alloc(traffics.valueSize));
        const table = BpfMap.create({
          ...{ type: 'lru_hash', name: 'connection_tab', maxEntries: desired.connections },
          ...{ keySize: FlowKey.SIZE, valueSize: Connection.SIZE },
        });
        made.push({ key, slot, table });
        if (made.length === TABLES_AT_ONCE) putMade();
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    if (made.length > 0) putMade();
    return failures;
  },

  describe: (_key, { zone, connections }) => `gateway zone ${zone} connections ${connections}`,
};

/** Gateway SIDs of this node. */
export const steerSidKind = steerEntryKind<'steer-sid'>({
  name: 'steer-sid',
  map: ({ gateway_sids: map }) => map,
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

/** What may arrive from external networks. */
export const steerExternalKind = steerEntryKind<'steer-external'>({
  name: 'steer-external',
  map: ({ external_sources: map }) => map,
  devices: ({ device }) => (device === undefined ? [] : [device]),
  read(kernel, key, value) {
    const { length, ifindex, family } = ExternalKey.decode(key, 0);
    const device = kernel.links.nameOf(ifindex);
    const prefix = `${getAddress(key, ExternalKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
    const { id, gateway, flags } = Zone.decode(value, 0);
    const outside = (flags & ZoneFlags.ZONE_OUTSIDE) !== 0 && { outside: true as const };
    return [`${device} ${prefix}`, { zone: id, gateway, device, ...outside }];
  },
  writeKey(kernel, key, { device = '' }) {
    const ifindex = indexOfDevice(kernel, device);
    if (ifindex === undefined) return undefined;
    // A device that is gone is two words.
    const prefix = key.slice(key.lastIndexOf(' ') + 1);
    const bytes = Buffer.alloc(ExternalKey.SIZE);
    const length = putPrefix(prefix, bytes, ExternalKey.OFFSETS.address);
    bytes.writeUInt32LE(KEY_BITS + length, ExternalKey.OFFSETS.length);
    bytes.writeUInt32LE(ifindex, ExternalKey.OFFSETS.ifindex);
    bytes.writeUInt32LE(familyNumber(prefix), ExternalKey.OFFSETS.family);
    return bytes;
  },
  writeValue: (kernel, { zone, gateway, outside }) => writeZone(kernel, zone, gateway, { outside }),
  describe: (key, { zone, outside }) =>
    `gateway external ${key} zone ${zone}${outside === true ? ' outside of it' : ''}`,
});

/** Which zone an address is in, seen from another. A change looks at every connection again. */
export const steerRouteKind = steerEntryKind<'steer-route'>({
  name: 'steer-route',
  map: ({ routes }) => routes,
  read(_kernel, key, value) {
    const { length, tenant: from, family } = PrefixKey.decode(key, 0);
    const prefix = `${getAddress(key, PrefixKey.OFFSETS.address, family)}/${length - KEY_BITS}`;
    const { id, gateway, mtu } = Zone.decode(value, 0);
    return [memberKey(from, prefix), { from, to: id, gateway, ...(mtu > 0 && { mtu }) }];
  },
  writeKey(_kernel, key, { from }) {
    const prefix = key.slice(addressStart(key));
    const bytes = Buffer.alloc(PrefixKey.SIZE);
    const length = putPrefix(prefix, bytes, PrefixKey.OFFSETS.address);
    bytes.writeUInt32LE(KEY_BITS + length, PrefixKey.OFFSETS.length);
    bytes.writeUInt32LE(from, PrefixKey.OFFSETS.tenant);
    bytes.writeUInt32LE(familyNumber(prefix), PrefixKey.OFFSETS.family);
    return bytes;
  },
  writeValue: (kernel, { to, gateway, mtu }) => writeZone(kernel, to, gateway, { mtu }),
  changed(kernel) {
    kernel.fastpath.steering.change();
  },
  describe: (key, { from, to }) => `gateway route ${key.slice(addressStart(key))} from zone ${from} to zone ${to}`,
});
