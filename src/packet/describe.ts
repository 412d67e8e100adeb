/** Describes a decoded packet, for readers who know the headers. */
import type { Header } from './headers.js';

const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  0: 'hop-by-hop options',
  1: 'ICMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  43: 'routing header',
  44: 'fragment header',
  51: 'authentication header',
  58: 'ICMPv6',
  59: 'nothing',
  60: 'destination options',
  135: 'mobility header',
  139: 'HIP',
  140: 'Shim6',
};

const ICMP_NAMES: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'destination unreachable',
  8: 'echo request',
  11: 'time exceeded',
};

const ICMPV6_NAMES: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbour solicitation',
  136: 'neighbour advertisement',
};

const TCP_FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

/** Protocol number with its name: `4 (IPv4)`. */
export function protocolText(protocol: number): string {
  const name = PROTOCOL_NAMES[protocol];
  return name === undefined ? String(protocol) : `${protocol} (${name})`;
}

/** A line for each header: name, then its fields. */
export function describeHeader(header: Header): string {
  switch (header.layer) {
    case 'ethernet':
      return `Ethernet   ${header.source} > ${header.destination}, type 0x${header.etherType.toString(16).padStart(4, '0')}`;
    case 'arp':
      return header.operation === 1
        ? `ARP        who has ${header.targetAddress}, tell ${header.senderAddress} (${header.senderMac})`
        : `ARP        ${header.senderAddress} is at ${header.senderMac}`;
    case 'ipv6':
      return (
        `IPv6       ${header.source} > ${header.destination}, next header ${protocolText(header.nextHeader)}, ` +
        `flow label ${flowLabelText(header.flowLabel)}, traffic class DSCP ${header.dscp} ECN ${header.ecn}, ` +
        `hop limit ${header.hopLimit}, payload ${header.payloadLength} bytes`
      );
    case 'srh':
      return (
        `SRH        segments left ${header.segmentsLeft}, last entry ${header.lastEntry}, ` +
        `list [${header.segments.join(', ')}], flags ${header.flags}, tag ${header.tag}, ` +
        `next header ${protocolText(header.nextHeader)}`
      );
    case 'ipv4':
      return (
        `IPv4       ${header.source} > ${header.destination}, protocol ${protocolText(header.protocol)}, ` +
        `DSCP ${header.dscp} ECN ${header.ecn}, TTL ${header.ttl}, length ${header.totalLength} bytes` +
        (header.dontFragment ? ', do not fragment' : '')
      );
    case 'extension':
      return `Extension  ${protocolText(header.header)}, next header ${protocolText(header.nextHeader)}`;
    case 'icmp':
    case 'icmpv6': {
      const name = (header.layer === 'icmp' ? ICMP_NAMES : ICMPV6_NAMES)[header.type] ?? `type ${header.type}`;
      const echo = header.sequence === undefined ? '' : `, id ${header.identifier ?? 0}, sequence ${header.sequence}`;
      const target = header.target === undefined ? '' : ` for ${header.target}`;
      return `${header.layer === 'icmp' ? 'ICMP  ' : 'ICMPv6'}     ${name}${target}, code ${header.code}${echo}`;
    }
    case 'udp':
      return `UDP        port ${header.sourcePort} > ${header.destinationPort}, length ${header.length} bytes`;
    case 'tcp':
      return (
        `TCP        port ${header.sourcePort} > ${header.destinationPort}, ` +
        `[${TCP_FLAGS.filter((_, bit) => (header.flags & (1 << bit)) !== 0).join(' ')}], window ${header.window}` +
        (header.mss === undefined ? '' : `, MSS ${header.mss}`)
      );
    case 'rest':
      return `(${header.reason}) ${header.bytes.length} bytes of protocol ${protocolText(header.protocol)}`;
  }
}

export function flowLabelText(label: number): string {
  return `0x${label.toString(16).padStart(5, '0')}`;
}
