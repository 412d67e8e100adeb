/** Migrations in the fast path: two maps. Programs themselves record where a VM is, which a rewritten entry keeps. */
import { ON_DEVICE, SWEEP_ONLY } from '../reconcile/follows.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { getAddress, indexOfDevice, putAddress } from '../ebpf/bytes.js';
import { entryResource } from '../ebpf/entry-resource.js';
import { Family, Migration, Notice } from '../ebpf/generated/layouts.js';
import { ensureIds } from '../ebpf/ids.js';
import type { Kernel } from '../kernel/kernel.js';

const { OFFSETS } = Migration;

/** The plan's key of an encapsulation, from its id. */
function encapKey(kernel: Kernel, values: Buffer, at: number): string | undefined {
  const id = values.readUInt32LE(at);
  return id === 0 ? undefined : (kernel.fastpath.encapIds.keyOf(id) ?? `id ${id}`);
}

function encapId(kernel: Kernel, key: string | undefined): number {
  if (key === undefined) return 0;
  const id = kernel.fastpath.encapIds.get(key);
  if (id === undefined) throw new Error(`migration: the encapsulation to ${key} does not exist`);
  return id;
}

export const bpfMigrationResource = entryResource<'bpf-migration'>({
  name: 'bpf-migration',
  after: ['bpf-encap'],
  // The entry must exist before its port's.
  before: ['bpf-port'],
  follows: ON_DEVICE,
  map: ({ sg_migrations }) => sg_migrations,
  devices: (_value, device) => [device],
  beforeList: ensureIds,
  beforeApply: ensureIds,
  read(kernel, { keys, keyAt, values, valueAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt));
    const encap4 = encapKey(kernel, values, valueAt + OFFSETS.encap4);
    const encap6 = encapKey(kernel, values, valueAt + OFFSETS.encap6);
    const notice = encapKey(kernel, values, valueAt + OFFSETS.noticeEncap);
    return [
      device,
      {
        announced: values.readUInt32LE(valueAt + OFFSETS.announced) !== 0,
        ...(encap4 !== undefined && { encap4 }),
        ...(encap6 !== undefined && { encap6 }),
        ...(notice !== undefined && { notice }),
      },
    ];
  },
  writeKey(kernel, device, _value, into, at) {
    const index = indexOfDevice(kernel, device);
    if (index === undefined) return false;
    into.writeUInt32LE(index, at);
    return true;
  },
  writeValue(kernel, device, { announced, encap4, encap6, notice }, into, at) {
    into.writeUInt32LE(activatedNow(kernel, device), at + OFFSETS.activated);
    into.writeUInt32LE(Number(announced), at + OFFSETS.announced);
    into.writeUInt32LE(encapId(kernel, encap4), at + OFFSETS.encap4);
    into.writeUInt32LE(encapId(kernel, encap6), at + OFFSETS.encap6);
    into.writeUInt32LE(encapId(kernel, notice), at + OFFSETS.noticeEncap);
  },
  describe: (device, { announced, encap4, encap6 }) =>
    `fast path migration dev ${device} peer ${encap4 ?? encap6 ?? 'unknown'} activate ${announced ? 'announce' : 'intent'}`,
});

/** The activation that the program has recorded, if there is an entry. */
function activatedNow(kernel: Kernel, device: string): number {
  return heldMigration(kernel, device)?.activated === true ? 1 : 0;
}

/** A port's migration entry in the maps. */
export function heldMigration(kernel: Kernel, device: string): { activated: boolean; relayed: number } | undefined {
  const index = kernel.links.get(device)?.index;
  if (index === undefined) return undefined;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  const value = kernel.fastpath.maps?.sg_migrations.lookup(key);
  if (value === undefined) return undefined;
  return {
    activated: value.readUInt32LE(OFFSETS.activated) !== 0,
    relayed: Number(value.readBigUInt64LE(OFFSETS.relayed)),
  };
}

export const bpfNoticeResource = entryResource<'bpf-notice'>({
  name: 'bpf-notice',
  after: ['bpf-migration'],
  follows: SWEEP_ONLY,
  map: ({ sg_notices }) => sg_notices,
  devices: ({ device }) => [device],
  read(kernel, { keys, keyAt, values, valueAt }) {
    const device = kernel.links.nameOf(values.readUInt32LE(valueAt + Notice.OFFSETS.ifindex));
    return [
      formatIPv6(keys, keyAt),
      { device, from: getAddress(values, valueAt + Notice.OFFSETS.from, Family.FAMILY_INET6) },
    ];
  },
  writeKey(_kernel, key, _value, into, at) {
    putAddress(key, into, at);
    return true;
  },
  writeValue(kernel, _key, { device, from }, into, at) {
    putAddress(from, into, at + Notice.OFFSETS.from);
    into.writeUInt32LE(indexOfDevice(kernel, device) ?? 0, at + Notice.OFFSETS.ifindex);
  },
  describe: (key, { device, from }) => `fast path notice ${key} dev ${device} from ${from}`,
});
