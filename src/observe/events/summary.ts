/** Summarises a frame in one line: addresses and protocol. */
import { protocolWord } from '../../packet/protocol-name.js';
import { decodeFrame } from '../../packet/decode.js';
import type { Header, Ipv4Header, Ipv6Header } from '../../packet/headers.js';

/** Summary of a packet; null if it lacks a field. For an encapsulated packet, of the inner one. */
export interface Summary {
  from: string | null;
  to: string | null;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `arp`, a protocol number, or an EtherType such as `0x88cc`. */
  protocol: string;
  sourcePort: number | null;
  destinationPort: number | null;
  /** ICMP: type. */
  icmpType: number | null;
  /** Length in bytes: of the packet by its IP header, else of the frame. */
  length: number;
  /** VLAN id of a tag inside the frame or in its metadata; null: none, or a priority tag. */
  vlan: number | null;
  /** Destination of the outer header: a SID. */
  outerTo: string | null;
  outerFrom: string | null;
}

const IPV6_BYTES = 40;
/** Offset and size of an 802.1Q tag in a frame. */
const TAG_AT = 12;
const TAG_BYTES = 4;
const TAGGED_BYTES = 18;
/** 802.1Q, 802.1ad. */
const TAG_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const VLAN_ID = 0x0fff;

/**
 * @param frame Ethernet frame, possibly truncated
 * @param wireLength its length on the wire in bytes
 * @param tci of a tag in the metadata; 0: none
 */
export function summarise(frame: Buffer, wireLength: number, tci = 0): Summary {
  const isTagged = frame.length >= TAGGED_BYTES && TAG_TYPES.has(frame.readUInt16BE(TAG_AT));
  const untagged = isTagged ? Buffer.concat([frame.subarray(0, TAG_AT), frame.subarray(TAG_AT + TAG_BYTES)]) : frame;
  const vlan = (isTagged && tci === 0 ? frame.readUInt16BE(TAG_AT + 2) : tci) & VLAN_ID;
  const headers = decodeFrame(untagged);
  const found: Summary = {
    from: null,
    to: null,
    protocol: etherType(headers[0]),
    sourcePort: null,
    destinationPort: null,
    icmpType: null,
    vlan: vlan === 0 ? null : vlan,
    length: wireLength,
    outerTo: null,
    outerFrom: null,
  };
  const ips = headers.filter((header): header is Ipv4Header | Ipv6Header => /^ipv[46]$/.test(header.layer));
  const inner = ips.at(-1);
  const [outer] = ips;
  if (inner !== undefined) takeIp(found, inner);
  if (outer !== undefined && outer !== inner) {
    found.outerTo = outer.destination;
    found.outerFrom = outer.source;
  }
  for (const header of inner === undefined ? headers : headers.slice(headers.indexOf(inner)))
    takeTransport(found, header);
  return found;
}

function takeIp(found: Summary, header: Ipv4Header | Ipv6Header): void {
  found.from = header.source;
  found.to = header.destination;
  const number = header.layer === 'ipv4' ? header.protocol : header.nextHeader;
  found.protocol = protocolWord(number);
  found.length = header.layer === 'ipv4' ? header.totalLength : IPV6_BYTES + header.payloadLength;
}

function takeTransport(found: Summary, header: Header): void {
  switch (header.layer) {
    case 'tcp':
    case 'udp':
      found.protocol = header.layer;
      found.sourcePort = header.sourcePort;
      found.destinationPort = header.destinationPort;
      break;
    case 'icmp':
    case 'icmpv6':
      found.protocol = header.layer;
      found.icmpType = header.type;
      break;
    case 'arp':
      found.protocol = 'arp';
      found.from = header.senderAddress;
      found.to = header.targetAddress;
      break;
    case 'extension':
      found.protocol = protocolWord(header.nextHeader);
      break;
    case 'ethernet':
    case 'ipv4':
    case 'ipv6':
    case 'srh':
    case 'rest':
      break;
  }
}

function etherType(header: Header | undefined): string {
  return header?.layer === 'ethernet' ? `0x${header.etherType.toString(16).padStart(4, '0')}` : 'truncated';
}

/** `10.0.0.1 > 10.0.0.2 udp 4000 > 53, 44 bytes, in fd00:5e:2::1 > fd00:5e:1:4600:64::` */
export function summaryText({ from, to, outerFrom, outerTo, length, ...packet }: Summary): string {
  const { protocol, sourcePort, destinationPort, icmpType, vlan } = packet;
  const who = from === null || to === null ? '' : `${from} > ${to} `;
  const ports = sourcePort === null ? '' : ` ${sourcePort} > ${destinationPort ?? 0}`;
  const type = icmpType === null ? '' : ` type ${icmpType}`;
  const outer = outerTo === null ? '' : `, in ${outerFrom ?? ''} > ${outerTo}`;
  const tag = vlan === null ? '' : `, vlan ${vlan}`;
  return `${who}${protocol}${ports}${type}, ${length} bytes${tag}${outer}`;
}
