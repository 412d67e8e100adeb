import { SWEEP_ONLY } from '../reconcile/follows.js';
import { putAddress } from './bytes.js';
import { entryResource } from './entry-resource.js';
import { Encap } from './generated/layouts.js';
import { ensureIds, learn, segmentsOf } from './ids.js';

const SRH_HEAD_BYTES = 8;
const SEGMENT_BYTES = 16;
/** Routing Type of an SRH (RFC 8754 section 2). */
const SRH_TYPE = 4;

/** H.Encaps.Red towards tenants' SIDs, known again by the last segment: a path that changes is one replace. */
export const bpfEncapResource = entryResource<'bpf-encap'>({
  name: 'bpf-encap',
  after: ['bpf-underlay'],
  follows: SWEEP_ONLY,
  map: ({ encaps }) => encaps,
  beforeList: ensureIds,
  beforeApply: ensureIds,
  read(kernel, { keys, keyAt, values, valueAt }) {
    const id = keys.readUInt32LE(keyAt);
    const { encapIds, underlayIds } = kernel.fastpath;
    const segments = segmentsOf(values, valueAt);
    const underlay = values.readUInt32LE(valueAt + Encap.OFFSETS.underlay);
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
    if (id === undefined) throw new Error(`encapsulation to ${key}: the way to ${underlay} does not exist`);
    const [first = '', ...rest] = segments;
    putAddress(first, into, at + Encap.OFFSETS.first);
    into.writeUInt32LE(id, at + Encap.OFFSETS.underlay);
    if (rest.length > 0) writeReducedSrh(rest, into, at);
  },
  released(kernel, key) {
    kernel.fastpath.encapIds.release(key);
  },
  describe: (_key, { segments }) => `fast path encap seg6 mode encap.red segs ${segments.join(',')}`,
});

/** The SRH without its next header, and without the first segment (RFC 8754 section 4.1.1). */
function writeReducedSrh(rest: readonly string[], into: Buffer, at: number): void {
  const bytes = SRH_HEAD_BYTES + SEGMENT_BYTES * rest.length;
  const lastEntry = rest.length - 1;
  into.writeUInt16LE(bytes, at + Encap.OFFSETS.srhBytes);
  into.writeUInt16LE(lastEntry, at + Encap.OFFSETS.lastEntry);
  const srh = at + Encap.OFFSETS.srh;
  into.writeUInt8((bytes - SRH_HEAD_BYTES) / SRH_HEAD_BYTES, srh + 1);
  into.writeUInt8(SRH_TYPE, srh + 2);
  // Segments left: those behind the first, which is in the destination address.
  into.writeUInt8(rest.length, srh + 3);
  into.writeUInt8(lastEntry, srh + 4);
  for (const [index, segment] of rest.entries()) {
    putAddress(segment, into, srh + SRH_HEAD_BYTES + SEGMENT_BYTES * (lastEntry - index));
  }
}
