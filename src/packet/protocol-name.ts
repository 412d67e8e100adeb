/** Names of IP protocols. */
const IP_PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };

/** An IP protocol's name, or its number. */
export function protocolWord(number: number): string {
  return IP_PROTOCOLS[number] ?? String(number);
}
