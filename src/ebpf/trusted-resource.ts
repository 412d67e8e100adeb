import { SWEEP_ONLY } from '../reconcile/follows.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { putPrefix } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { TrustedKey } from './generated/layouts.js';

/** Prefixes of the SR domain beyond the SID block: nobody outside sends to them, or from them. */
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
    into.writeUInt32LE(putPrefix(prefix, into, at + TrustedKey.OFFSETS.address), at + TrustedKey.OFFSETS.length);
    return true;
  },
  writeValue: () => undefined,
  describe: (_key, { prefix }) => `fast path trusted ${prefix}`,
});
