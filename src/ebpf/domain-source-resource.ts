/** Whose encapsulated packets uplinks take: outer sources of the SR domain's nodes; those in trusted prefixes are a kind of their own. */
import { SWEEP_ONLY } from '../reconcile/follows.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { putAddress } from './bytes.js';
import { entryResource } from './entry-resource.js';

export const bpfDomainSourceResource = entryResource<'bpf-domain-source'>({
  name: 'bpf-domain-source',
  // Before what lets packets arrive, and gone after it: nothing is taken that was not verified.
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
