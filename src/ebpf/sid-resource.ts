import { SWEEP_ONLY } from '../reconcile/follows.js';
import { BEHAVIOUR_CODE } from '../encap/sid.js';
import { formatIPv6 } from 'netlink-ts/inet';
import { putAddress } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { Sid } from './generated/layouts.js';
import type { TenantBehaviour } from '../encap/sid.js';

/** Local SIDs: End.DT4, End.DT6, End.DT46. The values of enum behaviour are the numbers of the SID plan. */
export const bpfSidResource = entryResource<'bpf-sid'>({
  name: 'bpf-sid',
  after: ['bpf-prefix'],
  follows: SWEEP_ONLY,
  map: ({ sg_sids }) => sg_sids,
  read(_kernel, { keys, keyAt, values, valueAt }) {
    const code = values.readUInt32LE(valueAt + Sid.OFFSETS.behaviour);
    const behaviour = Object.entries(BEHAVIOUR_CODE).find(([, number]) => number === code)?.[0] ?? String(code);
    const tenant = values.readUInt32LE(valueAt + Sid.OFFSETS.tenant);
    return [formatIPv6(keys, keyAt), { tenant, behaviour: behaviour as TenantBehaviour }];
  },
  writeKey(_kernel, key, _value, into, at) {
    putAddress(key, into, at);
    return true;
  },
  writeValue(_kernel, _key, { tenant, behaviour }, into, at) {
    into.writeUInt32LE(tenant, at + Sid.OFFSETS.tenant);
    into.writeUInt32LE(BEHAVIOUR_CODE[behaviour], at + Sid.OFFSETS.behaviour);
  },
  describe: (key, { tenant, behaviour }) => `fast path sid ${key} ${behaviour} tenant ${tenant}`,
});
