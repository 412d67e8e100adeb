/** A packet on its way, and how to look for its answer. */

/** Those that have ports. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

export interface Packet {
  from: string;
  to: string;
  size: number;
  /** IP protocol number. */
  protocol: number;
  /** Of tcp and udp. */
  sourcePort: number;
  destinationPort: number;
  /** It may be the first of a connection. */
  opens: boolean;
  /** TTL or hop limit as it arrives. */
  hopLimit?: number;
}

/** The command that shows, on the destination's node, whether its VM is there and its answer comes back. */
export function lookBack(port: string, { from, to, protocol, sourcePort, destinationPort }: Packet): string {
  const proto = PROTOCOL_NAMES[protocol];
  const ports = proto === undefined ? '' : ` --proto ${proto} --sport ${destinationPort} --dport ${sourcePort}`;
  return `segue trace --port ${port} --from ${to} --to ${from}${ports}`;
}
