/** Decoded headers of a packet with all fields. Addresses are canonical text; numbers are as on the wire. */

export interface EthernetHeader {
  layer: 'ethernet';
  destination: string;
  source: string;
  etherType: number;
}

/** RFC 826, for IPv4 over Ethernet. */
export interface ArpHeader {
  layer: 'arp';
  /** 1 request, 2 reply */
  operation: number;
  senderMac: string;
  senderAddress: string;
  targetMac: string;
  targetAddress: string;
}

/** RFC 791. */
export interface Ipv4Header {
  layer: 'ipv4';
  /** bytes */
  headerLength: number;
  dscp: number;
  ecn: number;
  totalLength: number;
  identification: number;
  dontFragment: boolean;
  moreFragments: boolean;
  /** bytes */
  fragmentOffset: number;
  ttl: number;
  protocol: number;
  checksum: number;
  checksumValid: boolean;
  source: string;
  destination: string;
  options: Buffer;
}

/** RFC 8200 section 3. */
export interface Ipv6Header {
  layer: 'ipv6';
  dscp: number;
  ecn: number;
  flowLabel: number;
  payloadLength: number;
  nextHeader: number;
  hopLimit: number;
  source: string;
  destination: string;
}

/** Segment Routing Header, RFC 8754 section 2. */
export interface SegmentRoutingHeader {
  layer: 'srh';
  nextHeader: number;
  /** in units of 8 bytes, not counting the first 8 */
  headerExtensionLength: number;
  /** 4 */
  routingType: number;
  segmentsLeft: number;
  lastEntry: number;
  flags: number;
  tag: number;
  /** as on the wire: the last segment of the path first */
  segments: string[];
  /** bytes after the segment list */
  tlvs: Buffer;
}

/** Another IPv6 extension header: options, routing other than type 4, fragment, AH, mobility, HIP, Shim6. */
export interface ExtensionHeader {
  layer: 'extension';
  header: number;
  nextHeader: number;
  bytes: Buffer;
}

/** Common fields of ICMP (RFC 792) and ICMPv6 (RFC 4443). */
export interface IcmpFields {
  type: number;
  code: number;
  checksum: number;
  /** echo request and reply only */
  identifier?: number;
  sequence?: number;
  /** neighbour solicitation and advertisement only (RFC 4861 sections 4.3 and 4.4) */
  target?: string;
  /** bytes after the first 8 */
  data: Buffer;
}

export type IcmpHeader = ({ layer: 'icmp' } & IcmpFields) | ({ layer: 'icmpv6' } & IcmpFields);

/** RFC 768. */
export interface UdpHeader {
  layer: 'udp';
  sourcePort: number;
  destinationPort: number;
  length: number;
  checksum: number;
  data: Buffer;
}

/** RFC 9293 section 3.1. */
export interface TcpHeader {
  layer: 'tcp';
  sourcePort: number;
  destinationPort: number;
  sequence: number;
  acknowledgement: number;
  /** bytes */
  headerLength: number;
  /** FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128 */
  flags: number;
  window: number;
  checksum: number;
  urgentPointer: number;
  /** maximum segment size option (RFC 9293 section 3.7.1), bytes */
  mss?: number;
  options: Buffer;
  data: Buffer;
}

/** The undecoded rest, and why it was not decoded. */
export interface Remainder {
  layer: 'rest';
  /** protocol number or EtherType of the rest */
  protocol: number;
  reason: 'unknown' | 'truncated' | 'fragment';
  bytes: Buffer;
}

export type Header =
  | EthernetHeader
  | ArpHeader
  | Ipv4Header
  | Ipv6Header
  | SegmentRoutingHeader
  | ExtensionHeader
  | IcmpHeader
  | UdpHeader
  | TcpHeader
  | Remainder;

export type LayerName = Header['layer'];

/** The first header of a layer at or after an index. */
export function findHeader<L extends LayerName>(
  headers: readonly Header[],
  layer: L,
  from = 0,
): Extract<Header, { layer: L }> | undefined {
  return headers.slice(from).find((header): header is Extract<Header, { layer: L }> => header.layer === layer);
}
