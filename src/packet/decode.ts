import { formatIPv4, formatIPv6, formatMac } from 'netlink-ts/inet';
import { decodeIcmp, decodeTcp, decodeUdp, tcpHeaderLength } from './transport.js';
import type { Header } from './headers.js';

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
/** Numbers (IANA) of protocols that are decoded further. */
export const PROTOCOL = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmpv6: 58,
  noNext: 59,
  destinationOptions: 60,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const;
/** Routing type of the Segment Routing Header (RFC 8754 section 2). */
const SRH_ROUTING_TYPE = 4;

const ETHERNET_BYTES = 14;
const IPV6_BYTES = 40;
const ADDRESS6_BYTES = 16;

/** The next header: its number and offset, and the end of its packet (padding follows). */
interface Next {
  header: Header;
  /** undefined: no further header */
  protocol?: number;
  at: number;
  end: number;
  fragment?: boolean;
}

/** Decodes the headers of an Ethernet frame from the outside in; inner packets follow their outer ones. */
export function decodeFrame(frame: Buffer): Header[] {
  if (frame.length < ETHERNET_BYTES) return [rest(0, 'truncated', frame)];
  const etherType = frame.readUInt16BE(12);
  const headers: Header[] = [
    { layer: 'ethernet', destination: formatMac(frame, 0), source: formatMac(frame, 6), etherType },
  ];
  const inner = frame.subarray(ETHERNET_BYTES);
  if (etherType === ETHERTYPE.ipv4) headers.push(...decodePacket(inner, PROTOCOL.ipip));
  else if (etherType === ETHERTYPE.ipv6) headers.push(...decodePacket(inner, PROTOCOL.ipv6));
  else if (etherType === ETHERTYPE.arp && inner.length >= 28) headers.push(decodeArp(inner));
  else headers.push(rest(etherType, etherType === ETHERTYPE.arp ? 'truncated' : 'unknown', inner));
  return headers;
}

/** Decodes the headers of a packet; `protocol` is that of the first one (4: IPv4, 41: IPv6, …). */
function decodePacket(packet: Buffer, protocol: number): Header[] {
  const headers: Header[] = [];
  let next: number | undefined = protocol;
  let at = 0;
  let end = packet.length;
  while (next !== undefined && next !== PROTOCOL.noNext) {
    const bytes = packet.subarray(at, end);
    if (bytes.length === 0) break;
    // IPv4 has no extension headers: there these numbers, AH's included, are ordinary protocols.
    const isForeign: boolean = headers.at(-1)?.layer === 'ipv4' && EXTENSIONS.has(next);
    const step: Next | undefined = isForeign ? undefined : decodeHeader(bytes, next);
    if (step === undefined) {
      headers.push(rest(next, KNOWN.has(next) && !isForeign ? 'truncated' : 'unknown', bytes));
      break;
    }
    headers.push(step.header);
    end = at + step.end;
    at += step.at;
    if (step.fragment === true) {
      headers.push(rest(step.protocol ?? PROTOCOL.noNext, 'fragment', packet.subarray(at, end)));
      break;
    }
    next = step.protocol;
  }
  return headers;
}

const KNOWN: ReadonlySet<number> = new Set(Object.values(PROTOCOL));
/** Extension headers that the programs skip (bpf/net/parse.h), and the routing header. */
const EXTENSIONS: ReadonlySet<number> = new Set([
  PROTOCOL.hopByHop,
  PROTOCOL.routing,
  PROTOCOL.fragment,
  PROTOCOL.authentication,
  PROTOCOL.destinationOptions,
  PROTOCOL.mobility,
  PROTOCOL.hip,
  PROTOCOL.shim6,
]);

/** @returns undefined if the bytes are too short, or the protocol is unknown */
function decodeHeader(bytes: Buffer, protocol: number): Next | undefined {
  switch (protocol) {
    case PROTOCOL.ipip:
      return decodeIpv4(bytes);
    case PROTOCOL.ipv6:
      return decodeIpv6(bytes);
    case PROTOCOL.routing:
      return decodeRouting(bytes);
    case PROTOCOL.hopByHop:
    case PROTOCOL.destinationOptions:
    case PROTOCOL.fragment:
    case PROTOCOL.authentication:
    case PROTOCOL.mobility:
    case PROTOCOL.hip:
    case PROTOCOL.shim6:
      return decodeExtension(bytes, protocol);
    case PROTOCOL.icmp:
    case PROTOCOL.icmpv6:
      return bytes.length < 8
        ? undefined
        : last(decodeIcmp(bytes, protocol === PROTOCOL.icmp ? 'icmp' : 'icmpv6'), bytes);
    case PROTOCOL.udp:
      return bytes.length < 8 ? undefined : last(decodeUdp(bytes), bytes);
    case PROTOCOL.tcp:
      return bytes.length < 20 || bytes.length < tcpHeaderLength(bytes) ? undefined : last(decodeTcp(bytes), bytes);
    default:
      return undefined;
  }
}

function last(header: Header, bytes: Buffer): Next {
  return { header, at: bytes.length, end: bytes.length };
}

function rest(protocol: number, reason: 'unknown' | 'truncated' | 'fragment', bytes: Buffer): Header {
  return { layer: 'rest', protocol, reason, bytes };
}

function decodeArp(bytes: Buffer): Header {
  return {
    layer: 'arp',
    operation: bytes.readUInt16BE(6),
    senderMac: formatMac(bytes, 8),
    senderAddress: formatIPv4(bytes, 14),
    targetMac: formatMac(bytes, 18),
    targetAddress: formatIPv4(bytes, 24),
  };
}

/** One's complement sum of the Internet checksum (RFC 1071); 0xffff for a header with a correct checksum. */
function onesComplementSum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function decodeIpv4(bytes: Buffer): Next | undefined {
  if (bytes.length < 20) return undefined;
  const headerLength = (bytes.readUInt8(0) & 0x0f) * 4;
  if (headerLength < 20 || bytes.length < headerLength) return undefined;
  const tos = bytes.readUInt8(1);
  const fragment = bytes.readUInt16BE(6);
  const protocol = bytes.readUInt8(9);
  const totalLength = bytes.readUInt16BE(2);
  return {
    header: {
      layer: 'ipv4',
      headerLength,
      dscp: tos >>> 2,
      ecn: tos & 3,
      totalLength,
      identification: bytes.readUInt16BE(4),
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments: (fragment & 0x2000) !== 0,
      fragmentOffset: (fragment & 0x1fff) * 8,
      ttl: bytes.readUInt8(8),
      protocol,
      checksum: bytes.readUInt16BE(10),
      checksumValid: onesComplementSum(bytes.subarray(0, headerLength)) === 0xffff,
      source: formatIPv4(bytes, 12),
      destination: formatIPv4(bytes, 16),
      options: bytes.subarray(20, headerLength),
    },
    protocol,
    at: headerLength,
    end: Math.max(headerLength, Math.min(bytes.length, totalLength)),
    fragment: (fragment & 0x1fff) !== 0,
  };
}

function decodeIpv6(bytes: Buffer): Next | undefined {
  if (bytes.length < IPV6_BYTES) return undefined;
  const word = bytes.readUInt32BE(0);
  const trafficClass = (word >>> 20) & 0xff;
  const payloadLength = bytes.readUInt16BE(4);
  const nextHeader = bytes.readUInt8(6);
  return {
    header: {
      layer: 'ipv6',
      dscp: trafficClass >>> 2,
      ecn: trafficClass & 3,
      flowLabel: word & 0xfffff,
      payloadLength,
      nextHeader,
      hopLimit: bytes.readUInt8(7),
      source: formatIPv6(bytes, 8),
      destination: formatIPv6(bytes, 24),
    },
    protocol: nextHeader,
    at: IPV6_BYTES,
    end: Math.min(bytes.length, IPV6_BYTES + payloadLength),
  };
}

function decodeRouting(bytes: Buffer): Next | undefined {
  if (bytes.length < 8 || bytes.length < 8 + bytes.readUInt8(1) * 8) return undefined;
  if (bytes.readUInt8(2) !== SRH_ROUTING_TYPE) return decodeExtension(bytes, PROTOCOL.routing);
  const headerExtensionLength = bytes.readUInt8(1);
  const length = 8 + headerExtensionLength * 8;
  const lastEntry = bytes.readUInt8(4);
  const listEnd = Math.min(length, 8 + (lastEntry + 1) * ADDRESS6_BYTES);
  const segments: string[] = [];
  for (let at = 8; at + ADDRESS6_BYTES <= listEnd; at += ADDRESS6_BYTES) segments.push(formatIPv6(bytes, at));
  const nextHeader = bytes.readUInt8(0);
  return {
    header: {
      layer: 'srh',
      nextHeader,
      headerExtensionLength,
      routingType: SRH_ROUTING_TYPE,
      segmentsLeft: bytes.readUInt8(3),
      lastEntry,
      flags: bytes.readUInt8(5),
      tag: bytes.readUInt16BE(6),
      segments,
      tlvs: bytes.subarray(8 + segments.length * ADDRESS6_BYTES, length),
    },
    protocol: nextHeader,
    at: length,
    end: bytes.length,
  };
}

/** @param field the header's second byte; for AH a number of 4-byte words (RFC 4302 section 2.2) */
function extensionBytes(header: number, field: number): number {
  if (header === PROTOCOL.fragment) return 8;
  return header === PROTOCOL.authentication ? (field + 2) * 4 : (field + 1) * 8;
}

function decodeExtension(bytes: Buffer, header: number): Next | undefined {
  if (bytes.length < 8) return undefined;
  const isFragment = header === PROTOCOL.fragment;
  const length = extensionBytes(header, bytes.readUInt8(1));
  if (bytes.length < length) return undefined;
  const nextHeader = bytes.readUInt8(0);
  return {
    header: { layer: 'extension', header, nextHeader, bytes: bytes.subarray(0, length) },
    protocol: nextHeader,
    at: length,
    end: bytes.length,
    fragment: isFragment && bytes.readUInt16BE(2) >>> 3 !== 0,
  };
}
