/** Whose encapsulated packets uplinks take: outer sources of the SR domain's nodes; those in trusted prefixes are a kind of their own. */
import { formatIPv6 } from '../net/address.js';
import { putAddress } from './bytes.js';
import { entryKind } from './entry-kind.js';

export const bpfDomainSourceKind = entryKind<'bpf-domain-source'>({
  name: 'bpf-domain-source',
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
