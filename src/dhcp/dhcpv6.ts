/** The parts of a port's DHCPv6 replies (RFC 8415): identity associations with their addresses, and all other options. */
import { Dhcp6Lease, Limits } from '../ebpf/generated/layouts.js';
import { address, domainName, mac, prefix, u16, u32 } from './bytes.js';
import type { Lease6 } from './objects.js';

/** Codes of RFC 8415, 3646 and 5908. */
const OPTION = {
  serverId: 2,
  na: 3,
  address: 5,
  status: 13,
  dns: 23,
  search: 24,
  pd: 25,
  delegated: 26,
  ntp: 56,
} as const;
const STATUS = { noAddresses: 2, noPrefixes: 6 } as const;
const NTP_SERVER_ADDRESS = 1;
const DUID_LL = 3;
const ETHERNET = 1;

function option6(code: number, ...parts: Uint8Array[]): Buffer {
  const value = Buffer.concat(parts);
  return Buffer.concat([u16(code), u16(value.length), value]);
}

/** T1 is a half and T2 four fifths of the preferred lifetime (RFC 8415 section 21.4). */
function times(seconds: number): Buffer {
  return Buffer.concat([u32(Math.floor(seconds / 2)), u32(Math.floor(seconds * 0.8))]);
}

/** An IA with IAID 0, which the program replaces. Without addresses or prefixes it contains a status code. */
function association(code: number, seconds: number, parts: readonly Buffer[], none: number): Buffer {
  const inner = parts.length > 0 ? parts : [option6(OPTION.status, u16(none))];
  const lifetimes = parts.length > 0 ? times(seconds) : Buffer.alloc(8);
  return option6(code, Buffer.alloc(4), lifetimes, ...inner);
}

function options({ serverMac, dns = [], search = [], ntp = [] }: Lease6): Buffer {
  return Buffer.concat([
    option6(OPTION.serverId, u16(DUID_LL), u16(ETHERNET), mac(serverMac)),
    ...(dns.length === 0 ? [] : [option6(OPTION.dns, ...dns.map(address))]),
    ...(search.length === 0 ? [] : [option6(OPTION.search, ...search.map(domainName))]),
    ...(ntp.length === 0
      ? []
      : [option6(OPTION.ntp, ...ntp.map((server) => option6(NTP_SERVER_ADDRESS, address(server))))]),
  ]);
}

/** Encodes the value of sg_dhcp6. @throws RangeError if the options do not fit */
export function encodeLease6(lease: Lease6): Buffer {
  const { OFFSETS } = Dhcp6Lease;
  const { DHCP6_ADDRESSES: most, DHCP6_OPTIONS_BYTES } = Limits;
  // Addresses are preferred as long as valid, since only the intent changes them.
  const lifetimes = [u32(lease.seconds), u32(lease.seconds)];
  const addresses = lease.addresses.slice(0, most).map((one) => option6(OPTION.address, address(one), ...lifetimes));
  const prefixes = lease.prefixes.slice(0, most).map((text) => {
    const { bytes, length } = prefix(text);
    return option6(OPTION.delegated, ...lifetimes, Buffer.of(length), bytes);
  });
  const na = association(OPTION.na, lease.seconds, addresses, STATUS.noAddresses);
  const pd = association(OPTION.pd, lease.seconds, prefixes, STATUS.noPrefixes);
  const rest = options(lease);
  if (rest.length > DHCP6_OPTIONS_BYTES)
    throw new RangeError(`DHCPv6 of ${lease.addresses[0] ?? 'a port'}: options of ${rest.length} bytes`);
  const into = Buffer.alloc(Dhcp6Lease.SIZE);
  into.writeUInt16LE(na.length, OFFSETS.naBytes);
  into.writeUInt16LE(addresses.length, OFFSETS.naAddresses);
  into.writeUInt16LE(pd.length, OFFSETS.pdBytes);
  into.writeUInt16LE(rest.length, OFFSETS.optionsBytes);
  na.copy(into, OFFSETS.na);
  pd.copy(into, OFFSETS.pd);
  rest.copy(into, OFFSETS.options);
  return into;
}
