/** Next-hop objects (net/ipv4/nexthop.c). */
import { familyOf } from './inet/address.js';
import {
  CREATE,
  DUMP,
  familyFromNumber,
  familyNumber,
  NLM_F_REQUEST,
  REPLACE,
  RTM_DELNEXTHOP,
  RTM_GETNEXTHOP,
  RTM_NEWNEXTHOP,
  RTNH_F_ONLINK,
  RTPROT_UNSPEC,
} from './constants.js';
import { describeEncap, readEncap, writeEncap } from './encap.js';
import type { AttributeReader, MessageView } from './reader.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import type { Nexthop, NexthopGroupMember, NexthopSpec } from './types.js';
import type { MessageWriter } from './writer.js';

const NHMSG_BYTES = 8;
const NHA_ID = 1;
const NHA_GROUP = 2;
const NHA_GROUP_TYPE = 3;
const NHA_BLACKHOLE = 4;
const NHA_OIF = 5;
const NHA_GATEWAY = 6;
const NHA_ENCAP_TYPE = 7;
const NHA_ENCAP = 8;
const NHA_GROUPS = 9;
const NHA_MASTER = 10;
const NHA_FDB = 11;

const GROUP_ENTRY_BYTES = 8;

/** struct nexthop_grp: id, weight − 1 (its high byte since 6.12). */
function writeGroup(writer: MessageWriter, members: readonly NexthopGroupMember[]): void {
  const group = writer.nest(NHA_GROUP);
  for (const { id, weight } of members) {
    if (weight < 1 || weight > 65536) throw new RangeError(`next hop ${id}: weight ${weight}: expected 1 to 65536`);
    writer.word(id);
    writer.bytes4((weight - 1) & 0xff, (weight - 1) >> 8, 0, 0);
  }
  writer.endNest(group);
}

function readGroup(reader: AttributeReader): NexthopGroupMember[] {
  const members: NexthopGroupMember[] = [];
  for (let at = 0; at + GROUP_ENTRY_BYTES <= reader.length; at += GROUP_ENTRY_BYTES) {
    members.push({ id: reader.u32(at), weight: (reader.u8(at + 4) | (reader.u8(at + 5) << 8)) + 1 });
  }
  return members;
}

function familyOfSpec(nexthop: NexthopSpec): number {
  if (nexthop.group !== undefined) return 0;
  // A device with no gateway has no family of its own; ip takes IPv4 then.
  return familyNumber(nexthop.family ?? (nexthop.gateway === undefined ? 4 : familyOf(nexthop.gateway)));
}

function encodeNew(writer: MessageWriter, flags: number, nexthop: NexthopSpec): void {
  writer.begin(RTM_NEWNEXTHOP, flags);
  writer.bytes4(familyOfSpec(nexthop), 0, nexthop.protocol ?? RTPROT_UNSPEC, 0);
  // The kernel reports dead and linkdown in the same word, and refuses them here.
  writer.word((nexthop.flags ?? 0) & RTNH_F_ONLINK);
  writer.u32(NHA_ID, nexthop.id);
  if (nexthop.group !== undefined) {
    writeGroup(writer, nexthop.group);
    if (nexthop.groupType !== undefined) writer.u16(NHA_GROUP_TYPE, nexthop.groupType);
  } else if (nexthop.blackhole) {
    writer.flag(NHA_BLACKHOLE);
  } else {
    if (nexthop.gateway !== undefined) writer.address(NHA_GATEWAY, nexthop.gateway);
    if (nexthop.oif !== undefined) writer.u32(NHA_OIF, nexthop.oif);
    if (nexthop.encap !== undefined) writeEncap(writer, nexthop.encap, NHA_ENCAP, NHA_ENCAP_TYPE);
  }
  if (nexthop.fdb) writer.flag(NHA_FDB);
  writer.end();
}

/** "id 7 encap seg6 mode encap.red segs fd00::1 ifindex 5". */
export function describeNexthop(nexthop: NexthopSpec): string {
  const words = [`id ${nexthop.id}`];
  if (nexthop.group) words.push(`group ${nexthop.group.map(({ id, weight }) => `${id},${weight}`).join('/')}`);
  if (nexthop.blackhole) words.push('blackhole');
  if (nexthop.encap) words.push(describeEncap(nexthop.encap));
  if (nexthop.gateway !== undefined) words.push(`via ${nexthop.gateway}`);
  if (nexthop.oif !== undefined) words.push(`ifindex ${nexthop.oif}`);
  return words.join(' ');
}

class NewNexthopRequest implements NetlinkRequest {
  readonly #verb: string;
  readonly #flags: number;
  readonly #nexthop: NexthopSpec;

  constructor(verb: string, flags: number, nexthop: NexthopSpec) {
    this.#verb = verb;
    this.#flags = flags;
    this.#nexthop = nexthop;
  }

  encode(writer: MessageWriter): void {
    encodeNew(writer, this.#flags, this.#nexthop);
  }

  describe(): string {
    return `${this.#verb} nexthop ${describeNexthop(this.#nexthop)}`;
  }
}

/** Adds a next-hop object; EEXIST when the id is taken. */
export function createNexthop(nexthop: NexthopSpec): NetlinkRequest {
  return new NewNexthopRequest('create', CREATE, nexthop);
}

/** Adds a next-hop object or changes it in place: routes that name it follow at once. */
export function replaceNexthop(nexthop: NexthopSpec): NetlinkRequest {
  return new NewNexthopRequest('replace', REPLACE, nexthop);
}

function byId(verb: string, type: number, id: number): NetlinkRequest {
  return makeRequest(
    () => `${verb} nexthop id ${id}`,
    (writer) => {
      writer.begin(type, NLM_F_REQUEST);
      writer.word(0);
      writer.word(0);
      writer.u32(NHA_ID, id);
      writer.end();
    },
  );
}

/** Deletes a next-hop object and every route that names it; ENOENT when there is none. */
export function deleteNexthop(id: number): NetlinkRequest {
  return byId('delete', RTM_DELNEXTHOP, id);
}

/** Asks for one next-hop object; ENOENT when there is none. */
export function getNexthopRequest(id: number): NetlinkRequest {
  return byId('get', RTM_GETNEXTHOP, id);
}

export interface NexthopFilter {
  family?: 4 | 6;
  /** ifindex of the device */
  oif?: number;
  /** ifindex of the device's master, a VRF */
  master?: number;
  groupsOnly?: boolean;
}

/** All next-hop objects, or those the filter lets through; ENODEV-like EINVAL when oif or master does not exist. */
export function dumpNexthopsRequest(filter: NexthopFilter): NetlinkRequest {
  return makeRequest(
    () => 'list nexthops',
    (writer) => {
      writer.begin(RTM_GETNEXTHOP, DUMP);
      writer.bytes4(familyNumber(filter.family), 0, 0, 0);
      writer.word(0);
      if (filter.oif !== undefined) writer.u32(NHA_OIF, filter.oif);
      if (filter.master !== undefined) writer.u32(NHA_MASTER, filter.master);
      if (filter.groupsOnly) writer.flag(NHA_GROUPS);
      writer.end();
    },
  );
}

/** Decodes RTM_NEWNEXTHOP and RTM_DELNEXTHOP; undefined for any other message. */
export function decodeNexthop(message: MessageView): Nexthop | undefined {
  if (message.type !== RTM_NEWNEXTHOP && message.type !== RTM_DELNEXTHOP) return undefined;
  const nexthop: Nexthop = { id: 0, protocol: message.u8(2), flags: message.u32(4) };
  const family = familyFromNumber(message.u8(0));
  if (family !== undefined) nexthop.family = family;
  const scope = message.u8(1);
  if (scope !== 0) nexthop.scope = scope;
  let encap: AttributeReader | undefined;
  let encapType = 0;
  const reader = message.attributes(NHMSG_BYTES);
  while (reader.next()) {
    switch (reader.type) {
      case NHA_ID:
        nexthop.id = reader.u32();
        break;
      case NHA_GROUP:
        nexthop.group = readGroup(reader);
        break;
      case NHA_GROUP_TYPE:
        nexthop.groupType = reader.u16();
        break;
      case NHA_BLACKHOLE:
        nexthop.blackhole = true;
        break;
      case NHA_OIF:
        nexthop.oif = reader.u32();
        break;
      case NHA_GATEWAY:
        nexthop.gateway = reader.address();
        break;
      case NHA_ENCAP_TYPE:
        encapType = reader.u16();
        break;
      case NHA_ENCAP:
        encap = reader.nested();
        break;
      case NHA_FDB:
        nexthop.fdb = true;
        break;
    }
  }
  if (encap) nexthop.encap = readEncap(encap, encapType);
  return nexthop;
}
