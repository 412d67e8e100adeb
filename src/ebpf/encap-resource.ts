import { SWEEP_ONLY } from '../reconcile/follows.js';
import { writeEncap } from './encoders.js';
import { entryResource } from './entry-resource.js';
import { Encap } from './generated/layouts.js';
import { ensureIds, learn, segmentsOf } from './ids.js';

/** H.Encaps.Red towards tenants' SIDs, identified by the last segment: a changed path replaces its entry. */
export const bpfEncapResource = entryResource<'bpf-encap'>({
  name: 'bpf-encap',
  after: ['bpf-underlay'],
  follows: SWEEP_ONLY,
  map: ({ sg_encaps }) => sg_encaps,
  beforeList: ensureIds,
  beforeApply: ensureIds,
  read(kernel, { keys, keyAt, values, valueAt }) {
    const id = keys.readUInt32LE(keyAt);
    const { encapIds, underlayIds } = kernel.fastpath;
    const segments = segmentsOf(values, valueAt);
    const underlay = values.readUInt32LE(valueAt + Encap.OFFSETS.nexthopGroup);
    return [
      encapIds.keyOf(id) ?? learn(encapIds, segments.at(-1) ?? '', id),
      { segments, underlay: underlayIds.keyOf(underlay) ?? `id ${underlay}` },
    ];
  },
  writeKey(kernel, key, _value, into, at) {
    const { encapIds } = kernel.fastpath;
    into.writeUInt32LE(encapIds.allocate(key), at);
    return true;
  },
  writeValue(kernel, key, { segments, underlay }, into, at) {
    const id = kernel.fastpath.underlayIds.get(underlay);
    if (id === undefined) throw new Error(`encapsulation to ${key}: the next hops towards ${underlay} do not exist`);
    writeEncap(segments, id, into, at);
  },
  released(kernel, key) {
    kernel.fastpath.encapIds.release(key);
  },
  describe: (_key, { segments }) => `fast path encap seg6 mode encap.red segs ${segments.join(',')}`,
});
