import { SWEEP_ONLY } from '../reconcile/follows.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { writeTrustedKey } from './encoders.js';
import { entryResource } from './entry-resource.js';
import { TrustedKey } from './generated/layouts.js';

/** Prefixes of the SR domain outside the SID block: no packet from outside the domain may have its source or destination in them. */
export const bpfTrustedResource = entryResource<'bpf-trusted'>({
  name: 'bpf-trusted',
  after: ['bpf-node'],
  follows: SWEEP_ONLY,
  map: ({ sg_trusted: map }) => map,
  read(_kernel, { keys, keyAt }) {
    const length = keys.readUInt32LE(keyAt + TrustedKey.OFFSETS.length);
    const prefix = `${formatIPv6(keys, keyAt + TrustedKey.OFFSETS.address)}/${length}`;
    return [prefix, { prefix }];
  },
  writeKey(_kernel, _key, { prefix }, into, at) {
    writeTrustedKey(prefix, into, at);
    return true;
  },
  writeValue: () => undefined,
  describe: (_key, { prefix }) => `fast path trusted ${prefix}`,
});
