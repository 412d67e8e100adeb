/** Features of devices (Documentation/networking/ethtool-netlink.rst, FEATURES_GET and FEATURES_SET; Linux 5.8). */
import { NLA_F_NESTED, NLM_F_REQUEST } from './constants.js';
import { isNetlinkError } from './error.js';
import { GENL_HDRLEN, resolveFamily } from './generic.js';
import type { AttributeReader, MessageView } from './reader.js';
import { makeGenericRequest, type NetlinkRequest } from './request.js';
import type { NetlinkSocket } from './socket.js';
import type { MessageWriter } from './writer.js';

export const ETHTOOL_FAMILY = 'ethtool';
/** Multicast group of the family: devices whose settings changed. */
export const ETHTOOL_GROUP = 'monitor';

const VERSION = 1;
const MSG_FEATURES_GET = 11;
const MSG_FEATURES_SET = 12;
const MSG_FEATURES_GET_REPLY = 11;
const MSG_FEATURES_NTF = 13;

const A_HEADER = 1;
const A_HW = 2;
const A_WANTED = 3;
const A_ACTIVE = 4;
const A_NOCHANGE = 5;
const A_HEADER_DEV_INDEX = 1;
const A_HEADER_FLAGS = 3;
/** ETHTOOL_FLAG_OMIT_REPLY: a request of features to be set says only whether it was taken. */
const FLAG_OMIT_REPLY = 2;
const A_BITSET_NOMASK = 1;
const A_BITSET_BITS = 3;
const A_BITSET_BITS_BIT = 1;
const A_BITSET_BIT_NAME = 2;
const A_BITSET_BIT_VALUE = 3;

/** By the names that `ethtool -k` prints. */
export interface DeviceFeatures {
  ifindex: number;
  active: ReadonlySet<string>;
  /** Those that can be switched. */
  changeable: ReadonlySet<string>;
}

function writeHeader(writer: MessageWriter, ifindex: number, flags = 0): void {
  const header = writer.nest(A_HEADER | NLA_F_NESTED);
  writer.u32(A_HEADER_DEV_INDEX, ifindex);
  if (flags !== 0) writer.u32(A_HEADER_FLAGS, flags);
  writer.endNest(header);
}

/** Asks for the features of a device. */
export function getFeaturesRequest(familyId: number, ifindex: number): NetlinkRequest {
  return makeGenericRequest(
    () => `get features of ifindex ${ifindex}`,
    (writer) => {
      writer.begin(familyId, NLM_F_REQUEST);
      writer.bytes4(MSG_FEATURES_GET, VERSION, 0, 0);
      writeHeader(writer, ifindex);
      writer.end();
    },
  );
}

/** Switches features of a device; the kernel leaves those alone that are fixed, without an error. */
export function setFeaturesRequest(
  familyId: number,
  ifindex: number,
  features: Readonly<Record<string, boolean>>,
): NetlinkRequest {
  const text = Object.entries(features).map(([name, on]) => `${name} ${on ? 'on' : 'off'}`);
  return makeGenericRequest(
    () => `set features of ifindex ${ifindex}: ${text.join(', ')}`,
    (writer) => {
      writer.begin(familyId, NLM_F_REQUEST);
      writer.bytes4(MSG_FEATURES_SET, VERSION, 0, 0);
      writeHeader(writer, ifindex, FLAG_OMIT_REPLY);
      const wanted = writer.nest(A_WANTED | NLA_F_NESTED);
      const bits = writer.nest(A_BITSET_BITS | NLA_F_NESTED);
      for (const [name, on] of Object.entries(features)) {
        const bit = writer.nest(A_BITSET_BITS_BIT | NLA_F_NESTED);
        writer.string(A_BITSET_BIT_NAME, name);
        if (on) writer.flag(A_BITSET_BIT_VALUE);
        writer.endNest(bit);
      }
      writer.endNest(bits);
      writer.endNest(wanted);
      writer.end();
    },
  );
}

/** The names of the bits that are set: of a list all, of a set with a mask those that have a value. */
function readNames(bitset: AttributeReader): Set<string> {
  const listed = new Set<string>();
  const valued = new Set<string>();
  let isList = false;
  while (bitset.next()) {
    if (bitset.type === A_BITSET_NOMASK) isList = true;
    if (bitset.type !== A_BITSET_BITS) continue;
    const bits = bitset.nested();
    while (bits.next()) {
      const bit = bits.nested();
      let name = '';
      let value = false;
      while (bit.next()) {
        if (bit.type === A_BITSET_BIT_NAME) name = bit.string();
        else if (bit.type === A_BITSET_BIT_VALUE) value = true;
      }
      listed.add(name);
      if (value) valued.add(name);
    }
  }
  return isList ? listed : valued;
}

/** Decodes an answer to getFeaturesRequest, and the notification of a change. */
export function decodeFeatures(message: MessageView): DeviceFeatures | undefined {
  const command = message.u8(0);
  if (command !== MSG_FEATURES_GET_REPLY && command !== MSG_FEATURES_NTF) return undefined;
  let ifindex = 0;
  let active = new Set<string>();
  let hw = new Set<string>();
  let fixed = new Set<string>();
  const reader = message.attributes(GENL_HDRLEN);
  while (reader.next()) {
    if (reader.type === A_HEADER) {
      const header = reader.nested();
      while (header.next()) if (header.type === A_HEADER_DEV_INDEX) ifindex = header.u32();
    } else if (reader.type === A_ACTIVE) active = readNames(reader.nested());
    else if (reader.type === A_HW) hw = readNames(reader.nested());
    else if (reader.type === A_NOCHANGE) fixed = readNames(reader.nested());
  }
  return { ifindex, active, changeable: new Set([...hw].filter((name) => !fixed.has(name))) };
}

/**
 * The features of a device; undefined where the kernel does not say: without ETHTOOL_NETLINK, before 5.8, or the device is gone.
 *
 * @param socket one opened with protocol 'generic' in the namespace
 */
export function deviceFeatures(socket: NetlinkSocket, ifindex: number): DeviceFeatures | undefined {
  const family = resolveFamily(socket, ETHTOOL_FAMILY);
  if (family === undefined) return undefined;
  try {
    return socket.get(getFeaturesRequest(family.id, ifindex), decodeFeatures);
  } catch (error) {
    if (isNetlinkError(error, 'ENODEV') || isNetlinkError(error, 'EOPNOTSUPP')) return undefined;
    throw error;
  }
}

/**
 * Switches features of a device and returns what it has then.
 *
 * @throws NetlinkError
 */
export function setDeviceFeatures(
  socket: NetlinkSocket,
  ifindex: number,
  features: Readonly<Record<string, boolean>>,
): DeviceFeatures | undefined {
  const family = resolveFamily(socket, ETHTOOL_FAMILY);
  if (family === undefined) return undefined;
  socket.request(setFeaturesRequest(family.id, ifindex, features));
  return deviceFeatures(socket, ifindex);
}
