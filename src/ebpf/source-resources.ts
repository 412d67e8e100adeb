/** Addresses and prefixes from which a port's VM may send. */
import { ON_DEVICE } from '../reconcile/follows.js';
import { getAddress, indexOfDevice } from './bytes.js';
import { KEY_BITS, writeSourceKey, writeSourcePrefixKey } from './encoders.js';
import { entryResource } from './entry-resource.js';
import { AllowedSrcKey, AllowedSrcLpmKey } from './generated/layouts.js';
import type { BpfSource } from './objects.js';

const devices = ({ device }: BpfSource): readonly string[] => [device];

/** The key cannot be written if the interface never existed. This concerns only removals: additions wait for the interface. */
export const bpfSourceResource = entryResource<'bpf-source'>({
  name: 'bpf-source',
  after: ['bpf-port'],
  follows: ON_DEVICE,
  map: ({ sg_allowed_src }) => sg_allowed_src,
  devices,
  read(kernel, { keys, keyAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt + AllowedSrcKey.OFFSETS.ifindex));
    const family = keys.readUInt32LE(keyAt + AllowedSrcKey.OFFSETS.family);
    const from = getAddress(keys, keyAt + AllowedSrcKey.OFFSETS.address, family);
    return [`${device} ${from}`, { device, from }];
  },
  writeKey(kernel, _key, { device, from }, into, at) {
    const index = indexOfDevice(kernel, device);
    if (index === undefined) return false;
    writeSourceKey(index, from, into, at);
    return true;
  },
  writeValue: () => undefined,
  describe: (_key, { device, from }) => `fast path source ${from} dev ${device}`,
});

export const bpfSourcePrefixResource = entryResource<'bpf-source-prefix'>({
  name: 'bpf-source-prefix',
  after: ['bpf-source'],
  follows: ON_DEVICE,
  map: ({ sg_allowed_lpm: map }) => map,
  devices,
  read(kernel, { keys, keyAt }) {
    const device = kernel.links.nameOf(keys.readUInt32LE(keyAt + AllowedSrcLpmKey.OFFSETS.ifindex));
    const family = keys.readUInt32LE(keyAt + AllowedSrcLpmKey.OFFSETS.family);
    const length = keys.readUInt32LE(keyAt + AllowedSrcLpmKey.OFFSETS.length) - KEY_BITS;
    const from = `${getAddress(keys, keyAt + AllowedSrcLpmKey.OFFSETS.address, family)}/${length}`;
    return [`${device} ${from}`, { device, from }];
  },
  writeKey(kernel, _key, { device, from }, into, at) {
    const index = indexOfDevice(kernel, device);
    if (index === undefined) return false;
    writeSourcePrefixKey(index, from, into, at);
    return true;
  },
  writeValue: () => undefined,
  describe: (_key, { device, from }) => `fast path source ${from} dev ${device}`,
});
