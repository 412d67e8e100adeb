/** What a port's VM may send from. */
import { ON_DEVICE } from '../reconcile/follows.js';
import { familyNumber, getAddress, indexOfDevice, putAddress, putPrefix } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { SourceKey, SourcePrefixKey } from './generated/layouts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { BpfSource } from './objects.js';

/** Bits before a prefix's own in a key: interface and family. */
const KEY_BITS = 64;

const devices = ({ device }: BpfSource): readonly string[] => [device];

/** @returns false when the interface never was; only for what goes, as what comes waits for it */
function putDevice(kernel: Kernel, device: string, into: Buffer, at: number): boolean {
  const index = indexOfDevice(kernel, device);
  if (index === undefined) return false;
  into.writeUInt32LE(index, at);
  return true;
}

export const bpfSourceResource = entryResource<'bpf-source'>({
  name: 'bpf-source',
  after: ['bpf-port'],
  follows: ON_DEVICE,
  map: ({ sources }) => sources,
  devices,
  read(kernel, { keys, keyAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt + SourceKey.OFFSETS.ifindex));
    const family = keys.readUInt32LE(keyAt + SourceKey.OFFSETS.family);
    const from = getAddress(keys, keyAt + SourceKey.OFFSETS.address, family);
    return [`${device} ${from}`, { device, from }];
  },
  writeKey(kernel, _key, { device, from }, into, at) {
    const family = putAddress(from, into, at + SourceKey.OFFSETS.address);
    into.writeUInt32LE(family, at + SourceKey.OFFSETS.family);
    return putDevice(kernel, device, into, at + SourceKey.OFFSETS.ifindex);
  },
  writeValue: () => undefined,
  describe: (_key, { device, from }) => `fast path source ${from} dev ${device}`,
});

export const bpfSourcePrefixResource = entryResource<'bpf-source-prefix'>({
  name: 'bpf-source-prefix',
  after: ['bpf-source'],
  follows: ON_DEVICE,
  map: ({ source_prefixes: map }) => map,
  devices,
  read(kernel, { keys, keyAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt + SourcePrefixKey.OFFSETS.ifindex));
    const family = keys.readUInt32LE(keyAt + SourcePrefixKey.OFFSETS.family);
    const length = keys.readUInt32LE(keyAt + SourcePrefixKey.OFFSETS.length) - KEY_BITS;
    const from = `${getAddress(keys, keyAt + SourcePrefixKey.OFFSETS.address, family)}/${length}`;
    return [`${device} ${from}`, { device, from }];
  },
  writeKey(kernel, _key, { device, from }, into, at) {
    into.writeUInt32LE(familyNumber(from), at + SourcePrefixKey.OFFSETS.family);
    const length = putPrefix(from, into, at + SourcePrefixKey.OFFSETS.address);
    into.writeUInt32LE(KEY_BITS + length, at + SourcePrefixKey.OFFSETS.length);
    return putDevice(kernel, device, into, at + SourcePrefixKey.OFFSETS.ifindex);
  },
  writeValue: () => undefined,
  describe: (_key, { device, from }) => `fast path source ${from} dev ${device}`,
});
