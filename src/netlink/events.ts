/** Notifications of rtnetlink as typed values. */
import { decodeAddress } from './address.js';
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELNEXTHOP,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWNEXTHOP,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from './constants.js';
import { decodeLink } from './link-decode.js';
import { decodeNeighbour } from './neighbour.js';
import { decodeNexthop } from './nexthop.js';
import type { MessageView } from './reader.js';
import { decodeRoute } from './route-decode.js';
import { decodeRule } from './rule.js';
import type { NetlinkEvent, NetlinkObject } from './types.js';

function decodeObject(message: MessageView): NetlinkObject | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: {
      const value = decodeLink(message);
      return value && { kind: 'link', value };
    }
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const value = decodeAddress(message);
      return value && { kind: 'address', value };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const value = decodeRoute(message);
      return value && { kind: 'route', value };
    }
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP: {
      const value = decodeNexthop(message);
      return value && { kind: 'nexthop', value };
    }
    case RTM_NEWRULE:
    case RTM_DELRULE: {
      const value = decodeRule(message);
      return value && { kind: 'rule', value };
    }
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH: {
      const value = decodeNeighbour(message);
      return value && { kind: 'neighbour', value };
    }
    default:
      return undefined;
  }
}

/** Decodes one notification of NETLINK_ROUTE; undefined for what has no type here. For NetlinkMonitor. */
export function decodeEvent(message: MessageView): NetlinkEvent | undefined {
  const object = decodeObject(message);
  // Every RTM_ quartet is NEW, DEL, GET, SET from a multiple of four on.
  return object && { ...object, change: message.type % 4 === 0 ? 'new' : 'delete', portId: message.portId };
}

/** A change in nf_tables: which kind of object, as NFT_MSG_* number (0 newtable … 15 newgen; net/netfilter). */
export interface NftablesEvent {
  message: number;
  portId: number;
  /** Name of the table that changed, without its family; absent of what ends a transaction (NFT_MSG_NEWGEN). */
  table?: string;
}

const NFNL_SUBSYS_NFTABLES = 10;
const NFT_MSG_NEWGEN = 15;
const NFGENMSG_BYTES = 4;
/** NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, … (linux/netfilter/nf_tables.h): the table is the first attribute of all of them. */
const NFTA_TABLE = 1;

/** Decodes one notification of NETLINK_NETFILTER's nf_tables group, only far enough to say which table changed. */
export function decodeNftablesEvent(message: MessageView): NftablesEvent | undefined {
  if (message.type >> 8 !== NFNL_SUBSYS_NFTABLES) return undefined;
  const event: NftablesEvent = { message: message.type & 0xff, portId: message.portId };
  if (event.message === NFT_MSG_NEWGEN) return event;
  const reader = message.attributes(NFGENMSG_BYTES);
  while (reader.next()) {
    if (reader.type !== NFTA_TABLE) continue;
    event.table = reader.string();
    break;
  }
  return event;
}
