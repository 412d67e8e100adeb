import { OUTER_HEADER_BYTES, reducedSrhBytes } from '../../encap/mtu.js';

/** Bytes that an encapsulation adds: the outer IPv6 header and the routing header of its mode. */
export function encapBytes(mode: string, segments: number): number {
  // H.Encaps carries every segment in the SRH, one segment too (RFC 8986 section 5.1).
  const srh = mode === 'encap' ? 8 + 16 * segments : reducedSrhBytes(segments);
  return OUTER_HEADER_BYTES + srh;
}

export interface Sizes {
  inner: number;
  overhead: number;
  outer: number;
}

/** Sizes of a packet before and after encapsulation, bytes. */
export function sizesOf(inner: number, mode: string, segments: number): Sizes {
  const overhead = encapBytes(mode, segments);
  return { inner, overhead, outer: inner + overhead };
}
