/** The template of a port's DHCPv4 replies (RFC 2131): an OFFER, from which the program makes ACK, NAK and the reply to INFORM. */
import { Dhcp4Layout, Dhcp4Lease } from '../ebpf/generated/layouts.js';
import { address, domainName, mac, maskOf, prefix, u16, u32 } from './bytes.js';
import type { Lease4 } from './objects.js';

const COOKIE = Buffer.from('63825363', 'hex');
const CHADDR_AT = 28;
const YIADDR_AT = 16;
const OFFER = 2;

/** Codes of RFC 2132, 3397, 3442. */
const OPTION = {
  mask: 1,
  router: 3,
  dns: 6,
  hostname: 12,
  domain: 15,
  mtu: 26,
  ntp: 42,
  lease: 51,
  type: 53,
  server: 54,
  renewal: 58,
  rebinding: 59,
  search: 119,
  routes: 121,
  msRoutes: 249,
} as const;

/** An option: code, length, value. */
export function option4(code: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(code, value.length), value]);
}

function addresses(code: number, texts: readonly string[]): Buffer[] {
  return texts.length === 0 ? [] : [option4(code, ...texts.map(address))];
}

/** Encodes routes for option 121, with only the significant bytes of each prefix (RFC 3442). */
function routes({ routes: all }: Pick<Lease4, 'routes'>): Buffer {
  const parts = all.flatMap(({ to, via }) => {
    const { bytes, length } = prefix(to);
    return [Buffer.of(length), bytes.subarray(0, Math.ceil(length / 8)), address(via)];
  });
  return Buffer.concat(parts);
}

/** The options in the order that the program requires: type, server, times, mask, then all others. */
export function options4(lease: Lease4): Buffer {
  const { server, prefixLength, seconds, dns = [], ntp = [], search = [], hostname, domain, mtu } = lease;
  const rest = [
    option4(OPTION.router, address(server)),
    ...addresses(OPTION.dns, dns),
    ...(hostname === undefined ? [] : [option4(OPTION.hostname, Buffer.from(hostname, 'latin1'))]),
    ...(domain === undefined ? [] : [option4(OPTION.domain, Buffer.from(domain, 'latin1'))]),
    option4(OPTION.mtu, u16(mtu)),
    ...addresses(OPTION.ntp, ntp),
    ...(search.length === 0 ? [] : [option4(OPTION.search, ...search.map(domainName))]),
    ...(lease.routes.length === 0 ? [] : [option4(OPTION.routes, routes(lease))]),
  ];
  return Buffer.concat([
    option4(OPTION.type, Buffer.of(OFFER)),
    option4(OPTION.server, address(server)),
    option4(OPTION.lease, u32(seconds)),
    // A half and seven eighths (RFC 2131 section 4.4.5).
    option4(OPTION.renewal, u32(Math.floor(seconds / 2))),
    option4(OPTION.rebinding, u32(Math.floor((seconds * 7) / 8))),
    option4(OPTION.mask, maskOf(prefixLength)),
    ...rest,
  ]);
}

/** Encodes the value of sg_dhcp4. @throws RangeError if the options do not fit */
export function encodeLease4(lease: Lease4): Buffer {
  const { DHCP4_FIXED_BYTES } = Dhcp4Layout;
  const fixed = Buffer.alloc(DHCP4_FIXED_BYTES);
  fixed.set([2, 1, 6], 0);
  address(lease.address).copy(fixed, YIADDR_AT);
  mac(lease.mac).copy(fixed, CHADDR_AT);
  COOKIE.copy(fixed, DHCP4_FIXED_BYTES - COOKIE.length);
  const message = Buffer.concat([fixed, options4(lease)]);
  const msRoutes = lease.routes.length === 0 ? Buffer.alloc(0) : option4(OPTION.msRoutes, routes(lease));
  const into = Buffer.alloc(Dhcp4Lease.SIZE);
  const { OFFSETS } = Dhcp4Lease;
  if (message.length > OFFSETS.msRoutes - OFFSETS.message) {
    throw new RangeError(`DHCPv4 of ${lease.address}: a message of ${message.length} bytes`);
  }
  address(lease.address).copy(into, OFFSETS.address);
  address(lease.server).copy(into, OFFSETS.server);
  into.writeUInt16LE(message.length, OFFSETS.messageBytes);
  into.writeUInt16LE(msRoutes.length, OFFSETS.msRoutesBytes);
  message.copy(into, OFFSETS.message);
  msRoutes.copy(into, OFFSETS.msRoutes);
  return into;
}
