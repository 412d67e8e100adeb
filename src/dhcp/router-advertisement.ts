/** A port's router advertisement (RFC 4861 section 4.2), as a complete frame. */
import { RaFrame } from '../ebpf/generated/layouts.js';
import { address, domainName, mac, prefix, u16, u32 } from './bytes.js';
import type { RouterAdvertisement } from './objects.js';

/** Source of advertisements: a link-local address, the same at every port, for which the node answers as for gateways. */
export const ROUTER_ADDRESS = 'fe80::1';
const ALL_NODES = 'ff02::1';
/** RFC 2464 section 7. iPXE ignores advertisements to the VM's own MAC address (RFC 6085). */
const ALL_NODES_MAC = '33:33:00:00:00:01';
const TYPE = 134;
const NEXT_HEADER = 58;
const HOP_LIMIT = 255;
const ADVISED_HOP_LIMIT = 64;
const MANAGED = 0x80;
const OTHER = 0x40;
/**
 * 18.2 h, the longest lifetime (RFC 8319): VMs keep their route unless the agent is down for longer.
 */
const ROUTER_LIFETIME_SECONDS = 65535;
const AUTONOMOUS = 0x40;
const INFINITE = 0xffffffff;
/** Lifetime of resolvers in seconds, that of the router. */
const DNS_LIFETIME = ROUTER_LIFETIME_SECONDS;
/** Codes of RFC 4861 and 8106. */
const OPTION = { sourceAddress: 1, prefix: 3, mtu: 5, dns: 25, search: 31 } as const;
const UNIT = 8;

/** An option: code, length in units of 8 bytes, value, padding with zeros. */
function option(code: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  const units = Math.ceil((2 + value.length) / UNIT);
  return Buffer.concat([Buffer.of(code, units), value], units * UNIT);
}

/** The Internet checksum (RFC 1071). */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt8(at) * 256 + (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function message(advertisement: RouterAdvertisement): Buffer {
  const { gatewayMac, mtu, managed, other, prefixes, dns = [], search = [] } = advertisement;
  const flags = (managed ? MANAGED : 0) | (other ? OTHER : 0);
  return Buffer.concat([
    Buffer.of(TYPE, 0, 0, 0, ADVISED_HOP_LIMIT, flags),
    u16(ROUTER_LIFETIME_SECONDS),
    // Reachable and retransmission time: unspecified.
    Buffer.alloc(8),
    option(OPTION.sourceAddress, mac(gatewayMac)),
    option(OPTION.mtu, Buffer.alloc(2), u32(mtu)),
    ...prefixes.map(({ prefix: text, autonomous }) => {
      const { bytes, length } = prefix(text);
      // Never on-link (L flag): the gateway answers for members, and other addresses are unreachable at once.
      return option(
        OPTION.prefix,
        Buffer.of(length, autonomous ? AUTONOMOUS : 0),
        u32(INFINITE),
        u32(INFINITE),
        Buffer.alloc(4),
        bytes,
      );
    }),
    ...(dns.length === 0 ? [] : [option(OPTION.dns, Buffer.alloc(2), u32(DNS_LIFETIME), ...dns.map(address))]),
    ...(search.length === 0
      ? []
      : [option(OPTION.search, Buffer.alloc(2), u32(DNS_LIFETIME), ...search.map(domainName))]),
  ]);
}

/** Builds the frame, addressed to all nodes. */
export function advertisementFrame(advertisement: RouterAdvertisement): Buffer {
  const body = message(advertisement);
  const addresses = Buffer.concat([address(ROUTER_ADDRESS), address(ALL_NODES)]);
  body.writeUInt16BE(checksum(Buffer.concat([addresses, u32(body.length), u32(NEXT_HEADER), body])), 2);
  const header = Buffer.concat([u32(0x60000000), u16(body.length), Buffer.of(NEXT_HEADER, HOP_LIMIT), addresses]);
  return Buffer.concat([mac(ALL_NODES_MAC), mac(advertisement.gatewayMac), u16(0x86dd), header, body]);
}

/** Encodes the value of sg_ra. @throws RangeError if the frame does not fit */
export function encodeAdvertisement(advertisement: RouterAdvertisement): Buffer {
  const frame = advertisementFrame(advertisement);
  const into = Buffer.alloc(RaFrame.SIZE);
  if (frame.length > RaFrame.SIZE - RaFrame.OFFSETS.frame)
    throw new RangeError(`router advertisement of ${frame.length} bytes`);
  into.writeUInt32LE(frame.length, RaFrame.OFFSETS.bytes);
  frame.copy(into, RaFrame.OFFSETS.frame);
  return into;
}
