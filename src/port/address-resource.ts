import { ON_ADDRESS, ON_DEVICE } from '../reconcile/follows.js';
import { PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { decodeAddress, deleteAddress, dumpAddressesRequest, replaceAddress } from 'netlink-ts';
import { isPortDevice } from './ours.js';
import { sourcesOfRules } from '../vrf/rule-resource.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Resource } from '../reconcile/resource.js';
import type { PortAddress } from './objects.js';

const LOOPBACK = 'lo';
const SOURCE_MEMORY = 'source ';

/**
 * Interface addresses. Segue's are recognised by protocol (IFA_PROTO, Linux 5.18) and place: a gateway's address on a port, an outer source on lo.
 */
export const addressResource: Resource<'address'> = {
  name: 'address',
  after: ['port'],
  follows: { ...ON_DEVICE, ...ON_ADDRESS },

  list(kernel, wanted) {
    const found = new Map<string, PortAddress>();
    const sources = ownSources(kernel);
    for (const family of [4, 6] as const) {
      for (const address of kernel.socket.dump(dumpAddressesRequest({ family }), decodeAddress)) {
        const device = kernel.links.nameOf(address.ifindex);
        const prefix = `${address.address}/${address.length}`;
        const key = `${device} ${prefix}`;
        const isPlace = device === LOOPBACK ? sources.has(prefix) : isPortDevice(kernel, device);
        // The same address added by others also satisfies the plan, and is not removed.
        if (!wanted.has(key) && (address.protocol !== PROTOCOL || !isPlace)) continue;
        found.set(key, { device, prefix, ...(address.noprefixroute && { noprefixroute: true }) });
      }
    }
    return found;
  },

  async apply(kernel, changes) {
    const onLoopback = changes.filter(({ desired, actual }) => (desired ?? actual)?.device === LOOPBACK);
    const memories = onLoopback.flatMap(({ desired }) =>
      desired === undefined ? [] : [SOURCE_MEMORY + desired.prefix],
    );
    kernel.savedSettings.remember(memories.map((key) => [key, '']));
    const failures = await applyByNetlink(kernel, changes, ({ desired, actual }) => {
      const value = desired ?? actual;
      if (value === undefined) return [];
      const index = kernel.links.get(value.device)?.index;
      if (index === undefined) return [];
      const [address = '', length] = value.prefix.split('/');
      const spec = { ifindex: index, address, length: Number(length) };
      if (desired === undefined) return [deleteAddress(spec)];
      return [
        // Duplicate address detection would delay the address by a second; the intent guarantees that it is unique.
        replaceAddress({ ...spec, protocol: PROTOCOL, nodad: true, noprefixroute: desired.noprefixroute ?? false }),
      ];
    });
    const failed = new Set(failures.map(({ key }) => key));
    const gone = onLoopback.filter(({ key, desired }) => desired === undefined && !failed.has(key));
    kernel.savedSettings.forget(
      gone.flatMap(({ actual }) => (actual === undefined ? [] : [SOURCE_MEMORY + actual.prefix])),
    );
    return failures;
  },

  // An address with a prefix route that others requested differs only in that.
  equal: (desired, actual) => desired.noprefixroute === undefined || actual.noprefixroute === true,

  devices: ({ device }) => [device],

  describe: (_key, { device, prefix }) => `address ${prefix} dev ${device}`,
};

/** Prefixes of this node's present and former outer sources: from the saved settings, and from the rules for locators (their ::1). */
function ownSources(kernel: Kernel): Set<string> {
  const remembered = kernel.savedSettings
    .keys()
    .flatMap((key) => (key.startsWith(SOURCE_MEMORY) ? [key.slice(SOURCE_MEMORY.length)] : []));
  return new Set([...remembered, ...sourcesOfRules(kernel)]);
}
