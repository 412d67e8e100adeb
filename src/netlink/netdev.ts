/** XDP features of devices (Documentation/netlink/specs/netdev.yaml, Linux 6.3). */
import { DUMP, NLM_F_REQUEST } from './constants.js';
import { isNetlinkError } from './error.js';
import { GENL_HDRLEN, resolveFamily } from './generic.js';
import type { MessageView } from './reader.js';
import { makeGenericRequest, type NetlinkRequest } from './request.js';
import type { NetlinkSocket } from './socket.js';

export const NETDEV_FAMILY = 'netdev';
/** Multicast group of the family: devices whose features changed. */
export const NETDEV_GROUP = 'mgmt';

const NETDEV_CMD_DEV_GET = 1;
const NETDEV_VERSION = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;

/** enum netdev_xdp_act (linux/netdev.h) */
export const XdpFeature = {
  basic: 1,
  redirect: 2,
  /** takes frames that an XDP program redirects to it */
  ndoXmit: 4,
} as const;

export interface XdpFeatures {
  ifindex: number;
  /** bits of XdpFeature */
  features: number;
}

/** Asks for all devices of the namespace. */
function dumpXdpFeaturesRequest(familyId: number): NetlinkRequest {
  return makeGenericRequest(
    () => 'list XDP features of devices',
    (writer) => {
      writer.begin(familyId, DUMP);
      writer.bytes4(NETDEV_CMD_DEV_GET, NETDEV_VERSION, 0, 0);
      writer.end();
    },
  );
}

/** Asks for one device. */
function getXdpFeaturesRequest(familyId: number, ifindex: number): NetlinkRequest {
  return makeGenericRequest(
    () => `get XDP features of ifindex ${ifindex}`,
    (writer) => {
      writer.begin(familyId, NLM_F_REQUEST);
      writer.bytes4(NETDEV_CMD_DEV_GET, NETDEV_VERSION, 0, 0);
      writer.u32(NETDEV_A_DEV_IFINDEX, ifindex);
      writer.end();
    },
  );
}

/** Decodes a device's answer. */
export function decodeXdpFeatures(message: MessageView): XdpFeatures | undefined {
  const found: XdpFeatures = { ifindex: 0, features: 0 };
  const reader = message.attributes(GENL_HDRLEN);
  while (reader.next()) {
    if (reader.type === NETDEV_A_DEV_IFINDEX) found.ifindex = reader.u32();
    else if (reader.type === NETDEV_A_DEV_XDP_FEATURES) found.features = Number(reader.u64() & 0xffffn);
  }
  return found.ifindex === 0 ? undefined : found;
}

/**
 * XDP features by interface number; empty where the kernel does not say (before 6.3).
 *
 * @param socket one opened with protocol 'generic' in the namespace
 */
export function xdpFeatures(socket: NetlinkSocket): Map<number, number> {
  const family = resolveFamily(socket, NETDEV_FAMILY);
  if (family === undefined) return new Map();
  const all = socket.dump(dumpXdpFeaturesRequest(family.id), decodeXdpFeatures);
  return new Map(all.map(({ ifindex, features }) => [ifindex, features]));
}

/** Whether a device's driver runs XDP programs itself; undefined: the kernel does not say (before 6.3), or the device is gone. */
export function hasNativeXdp(socket: NetlinkSocket, ifindex: number): boolean | undefined {
  const family = resolveFamily(socket, NETDEV_FAMILY);
  if (family === undefined) return undefined;
  try {
    const found = socket.get(getXdpFeaturesRequest(family.id, ifindex), decodeXdpFeatures);
    return found === undefined ? undefined : (found.features & XdpFeature.basic) !== 0;
  } catch (error) {
    if (isNetlinkError(error, 'ENODEV')) return undefined;
    throw error;
  }
}

/** Whether an interface takes frames that XDP redirects to it: others lose them silently. @param features xdpFeatures() */
export function takesFrames(features: ReadonlyMap<number, number>, ifindex: number): boolean {
  return ((features.get(ifindex) ?? 0) & XdpFeature.ndoXmit) !== 0;
}
