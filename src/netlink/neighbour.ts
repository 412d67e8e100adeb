/** Neighbour entries and proxy entries (net/core/neighbour.c). */
import { familyOf } from './inet/address.js';
import {
  CREATE,
  DUMP,
  familyFromNumber,
  familyNumber,
  NLM_F_REQUEST,
  REPLACE,
  RTM_DELNEIGH,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from './constants.js';
import type { MessageView } from './reader.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import { type AddressFamily, type Neighbour, type NeighbourSpec, NeighbourState } from './types.js';
import type { MessageWriter } from './writer.js';

const NDMSG_BYTES = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_CACHEINFO = 3;
const NDA_IFINDEX = 8;
const NDA_MASTER = 9;
const NDA_PROTOCOL = 12;
const NDA_FLAGS_EXT = 15;

const NTF_PROXY = 0x08;
/** USER_HZ, the unit of struct nda_cacheinfo */
const TICKS_PER_SECOND = 100;

/** The key of a neighbour or proxy entry. */
export type NeighbourKey = Pick<NeighbourSpec, 'ifindex' | 'address' | 'proxy'>;

function writeHead(writer: MessageWriter, key: NeighbourKey, state: number, flags: number): void {
  writer.bytes4(familyNumber(familyOf(key.address)), 0, 0, 0);
  writer.word(key.ifindex);
  // ndm_state (16 bits), ndm_flags, ndm_type
  writer.word(state | (((flags & 0xff) | (key.proxy ? NTF_PROXY : 0)) << 16));
  writer.address(NDA_DST, key.address);
}

function describeNeighbour(neighbour: NeighbourKey & { mac?: string }): string {
  const words = [neighbour.proxy ? 'proxy' : '', neighbour.address, neighbour.mac ? `lladdr ${neighbour.mac}` : ''];
  return [...words, `ifindex ${neighbour.ifindex}`].filter((word) => word !== '').join(' ');
}

function newNeighbour(verb: string, messageFlags: number, neighbour: NeighbourSpec): NetlinkRequest {
  return makeRequest(
    () => `${verb} neighbour ${describeNeighbour(neighbour)}`,
    (writer) => {
      const flags = neighbour.flags ?? 0;
      writer.begin(RTM_NEWNEIGH, messageFlags);
      writeHead(writer, neighbour, neighbour.state ?? NeighbourState.permanent, flags);
      if (neighbour.mac !== undefined) writer.mac(NDA_LLADDR, neighbour.mac);
      if (neighbour.protocol !== undefined) writer.u8(NDA_PROTOCOL, neighbour.protocol);
      if (flags > 0xff) writer.u32(NDA_FLAGS_EXT, flags >>> 8);
      writer.end();
    },
  );
}

/** Adds an entry; EEXIST when there is one (the kernel does not say so for proxy entries). */
export function createNeighbour(neighbour: NeighbourSpec): NetlinkRequest {
  return newNeighbour('create', CREATE, neighbour);
}

/** Adds an entry or replaces the one of the same device and address. */
export function replaceNeighbour(neighbour: NeighbourSpec): NetlinkRequest {
  return newNeighbour('replace', REPLACE, neighbour);
}

/** Deletes an entry; ENOENT when there is none. */
export function deleteNeighbour(key: NeighbourKey): NetlinkRequest {
  return makeRequest(
    () => `delete neighbour ${describeNeighbour(key)}`,
    (writer) => {
      writer.begin(RTM_DELNEIGH, NLM_F_REQUEST);
      writeHead(writer, key, NeighbourState.permanent, 0);
      writer.end();
    },
  );
}

/** Asks for one entry; ENOENT when there is none. */
export function getNeighbourRequest(key: NeighbourKey): NetlinkRequest {
  return makeRequest(
    () => `get neighbour ${describeNeighbour(key)}`,
    (writer) => {
      writer.begin(RTM_GETNEIGH, NLM_F_REQUEST);
      writeHead(writer, key, 0, 0);
      writer.end();
    },
  );
}

export interface NeighbourFilter {
  family?: AddressFamily;
  /** true: proxy entries; else: neighbours. One dump cannot have both. */
  proxy?: boolean;
  ifindex?: number;
  /** ifindex of the device's master */
  master?: number;
}

/** Neighbours or proxy entries. */
export function dumpNeighboursRequest(filter: NeighbourFilter): NetlinkRequest {
  return makeRequest(
    () => `list ${filter.proxy ? 'proxy entries' : 'neighbours'}`,
    (writer) => {
      writer.begin(RTM_GETNEIGH, DUMP);
      writer.bytes4(familyNumber(filter.family), 0, 0, 0);
      writer.word(0);
      writer.word((filter.proxy ? NTF_PROXY : 0) << 16);
      if (filter.ifindex !== undefined) writer.u32(NDA_IFINDEX, filter.ifindex);
      if (filter.master !== undefined) writer.u32(NDA_MASTER, filter.master);
      writer.end();
    },
  );
}

/**
 * Decodes RTM_NEWNEIGH and RTM_DELNEIGH.
 * @returns undefined for any other message and for families other than IPv4 and IPv6 (bridge forwarding entries)
 */
export function decodeNeighbour(message: MessageView): Neighbour | undefined {
  if (message.type !== RTM_NEWNEIGH && message.type !== RTM_DELNEIGH) return undefined;
  const family = familyFromNumber(message.u8(0));
  if (family === undefined) return undefined;
  const flags = message.u8(10);
  const neighbour: Neighbour = {
    ifindex: message.i32(4),
    family,
    address: '',
    state: message.u16(8),
    proxy: (flags & NTF_PROXY) !== 0,
    flags,
  };
  const reader = message.attributes(NDMSG_BYTES);
  while (reader.next()) {
    switch (reader.type) {
      case NDA_DST:
        neighbour.address = reader.address();
        break;
      case NDA_LLADDR:
        // 0 bytes on devices without link-layer addresses
        if (reader.length > 0) neighbour.mac = reader.mac();
        break;
      case NDA_PROTOCOL:
        neighbour.protocol = reader.u8();
        break;
      case NDA_FLAGS_EXT:
        neighbour.flags |= reader.u32() << 8;
        break;
      case NDA_CACHEINFO:
        neighbour.ages = {
          confirmed: reader.u32(0) / TICKS_PER_SECOND,
          used: reader.u32(4) / TICKS_PER_SECOND,
          updated: reader.u32(8) / TICKS_PER_SECOND,
        };
        break;
    }
  }
  return neighbour;
}
