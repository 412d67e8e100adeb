import { PROTOCOL } from '../plan/numbers.js';
import { applyByNetlink } from '../reconcile/netlink-changes.js';
import { decodeAddress, deleteAddress, dumpAddressesRequest, replaceAddress } from '../netlink/address.js';
import type { Kind } from '../reconcile/kind.js';
import type { PortAddress } from './objects.js';

/** Interface addresses, known as ours by their protocol (IFA_PROTO, Linux 5.18): a gateway's on its ports, the outer source on lo. */
export const addressKind: Kind<'address'> = {
  name: 'address',

  list(kernel, wanted) {
    const found = new Map<string, PortAddress>();
    for (const family of [4, 6] as const) {
      for (const address of kernel.socket.dump(dumpAddressesRequest({ family }), decodeAddress)) {
        const device = kernel.links.nameOf(address.ifindex);
        const prefix = `${address.address}/${address.length}`;
        const key = `${device} ${prefix}`;
        // The same address put there by somebody else serves as well, and stays theirs.
        if (address.protocol !== PROTOCOL && !wanted.has(key)) continue;
        found.set(key, { device, prefix, ...(address.noprefixroute && { noprefixroute: true }) });
      }
    }
    return found;
  },

  apply: (kernel, changes) =>
    applyByNetlink(kernel, changes, ({ desired, actual }) => {
      const value = desired ?? actual;
      if (value === undefined) return [];
      const index = kernel.links.get(value.device)?.index;
      if (index === undefined) return [];
      const [address = '', length] = value.prefix.split('/');
      const spec = { ifindex: index, address, length: Number(length) };
      if (desired === undefined) return [deleteAddress(spec)];
      return [
        // Duplicate address detection would hold the address back for a second; the address is ours by intent.
        replaceAddress({ ...spec, protocol: PROTOCOL, nodad: true, noprefixroute: desired.noprefixroute ?? false }),
      ];
    }),

  // An address that somebody gave a prefix route to is another's in that alone.
  equal: (desired, actual) => desired.noprefixroute === undefined || actual.noprefixroute === true,

  devices: ({ device }) => [device],

  describe: (_key, { device, prefix }) => `address ${prefix} dev ${device}`,
};
