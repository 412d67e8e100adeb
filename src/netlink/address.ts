/** Interface addresses (net/ipv4/devinet.c, net/ipv6/addrconf.c). */
import { familyOf } from './inet/address.js';
import {
  CREATE,
  DUMP,
  familyFromNumber,
  familyNumber,
  NLM_F_REQUEST,
  REPLACE,
  RT_SCOPE_HOST,
  RT_SCOPE_UNIVERSE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './constants.js';
import type { AttributeReader, MessageView } from './reader.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import type { AddressFamily, InterfaceAddress, InterfaceAddressSpec } from './types.js';
import type { MessageWriter } from './writer.js';

const IFADDRMSG_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
const IFA_PROTO = 11;

/** IFA_F_* */
export const AddressFlag = {
  nodad: 0x02,
  optimistic: 0x04,
  dadfailed: 0x08,
  homeaddress: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  managetempaddr: 0x100,
  noprefixroute: 0x200,
} as const;

/** A lifetime without end, in struct ifa_cacheinfo. */
const FOREVER = 0xffffffff;

/** The key of an address. */
export type InterfaceAddressKey = Pick<InterfaceAddressSpec, 'ifindex' | 'address' | 'length' | 'peer'>;

function isLoopback(address: string, family: AddressFamily): boolean {
  return family === 4 ? address.startsWith('127.') : address === '::1';
}

function flagsOf(spec: InterfaceAddressSpec): number {
  let flags = spec.flags ?? 0;
  if (spec.noprefixroute) flags |= AddressFlag.noprefixroute;
  if (spec.nodad) flags |= AddressFlag.nodad;
  return flags;
}

function writeHead(writer: MessageWriter, key: InterfaceAddressKey, flags: number, scope: number): void {
  const family = familyOf(key.address);
  if (key.length < 0 || key.length > (family === 4 ? 32 : 128)) {
    throw new RangeError(
      `address ${key.address}/${key.length}: expected a length of at most ${family === 4 ? 32 : 128}`,
    );
  }
  writer.bytes4(familyNumber(family), key.length, flags > 0xff ? 0 : flags, scope);
  writer.word(key.ifindex);
}

function newAddress(verb: string, messageFlags: number, spec: InterfaceAddressSpec): NetlinkRequest {
  return makeRequest(
    () => `${verb} address ${spec.address}/${spec.length} ifindex ${spec.ifindex}`,
    (writer) => {
      const family = familyOf(spec.address);
      const flags = flagsOf(spec);
      const scope = spec.scope ?? (isLoopback(spec.address, family) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE);
      writer.begin(RTM_NEWADDR, messageFlags);
      writeHead(writer, spec, flags, scope);
      if (flags > 0xff) writer.u32(IFA_FLAGS, flags);
      writer.address(IFA_LOCAL, spec.address);
      writer.addressOf(IFA_ADDRESS, family, spec.peer ?? spec.address);
      if (spec.broadcast !== undefined) writer.addressOf(IFA_BROADCAST, family, spec.broadcast);
      if (spec.label !== undefined) writer.string(IFA_LABEL, spec.label);
      if (spec.metric !== undefined) writer.u32(IFA_RT_PRIORITY, spec.metric);
      if (spec.protocol !== undefined) writer.u8(IFA_PROTO, spec.protocol);
      if (spec.preferredLifetime !== undefined || spec.validLifetime !== undefined) {
        const nest = writer.nest(IFA_CACHEINFO);
        writer.word(spec.preferredLifetime ?? FOREVER);
        writer.word(spec.validLifetime ?? FOREVER);
        writer.word(0);
        writer.word(0);
        writer.endNest(nest);
      }
      writer.end();
    },
  );
}

/** Adds an address; EEXIST when the interface has it. */
export function createAddress(spec: InterfaceAddressSpec): NetlinkRequest {
  return newAddress('create', CREATE, spec);
}

/**
 * Adds an address, or changes lifetimes and metric of the one that is there; flags (noprefixroute) of an IPv6 address
 * too, but not of an IPv4 one, which has to be deleted first (net/ipv4/devinet.c, inet_rtm_newaddr).
 */
export function replaceAddress(spec: InterfaceAddressSpec): NetlinkRequest {
  return newAddress('replace', REPLACE, spec);
}

/** Deletes an address; EADDRNOTAVAIL when the interface does not have it. */
export function deleteAddress(key: InterfaceAddressKey): NetlinkRequest {
  return makeRequest(
    () => `delete address ${key.address}/${key.length} ifindex ${key.ifindex}`,
    (writer) => {
      writer.begin(RTM_DELADDR, NLM_F_REQUEST);
      writeHead(writer, key, 0, 0);
      writer.address(IFA_LOCAL, key.address);
      // Beside it IPv4 compares the length too.
      writer.address(IFA_ADDRESS, key.peer ?? key.address);
      writer.end();
    },
  );
}

export interface InterfaceAddressFilter {
  family?: AddressFamily;
  ifindex?: number;
}

/** All addresses of the namespace, or of one interface (ENODEV when it does not exist). */
export function dumpAddressesRequest(filter: InterfaceAddressFilter): NetlinkRequest {
  return makeRequest(
    () => `list addresses${filter.ifindex === undefined ? '' : ` of ifindex ${filter.ifindex}`}`,
    (writer) => {
      writer.begin(RTM_GETADDR, DUMP);
      writer.bytes4(familyNumber(filter.family), 0, 0, 0);
      writer.word(filter.ifindex ?? 0);
      writer.end();
    },
  );
}

function readLifetimes(address: InterfaceAddress, reader: AttributeReader): void {
  const preferred = reader.u32(0);
  const valid = reader.u32(4);
  if (preferred !== FOREVER) address.preferredLifetime = preferred;
  if (valid !== FOREVER) address.validLifetime = valid;
}

/**
 * Decodes RTM_NEWADDR and RTM_DELADDR.
 * @returns undefined for any other message and for families other than IPv4 and IPv6
 */
export function decodeAddress(message: MessageView): InterfaceAddress | undefined {
  if (message.type !== RTM_NEWADDR && message.type !== RTM_DELADDR) return undefined;
  const family = familyFromNumber(message.u8(0));
  if (family === undefined) return undefined;
  let flags = message.u8(2);
  let local: string | undefined;
  let far: string | undefined;
  const address: InterfaceAddress = {
    ifindex: message.u32(4),
    family,
    address: '',
    length: message.u8(1),
    scope: message.u8(3),
    flags: 0,
    noprefixroute: false,
    nodad: false,
    tentative: false,
    dadfailed: false,
    permanent: false,
  };
  const reader = message.attributes(IFADDRMSG_BYTES);
  while (reader.next()) {
    switch (reader.type) {
      case IFA_ADDRESS:
        far = reader.address();
        break;
      case IFA_LOCAL:
        local = reader.address();
        break;
      case IFA_BROADCAST:
        address.broadcast = reader.address();
        break;
      case IFA_LABEL:
        address.label = reader.string();
        break;
      case IFA_FLAGS:
        flags = reader.u32();
        break;
      case IFA_RT_PRIORITY:
        address.metric = reader.u32();
        break;
      case IFA_PROTO:
        address.protocol = reader.u8();
        break;
      case IFA_CACHEINFO:
        readLifetimes(address, reader);
        break;
    }
  }
  // IPv6 reports IFA_LOCAL only beside a peer.
  address.address = local ?? far ?? '';
  if (far !== undefined && local !== undefined && far !== local) address.peer = far;
  address.flags = flags;
  address.noprefixroute = (flags & AddressFlag.noprefixroute) !== 0;
  address.nodad = (flags & AddressFlag.nodad) !== 0;
  address.tentative = (flags & AddressFlag.tentative) !== 0;
  address.dadfailed = (flags & AddressFlag.dadfailed) !== 0;
  address.permanent = (flags & AddressFlag.permanent) !== 0;
  return address;
}
