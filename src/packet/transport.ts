/** Decodes transport headers: ICMP, UDP, TCP. Callers ensure that the fixed part is present. */
import { formatIPv6 } from 'netlink-ts/inet';
import type { IcmpHeader, TcpHeader, UdpHeader } from './headers.js';

const ICMP_ECHO: ReadonlySet<number> = new Set([0, 8]);
const ICMPV6_ECHO: ReadonlySet<number> = new Set([128, 129]);
const NEIGHBOUR_MESSAGES: ReadonlySet<number> = new Set([135, 136]);

export function decodeIcmp(bytes: Buffer, layer: 'icmp' | 'icmpv6'): IcmpHeader {
  const type = bytes.readUInt8(0);
  const echo = (layer === 'icmp' ? ICMP_ECHO : ICMPV6_ECHO).has(type);
  const neighbour = layer === 'icmpv6' && NEIGHBOUR_MESSAGES.has(type) && bytes.length >= 24;
  return {
    layer,
    type,
    code: bytes.readUInt8(1),
    checksum: bytes.readUInt16BE(2),
    ...(echo && { identifier: bytes.readUInt16BE(4), sequence: bytes.readUInt16BE(6) }),
    ...(neighbour && { target: formatIPv6(bytes, 8) }),
    data: bytes.subarray(8),
  };
}

export function decodeUdp(bytes: Buffer): UdpHeader {
  const length = bytes.readUInt16BE(4);
  return {
    layer: 'udp',
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    length,
    checksum: bytes.readUInt16BE(6),
    data: bytes.subarray(8, Math.max(8, length)),
  };
}

export function tcpHeaderLength(bytes: Buffer): number {
  return Math.max(20, (bytes.readUInt8(12) >>> 4) * 4);
}

export function decodeTcp(bytes: Buffer): TcpHeader {
  const headerLength = tcpHeaderLength(bytes);
  const options = bytes.subarray(20, headerLength);
  const mss = findMss(options);
  return {
    layer: 'tcp',
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledgement: bytes.readUInt32BE(8),
    headerLength,
    flags: bytes.readUInt8(13),
    window: bytes.readUInt16BE(14),
    checksum: bytes.readUInt16BE(16),
    urgentPointer: bytes.readUInt16BE(18),
    ...(mss !== undefined && { mss }),
    options,
    data: bytes.subarray(headerLength),
  };
}

/** Kind 2, length 4; kinds 0 and 1 are single bytes (RFC 9293 section 3.1). */
function findMss(options: Buffer): number | undefined {
  for (let at = 0; at < options.length;) {
    const kind = options.readUInt8(at);
    if (kind === 0) return undefined;
    if (kind === 1) {
      at += 1;
      continue;
    }
    const length = at + 1 < options.length ? options.readUInt8(at + 1) : 0;
    if (kind === 2 && length === 4 && at + 4 <= options.length) return options.readUInt16BE(at + 2);
    if (length < 2) return undefined;
    at += length;
  }
  return undefined;
}
