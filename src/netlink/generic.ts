/** Generic netlink (net/netlink/genetlink.c): families by name. */
import { NLM_F_REQUEST } from './constants.js';
import { isNetlinkError } from './error.js';
import type { MessageView } from './reader.js';
import { makeGenericRequest, type NetlinkRequest } from './request.js';
import type { NetlinkSocket } from './socket.js';

/** struct genlmsghdr: command, version, reserved */
export const GENL_HDRLEN = 4;

const GENL_ID_CTRL = 16;
const CTRL_CMD_NEWFAMILY = 1;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_VERSION = 3;
const CTRL_ATTR_MCAST_GROUPS = 7;
const CTRL_ATTR_MCAST_GRP_NAME = 1;
const CTRL_ATTR_MCAST_GRP_ID = 2;

export interface GenericFamily {
  /** nlmsg_type of its messages; may differ after a restart of the machine */
  id: number;
  name: string;
  version: number;
  /** multicast groups by name, for NetlinkMonitor */
  groups: Record<string, number>;
}

/** Asks for a family by name. */
export function getFamilyRequest(name: string): NetlinkRequest {
  return makeGenericRequest(
    () => `get generic netlink family ${name}`,
    (writer) => {
      writer.begin(GENL_ID_CTRL, NLM_F_REQUEST);
      writer.bytes4(CTRL_CMD_GETFAMILY, 1, 0, 0);
      writer.string(CTRL_ATTR_FAMILY_NAME, name);
      writer.end();
    },
  );
}

/** Decodes CTRL_CMD_NEWFAMILY. */
export function decodeFamily(message: MessageView): GenericFamily | undefined {
  if (message.type !== GENL_ID_CTRL || message.u8(0) !== CTRL_CMD_NEWFAMILY) return undefined;
  const family: GenericFamily = { id: 0, name: '', version: 0, groups: {} };
  const reader = message.attributes(GENL_HDRLEN);
  while (reader.next()) {
    if (reader.type === CTRL_ATTR_FAMILY_ID) family.id = reader.u16();
    else if (reader.type === CTRL_ATTR_FAMILY_NAME) family.name = reader.string();
    else if (reader.type === CTRL_ATTR_VERSION) family.version = reader.u32();
    else if (reader.type === CTRL_ATTR_MCAST_GROUPS) {
      const groups = reader.nested();
      while (groups.next()) {
        const group = groups.nested();
        let name = '';
        let id = 0;
        while (group.next()) {
          if (group.type === CTRL_ATTR_MCAST_GRP_NAME) name = group.string();
          else if (group.type === CTRL_ATTR_MCAST_GRP_ID) id = group.u32();
        }
        family.groups[name] = id;
      }
    }
  }
  return family;
}

/**
 * A family by name, undefined when the kernel has none (built without it, or its module is not loaded).
 * @param socket one opened with protocol 'generic'
 */
export function resolveFamily(socket: NetlinkSocket, name: string): GenericFamily | undefined {
  try {
    return socket.get(getFamilyRequest(name), decodeFamily);
  } catch (error) {
    if (isNetlinkError(error, 'ENOENT')) return undefined;
    throw error;
  }
}
