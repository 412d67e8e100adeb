/** The kernel's SRv6 settings of a network namespace (net/ipv6/seg6.c). */
import { NLM_F_REQUEST } from './constants.js';
import { NetlinkError } from './error.js';
import { GENL_HDRLEN, resolveFamily } from './generic.js';
import type { MessageView } from './reader.js';
import { makeGenericRequest, type NetlinkRequest } from './request.js';
import type { NetlinkSocket } from './socket.js';

const SEG6_CMD_SET_TUNSRC = 3;
const SEG6_CMD_GET_TUNSRC = 4;
const SEG6_ATTR_DST = 1;
const SEG6_GENL_VERSION = 1;

/** Sets the outer source address of seg6 encapsulations; "::" lets the kernel choose for each packet. */
export function setTunnelSourceRequest(familyId: number, address: string): NetlinkRequest {
  return makeGenericRequest(
    () => `set seg6 tunnel source ${address}`,
    (writer) => {
      writer.begin(familyId, NLM_F_REQUEST);
      writer.bytes4(SEG6_CMD_SET_TUNSRC, SEG6_GENL_VERSION, 0, 0);
      writer.addressOf(SEG6_ATTR_DST, 6, address);
      writer.end();
    },
  );
}

/** Asks for the outer source address. */
export function getTunnelSourceRequest(familyId: number): NetlinkRequest {
  return makeGenericRequest(
    () => 'get seg6 tunnel source',
    (writer) => {
      writer.begin(familyId, NLM_F_REQUEST);
      writer.bytes4(SEG6_CMD_GET_TUNSRC, SEG6_GENL_VERSION, 0, 0);
      writer.end();
    },
  );
}

/** Decodes the answer to getTunnelSourceRequest. */
function decodeTunnelSource(message: MessageView): string | undefined {
  if (message.u8(0) !== SEG6_CMD_GET_TUNSRC) return undefined;
  const reader = message.attributes(GENL_HDRLEN);
  while (reader.next()) if (reader.type === SEG6_ATTR_DST) return reader.address();
  return undefined;
}

function familyId(socket: NetlinkSocket): number {
  const family = resolveFamily(socket, 'SEG6');
  if (family) return family.id;
  throw new NetlinkError({
    operation: 'seg6 tunnel source',
    errno: 0,
    code: 'NETLINK_NO_SEG6',
    kernelMessage: 'no generic netlink family SEG6: expected a kernel with CONFIG_IPV6_SEG6_LWTUNNEL',
  });
}

/**
 * The outer source address of a namespace's seg6 encapsulations, "::" when the kernel chooses.
 * @param socket one opened with protocol 'generic' in the namespace
 */
export function getTunnelSource(socket: NetlinkSocket): string {
  return socket.get(getTunnelSourceRequest(familyId(socket)), decodeTunnelSource) ?? '::';
}

/** Sets it; "::" gives the choice back to the kernel. */
export function setTunnelSource(socket: NetlinkSocket, address: string): void {
  socket.request(setTunnelSourceRequest(familyId(socket), address));
}
