/** Outer sources from which uplinks accept encapsulated packets: addresses of the SR domain's nodes. Trusted prefixes are a separate resource. */
import { SWEEP_ONLY } from '../reconcile/follows.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { putAddress } from './bytes.js';
import { entryResource } from './entry-resource.js';

export const bpfDomainSourceResource = entryResource<'bpf-domain-source'>({
  name: 'bpf-domain-source',
  // Made before the entries that let packets arrive, and removed after them: no unverified packet is accepted.
  after: ['bpf-encap'],
  follows: SWEEP_ONLY,
  map: ({ sg_domain_src: map }) => map,
  large: true,
  read(_kernel, { keys, keyAt }) {
    const from = formatIPv6(keys, keyAt);
    return [from, { from }];
  },
  writeKey(_kernel, key, _value, into, at) {
    putAddress(key, into, at);
    return true;
  },
  writeValue: () => undefined,
  describe: (key) => `fast path outer source ${key}`,
});
