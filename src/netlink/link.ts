/** Network devices (net/core/rtnetlink.c): requests. */
import {
  AF_UNSPEC,
  APPEND,
  CREATE,
  DUMP,
  IFF_UP,
  NLA_F_NESTED,
  NLM_F_EXCL,
  NLM_F_REQUEST,
  RTM_DELLINK,
  RTM_DELLINKPROP,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_NEWLINKPROP,
} from './constants.js';
import { isNetlinkError } from './error.js';
import * as attr from './link-attributes.js';
import { decodeLink } from './link-decode.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import type { NetlinkSocket } from './socket.js';
import type { Link, LinkChange, LinkSpec, VethPeerSpec } from './types.js';
import type { MessageWriter } from './writer.js';

export { decodeLink } from './link-decode.js';

/** A device by ifindex, or by name or alternative name. */
export type LinkReference = number | string;

/** struct ifinfomsg; `up` undefined leaves IFF_UP alone. */
function writeHead(writer: MessageWriter, index: number, up: boolean | undefined): void {
  writer.bytes4(AF_UNSPEC, 0, 0, 0);
  writer.word(index);
  writer.word(up ? IFF_UP : 0);
  writer.word(up === undefined ? 0 : IFF_UP);
}

interface CommonSettings {
  mtu?: number;
  mac?: string;
  numTxQueues?: number;
  numRxQueues?: number;
  netnsFd?: number;
  netnsPid?: number;
}

function writeCommon(writer: MessageWriter, settings: CommonSettings): void {
  if (settings.mtu !== undefined) writer.u32(attr.IFLA_MTU, settings.mtu);
  if (settings.mac !== undefined) writer.mac(attr.IFLA_ADDRESS, settings.mac);
  if (settings.numTxQueues !== undefined) writer.u32(attr.IFLA_NUM_TX_QUEUES, settings.numTxQueues);
  if (settings.numRxQueues !== undefined) writer.u32(attr.IFLA_NUM_RX_QUEUES, settings.numRxQueues);
  if (settings.netnsFd !== undefined) writer.u32(attr.IFLA_NET_NS_FD, settings.netnsFd);
  if (settings.netnsPid !== undefined) writer.u32(attr.IFLA_NET_NS_PID, settings.netnsPid);
}

/** A name the kernel takes, or a word about it before it comes back as a bare EINVAL. */
function writeName(writer: MessageWriter, name: string): void {
  const length = Buffer.byteLength(name);
  if (length < 1 || length > 15) throw new RangeError(`interface name "${name}": expected 1 to 15 bytes`);
  writer.string(attr.IFLA_IFNAME, name);
}

function writePeer(writer: MessageWriter, peer: VethPeerSpec): void {
  const nest = writer.nest(attr.VETH_INFO_PEER);
  writeHead(writer, 0, undefined);
  writeCommon(writer, peer);
  writeName(writer, peer.name);
  writer.endNest(nest);
}

function writeLinkInfo(writer: MessageWriter, link: LinkSpec): void {
  const info = writer.nest(attr.IFLA_LINKINFO);
  writer.text(attr.IFLA_INFO_KIND, link.kind);
  if (link.kind === 'vrf') {
    if (link.vrfTable === undefined) throw new RangeError(`link ${link.name}: expected vrfTable for a vrf`);
    const data = writer.nest(attr.IFLA_INFO_DATA);
    writer.u32(attr.IFLA_VRF_TABLE, link.vrfTable);
    writer.endNest(data);
  } else if (link.peer !== undefined) {
    const data = writer.nest(attr.IFLA_INFO_DATA);
    writePeer(writer, link.peer);
    writer.endNest(data);
  }
  writer.endNest(info);
}

/** Makes a device; EEXIST when the name is taken, EOPNOTSUPP "Unknown device type" when the kernel lacks the kind. */
export function newLink(link: LinkSpec): NetlinkRequest {
  return makeRequest(
    () => `create link ${link.name} type ${link.kind}${link.vrfTable === undefined ? '' : ` table ${link.vrfTable}`}`,
    (writer) => {
      writer.begin(RTM_NEWLINK, CREATE);
      writeHead(writer, link.index ?? 0, link.up);
      writeName(writer, link.name);
      writeCommon(writer, link);
      if (link.master !== undefined) writer.u32(attr.IFLA_MASTER, link.master);
      writeLinkInfo(writer, link);
      writer.end();
    },
  );
}

/** Writes ifinfomsg and, for a device by name, the name. */
function writeReference(writer: MessageWriter, link: LinkReference, up?: boolean): void {
  writeHead(writer, typeof link === 'number' ? link : 0, up);
  if (typeof link === 'string') writer.string(nameAttribute(link), link);
}

/** The kernel takes names longer than a device's only as alternative names. */
function nameAttribute(name: string): number {
  return Buffer.byteLength(name) > 15 ? attr.IFLA_ALT_IFNAME : attr.IFLA_IFNAME;
}

function describeReference(link: LinkReference): string {
  return typeof link === 'number' ? `ifindex ${link}` : link;
}

/**
 * Changes a device. A rename needs the reference by ifindex: by name, the name attribute says which device is meant.
 */
export function setLink(link: LinkReference, change: LinkChange): NetlinkRequest {
  return makeRequest(
    () => `set link ${describeReference(link)} ${describeChange(change)}`,
    (writer) => {
      writer.begin(RTM_NEWLINK, NLM_F_REQUEST);
      writeReference(writer, link, change.up);
      if (change.name !== undefined) {
        if (typeof link === 'string') throw new RangeError(`rename of ${link}: expected its ifindex`);
        writeName(writer, change.name);
      }
      // Of length 0 it takes the alias away (dev_set_alias).
      if (change.alias !== undefined) writer.text(attr.IFLA_IFALIAS, change.alias);
      writeCommon(writer, change);
      if (change.master !== undefined) writer.u32(attr.IFLA_MASTER, change.master);
      if (change.txQueueLength !== undefined) writer.u32(attr.IFLA_TXQLEN, change.txQueueLength);
      writer.end();
    },
  );
}

function describeChange(change: LinkChange): string {
  return Object.entries(change)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(' ');
}

/** Deletes a device, a veth with its peer; ENODEV when there is none. */
export function deleteLink(link: LinkReference): NetlinkRequest {
  return makeRequest(
    () => `delete link ${describeReference(link)}`,
    (writer) => {
      writer.begin(RTM_DELLINK, NLM_F_REQUEST);
      writeReference(writer, link);
      writer.end();
    },
  );
}

function linkProperty(verb: string, type: number, flags: number, index: number, name: string): NetlinkRequest {
  return makeRequest(
    () => `${verb} altname ${name} ifindex ${index}`,
    (writer) => {
      writer.begin(type, flags);
      writeHead(writer, index, undefined);
      const list = writer.nest(attr.IFLA_PROP_LIST | NLA_F_NESTED);
      writer.string(attr.IFLA_ALT_IFNAME, name);
      writer.endNest(list);
      writer.end();
    },
  );
}

/** Adds an alternative name; EEXIST when any device has it. */
export function addAltName(index: number, name: string): NetlinkRequest {
  return linkProperty('add', RTM_NEWLINKPROP, APPEND | NLM_F_EXCL, index, name);
}

/** Removes an alternative name; ENOENT when the device does not have it. */
export function deleteAltName(index: number, name: string): NetlinkRequest {
  return linkProperty('delete', RTM_DELLINKPROP, NLM_F_REQUEST, index, name);
}

/** Asks for one device; ENODEV when there is none. */
export function getLinkRequest(link: LinkReference): NetlinkRequest {
  return makeRequest(
    () => `get link ${describeReference(link)}`,
    (writer) => {
      writer.begin(RTM_GETLINK, NLM_F_REQUEST);
      writeReference(writer, link);
      writer.u32(attr.IFLA_EXT_MASK, attr.RTEXT_FILTER_SKIP_STATS);
      writer.end();
    },
  );
}

export interface LinkFilter {
  /** ifindex of the master */
  master?: number;
  kind?: string;
}

/** All devices, or those the filter lets through. */
export function dumpLinksRequest(filter: LinkFilter = {}): NetlinkRequest {
  return makeRequest(
    () => 'list links',
    (writer) => {
      writer.begin(RTM_GETLINK, DUMP);
      writeHead(writer, 0, undefined);
      writer.u32(attr.IFLA_EXT_MASK, attr.RTEXT_FILTER_SKIP_STATS);
      if (filter.master !== undefined) writer.u32(attr.IFLA_MASTER, filter.master);
      if (filter.kind !== undefined) {
        const info = writer.nest(attr.IFLA_LINKINFO);
        writer.string(attr.IFLA_INFO_KIND, filter.kind);
        writer.endNest(info);
      }
      writer.end();
    },
  );
}

/**
 * One device by ifindex, name or alternative name, undefined when there is none.
 * @throws NetlinkError for anything but ENODEV
 */
export function getLink(socket: NetlinkSocket, link: LinkReference): Link | undefined {
  try {
    return socket.get(getLinkRequest(link), decodeLink);
  } catch (error) {
    if (isNetlinkError(error, 'ENODEV')) return undefined;
    throw error;
  }
}
