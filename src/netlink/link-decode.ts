/** Network devices: what the kernel reports (net/core/rtnetlink.c, rtnl_fill_ifinfo). */
import { AF_UNSPEC, IFF_UP, RTM_DELLINK, RTM_NEWLINK } from './constants.js';
import * as attr from './link-attributes.js';
import type { AttributeReader, MessageView } from './reader.js';
import type { Link, OperState } from './types.js';

/** IF_OPER_*, in order */
const OPER_STATES: readonly OperState[] = [
  'unknown',
  'notpresent',
  'down',
  'lowerlayerdown',
  'testing',
  'dormant',
  'up',
];

function readLinkInfo(link: Link, info: AttributeReader): void {
  let data: AttributeReader | undefined;
  while (info.next()) {
    if (info.type === attr.IFLA_INFO_KIND) link.kind = info.string();
    else if (info.type === attr.IFLA_INFO_SLAVE_KIND) link.slaveKind = info.string();
    else if (info.type === attr.IFLA_INFO_DATA) data = info.nested();
  }
  if (link.kind !== 'vrf' || data === undefined) return;
  while (data.next()) if (data.type === attr.IFLA_VRF_TABLE) link.vrfTable = data.u32();
}

function readXdp(link: Link, xdp: AttributeReader): void {
  let attached = 0;
  let programId: number | undefined;
  while (xdp.next()) {
    if (xdp.type === attr.IFLA_XDP_ATTACHED) attached = xdp.u8();
    else if (xdp.type === attr.IFLA_XDP_PROG_ID) programId = xdp.u32();
  }
  if (attached !== 0) link.xdp = programId === undefined ? { attached } : { attached, programId };
}

function readAttribute(link: Link, reader: AttributeReader): void {
  switch (reader.type) {
    case attr.IFLA_IFNAME:
      link.name = reader.string();
      break;
    case attr.IFLA_MTU:
      link.mtu = reader.u32();
      break;
    case attr.IFLA_ADDRESS:
      if (reader.length > 0) link.mac = reader.mac();
      break;
    case attr.IFLA_QDISC:
      link.qdisc = reader.string();
      break;
    case attr.IFLA_MASTER:
      link.master = reader.u32();
      break;
    case attr.IFLA_IFALIAS:
      link.alias = reader.string();
      break;
    case attr.IFLA_OPERSTATE:
      link.operState = OPER_STATES[reader.u8()] ?? 'unknown';
      break;
    case attr.IFLA_CARRIER:
      link.carrier = reader.u8() !== 0;
      break;
    case attr.IFLA_LINK:
      link.linkIndex = reader.u32();
      break;
    case attr.IFLA_LINK_NETNSID:
      link.linkNetnsId = reader.i32();
      break;
    case attr.IFLA_NUM_TX_QUEUES:
      link.numTxQueues = reader.u32();
      break;
    case attr.IFLA_NUM_RX_QUEUES:
      link.numRxQueues = reader.u32();
      break;
    case attr.IFLA_LINKINFO:
      readLinkInfo(link, reader.nested());
      break;
    case attr.IFLA_XDP:
      readXdp(link, reader.nested());
      break;
    case attr.IFLA_PROP_LIST: {
      const names = reader.nested();
      while (names.next()) if (names.type === attr.IFLA_ALT_IFNAME) link.altNames.push(names.string());
      break;
    }
  }
}

/**
 * Decodes RTM_NEWLINK and RTM_DELLINK.
 * @returns undefined for any other message, and for what bridges tell of their ports (family AF_BRIDGE): its RTM_DELLINK
 * says that a port left its bridge, not that the device is gone
 */
export function decodeLink(message: MessageView): Link | undefined {
  if (message.type !== RTM_NEWLINK && message.type !== RTM_DELLINK) return undefined;
  if (message.u8(0) !== AF_UNSPEC) return undefined;
  const flags = message.u32(8);
  const link: Link = {
    index: message.i32(4),
    name: '',
    up: (flags & IFF_UP) !== 0,
    flags,
    mtu: 0,
    type: message.u16(2),
    altNames: [],
    operState: 'unknown',
  };
  const reader = message.attributes(attr.IFINFOMSG_BYTES);
  while (reader.next()) readAttribute(link, reader);
  return link;
}
