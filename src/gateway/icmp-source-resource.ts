/** Source addresses of a network node's ICMP errors. */
import { isOfNetworkNode } from './events.js';
import type { Follows } from '../reconcile/follows.js';
import { getAddress, indexOfDevice, putAddress, putPrefix } from '../ebpf/bytes.js';
import { Family, PrefixKey } from '../ebpf/generated/layouts.js';
import { IcmpSrc } from '../ebpf/generated/steering.js';
import { addressStart, memberKey } from '../ebpf/member-key.js';
import { familyOf } from 'netlink-ts/inet';
import { type AddressFamily, decodeAddress, dumpAddressesRequest } from 'netlink-ts';
import type { Kernel } from '../kernel/kernel.js';
import type { ObservedObject, Resource, ObjectFailure } from '../reconcile/resource.js';
import type { IcmpSource } from './objects.js';

const ICMP_SOURCE_FOLLOWS: Follows = {
  link: isOfNetworkNode,
  // The interface of an external network may have got another address.
  address: (_address, { plan }) => plan['nn-external'].size > 0,
};

/** Bits that precede the prefix in a key. */
const KEY_BITS = 64;
/** RT_SCOPE_UNIVERSE (linux/rtnetlink.h) */
const GLOBAL = 0;

/** The first global address of an interface; undefined if it has none of that family, and programs then send no ICMP errors. */
function addressOf(kernel: Kernel, device: string, family: AddressFamily): string | undefined {
  const ifindex = indexOfDevice(kernel, device);
  if (ifindex === undefined) return undefined;
  const addresses = kernel.socket.dump(dumpAddressesRequest({ family }), decodeAddress);
  return addresses.find((one) => one.ifindex === ifindex && one.scope === GLOBAL && !one.tentative)?.address;
}

function wantedAddress(kernel: Kernel, key: string, { address, device = '' }: IcmpSource): string | undefined {
  return address ?? addressOf(kernel, device, familyOf(key.slice(addressStart(key))));
}

function writeKey(key: string, zone: number): Buffer {
  const prefix = key.slice(addressStart(key));
  const bytes = Buffer.alloc(PrefixKey.SIZE);
  bytes.writeUInt32LE(KEY_BITS + putPrefix(prefix, bytes, PrefixKey.OFFSETS.address), PrefixKey.OFFSETS.length);
  bytes.writeUInt32LE(zone, PrefixKey.OFFSETS.tenant);
  bytes.writeUInt32LE(familyOf(prefix) === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6, PrefixKey.OFFSETS.family);
  return bytes;
}

export const nnIcmpSourceResource: Resource<'nn-icmp-source'> = {
  name: 'nn-icmp-source',
  after: ['nn-zone'],
  follows: ICMP_SOURCE_FOLLOWS,
  outlivesDevices: true,

  list(kernel, wanted) {
    const found = new Map<string, ObservedObject<IcmpSource>>();
    const { maps } = kernel.fastpath.steering;
    if (maps === undefined) return found;
    for (const [bytes, value] of maps.sg_icmp_src_lpm.entries()) {
      const { length, tenant: zone, family } = PrefixKey.decode(bytes, 0);
      const key = memberKey(zone, `${getAddress(bytes, PrefixKey.OFFSETS.address, family)}/${length - KEY_BITS}`);
      const address = getAddress(value, IcmpSrc.OFFSETS.address, family);
      const desired = wanted.get(key);
      if (desired?.device === undefined) found.set(key, { zone, address });
      else if (wantedAddress(kernel, key, desired) === address) found.set(key, desired);
      else found.set(key, { ...desired, drift: address });
    }
    for (const [key, desired] of wanted) {
      if (!found.has(key) && wantedAddress(kernel, key, desired) === undefined) found.set(key, desired);
    }
    return found;
  },

  apply(kernel, changes) {
    const failures: ObjectFailure[] = [];
    for (const { key, desired, actual } of changes) {
      try {
        const { sg_icmp_src_lpm: map } = kernel.fastpath.steering.make();
        const at = writeKey(key, (desired ?? actual)?.zone ?? 0);
        const address = desired && wantedAddress(kernel, key, desired);
        const value = Buffer.alloc(IcmpSrc.SIZE);
        if (address === undefined) {
          map.delete(at);
          continue;
        }
        putAddress(address, value, IcmpSrc.OFFSETS.address);
        map.update(at, value);
      } catch (error) {
        failures.push({ key, error: error as Error });
      }
    }
    return failures;
  },

  devices: ({ device }) => (device === undefined ? [] : [device]),

  describe: (key, { address, device }) =>
    `gateway address for ${key.slice(addressStart(key))} of zone ${key.slice(0, addressStart(key) - 1)}: ` +
    (address ?? `that of ${device}`),
};
