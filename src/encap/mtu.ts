/** Bytes of the outer IPv6 header (RFC 8200 section 3). */
export const OUTER_HEADER_BYTES = 40;

/**
 * Bytes of the routing header that H.Encaps.Red adds: none with one segment, else 8, and 16 for each segment but the first (RFC 8986 section 5.2,
 * RFC 8754 section 2).
 */
export function reducedSrhBytes(segments: number): number {
  return segments <= 1 ? 0 : 8 + 16 * (segments - 1);
}

/** The TCP MSS for an MTU: the MTU without the IP and TCP headers, without options (RFC 9293 section 3.7.1). */
export function mssFor(family: 4 | 6, mtu: number): number {
  return mtu - (family === 4 ? 40 : 60);
}
