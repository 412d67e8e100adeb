import { formatIPv6 } from '../net/address.js';
import { putPrefix } from './bytes.js';
import { entryKind } from './entry-kind.js';
import { TrustedKey } from './generated/layouts.js';

/** Prefixes of the SR domain beyond the SID block: nobody outside sends to them, or from them. */
export const bpfTrustedKind = entryKind<'bpf-trusted'>({
  name: 'bpf-trusted',
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
