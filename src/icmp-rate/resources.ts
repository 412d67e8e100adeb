/** ICMP limits in the kernel: entries of a map, and an nftables table. */
import { indexOfDevice } from '../ebpf/bytes.js';
import { entryResource } from '../ebpf/entry-resource.js';
import { IcmpRate } from '../ebpf/generated/layouts.js';
import { ON_DEVICE, onNftables } from '../reconcile/follows.js';
import { isTable } from '../reconcile/nft-objects.js';
import { nftTables } from '../reconcile/nft-tables.js';
import { ICMP_TABLE } from './table.js';
import type { Resource } from '../reconcile/resource.js';
import type { NftTable } from '../reconcile/nft-objects.js';

export const bpfIcmpRateResource = entryResource<'bpf-icmp-rate'>({
  name: 'bpf-icmp-rate',
  after: ['bpf-port'],
  before: ['bpf-program'],
  follows: ON_DEVICE,
  map: ({ sg_port_icmp }) => sg_port_icmp,
  devices: (_value, device) => [device],
  read(kernel, { keys, keyAt, values, valueAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt));
    return [device, { perSecond: values.readUInt32LE(valueAt + IcmpRate.OFFSETS.perSecond) }];
  },
  writeKey(kernel, device, _value, into, at) {
    const index = indexOfDevice(kernel, device);
    if (index === undefined) return false;
    into.writeUInt32LE(index, at);
    return true;
  },
  // Starts with a full bucket, and no suppressed messages.
  writeValue(_kernel, _device, { perSecond }, into, at) {
    into.writeUInt32LE(perSecond, at + IcmpRate.OFFSETS.perSecond);
  },
  describe: (device, { perSecond }) => `fast path icmp rate dev ${device} ${perSecond}/s`,
});

export const icmpRateResource: Resource<'icmp-rate'> = {
  name: 'icmp-rate',
  after: ['guard'],
  before: ['port'],
  follows: onNftables([ICMP_TABLE]),
  async list(kernel, wanted) {
    const found = await nftTables.list(kernel, wanted, [ICMP_TABLE]);
    return new Map([...found].filter((entry): entry is [string, NftTable] => isTable(entry[1])));
  },
  apply: (kernel, changes) => nftTables.apply(kernel, changes),
  describe: nftTables.describe,
};
