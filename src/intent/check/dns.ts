/** Checks `dns:` of a node file. */
import { DEFAULT_DNS_RATE, DNS_PORT } from '../bounds.js';
import { formatAddress, parseAddress } from 'netlink-ts/inet';
import type { Findings } from '../findings.js';
import type { Draft } from '../structure.js';
import type { DnsConfig } from '../types.js';

/** `dns` in the file. */
interface RawDns {
  resolver: string;
  port?: number | undefined;
  rate?: number | undefined;
}

/** First bytes of addresses that are no host's. */
const FIRST_MULTICAST4 = 224;
const MULTICAST6 = 0xff;
const LINK_LOCAL6 = [0xfe, 0x80] as const;
const LINK_LOCAL6_MASK = 0xc0;

const RESOLVER = 'the address of a resolver that this host can reach, such as 127.0.0.53';

export function checkDns(raw: Draft<RawDns>, findings: Findings): DnsConfig | undefined {
  const { resolver, port = DNS_PORT, rate = DEFAULT_DNS_RATE } = raw;
  if (resolver === undefined) return undefined;
  const address = parseAddress(resolver);
  if (address === undefined || !isOfHost(address)) {
    findings.add(['dns', 'resolver'], resolver, RESOLVER);
    return undefined;
  }
  return { resolver: formatAddress(address.bytes), port, rate };
}

/** Whether a resolver can have the address: loopback is one, a link-local IPv6 address would need a zone. */
function isOfHost({ family, bytes: [first = 0, second = 0], bytes }: { family: 4 | 6; bytes: Uint8Array }): boolean {
  if (bytes.every((byte) => byte === 0)) return false;
  if (family === 4) return first > 0 && first < FIRST_MULTICAST4;
  return first !== MULTICAST6 && (first !== LINK_LOCAL6[0] || (second & LINK_LOCAL6_MASK) !== LINK_LOCAL6[1]);
}
