/** A packet on its way, and the command that checks its reply. */

/** Protocols with ports. */
const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp' };

export interface Packet {
  from: string;
  to: string;
  size: number;
  /** IP protocol number. */
  protocol: number;
  /** For TCP and UDP. */
  sourcePort: number;
  destinationPort: number;
  /** May be the first packet of a connection. */
  opens: boolean;
  /** TTL or hop limit on arrival. */
  hopLimit?: number;
}

/** The command that checks, on the destination's node, whether its VM exists and the reply returns. */
export function lookBack(port: string, { from, to, protocol, sourcePort, destinationPort }: Packet): string {
  const proto = PROTOCOL_NAMES[protocol];
  const ports = proto === undefined ? '' : ` --proto ${proto} --sport ${destinationPort} --dport ${sourcePort}`;
  return `segue trace --port ${port} --from ${to} --to ${from}${ports}`;
}
