/**
 * Lightweight tunnels: seg6 (net/ipv6/seg6_iptunnel.c) and seg6local (net/ipv6/seg6_local.c), as they stand in routes
 * and next-hop objects.
 */
import { NLA_F_NESTED } from './constants.js';
import type { AttributeReader } from './reader.js';
import type { Encap, Seg6Encap, Seg6LocalAction, Seg6LocalEncap, Seg6Mode } from './types.js';
import type { MessageWriter } from './writer.js';

const LWTUNNEL_ENCAP_SEG6 = 5;
const LWTUNNEL_ENCAP_SEG6_LOCAL = 7;

const SEG6_IPTUNNEL_SRH = 1;
/** SEG6_IPTUN_MODE_*, in order */
const MODES: readonly Seg6Mode[] = ['inline', 'encap', 'l2encap', 'encap.red', 'l2encap.red'];

const SEG6_LOCAL_ACTION = 1;
const SEG6_LOCAL_SRH = 2;
const SEG6_LOCAL_TABLE = 3;
const SEG6_LOCAL_NH4 = 4;
const SEG6_LOCAL_NH6 = 5;
const SEG6_LOCAL_IIF = 6;
const SEG6_LOCAL_OIF = 7;
const SEG6_LOCAL_BPF = 8;
const SEG6_LOCAL_VRFTABLE = 9;
const SEG6_LOCAL_COUNTERS = 10;
const SEG6_LOCAL_FLAVORS = 11;

const SEG6_LOCAL_BPF_PROG = 1;
const SEG6_LOCAL_BPF_PROG_NAME = 2;

const SEG6_LOCAL_CNT_PACKETS = 2;
const SEG6_LOCAL_CNT_BYTES = 3;
const SEG6_LOCAL_CNT_ERRORS = 4;

const SEG6_LOCAL_FLV_OPERATION = 1;
const SEG6_LOCAL_FLV_LCBLOCK_BITS = 2;
const SEG6_LOCAL_FLV_LCNODE_FN_BITS = 3;

/** SEG6_LOCAL_ACTION_*, in order; 0 is unspecified */
const ACTIONS: readonly (Seg6LocalAction | undefined)[] = [
  undefined,
  'End',
  'End.X',
  'End.T',
  'End.DX2',
  'End.DX6',
  'End.DX4',
  'End.DT6',
  'End.DT4',
  'End.B6',
  'End.B6.Encaps',
  'End.BM',
  'End.S',
  'End.AS',
  'End.AM',
  'End.BPF',
  'End.DT46',
];

const ROUTING_TYPE_SRH = 4;
/** hdrlen counts 8 bytes in 8 bits, a segment takes two */
const MAX_SEGMENTS = 127;

/**
 * SRH (RFC 8754 section 2): next header is the kernel's to fill in, segments are reversed. With `spare`, segment 0 is
 * left zero: where a packet keeps its own header (inline, End.B6), its destination goes there.
 */
function writeSrh(writer: MessageWriter, segments: readonly string[], spare: boolean): void {
  const count = segments.length + (spare ? 1 : 0);
  if (segments.length < 1 || count > MAX_SEGMENTS) {
    throw new RangeError(`${segments.length} segments: expected 1 to ${MAX_SEGMENTS - (spare ? 1 : 0)}`);
  }
  writer.bytes4(0, count * 2, ROUTING_TYPE_SRH, count - 1);
  writer.bytes4(count - 1, 0, 0, 0);
  if (spare) for (let i = 0; i < 4; i++) writer.word(0);
  for (let i = segments.length - 1; i >= 0; i--) writer.rawAddress(segments[i] ?? '', 6);
}

function readSrh(srh: AttributeReader, offset: number, spare: boolean): string[] {
  const segments: string[] = [];
  for (let i = srh.u8(offset + 4); i >= (spare ? 1 : 0); i--) segments.push(srh.address(offset + 8 + i * 16, 16));
  return segments;
}

function writeSeg6(writer: MessageWriter, encap: Seg6Encap): void {
  const srh = writer.nest(SEG6_IPTUNNEL_SRH);
  writer.word(MODES.indexOf(encap.mode));
  writeSrh(writer, encap.segments, encap.mode === 'inline');
  writer.endNest(srh);
}

function writeSeg6Local(writer: MessageWriter, encap: Seg6LocalEncap): void {
  const action = ACTIONS.indexOf(encap.action);
  if (action < 1)
    throw new RangeError(`seg6local action ${encap.action}: expected one of ${ACTIONS.slice(1).join(' ')}`);
  writer.u32(SEG6_LOCAL_ACTION, action);
  if (encap.table !== undefined) writer.u32(SEG6_LOCAL_TABLE, encap.table);
  if (encap.vrfTable !== undefined) writer.u32(SEG6_LOCAL_VRFTABLE, encap.vrfTable);
  if (encap.nh4 !== undefined) writer.addressOf(SEG6_LOCAL_NH4, 4, encap.nh4);
  if (encap.nh6 !== undefined) writer.addressOf(SEG6_LOCAL_NH6, 6, encap.nh6);
  if (encap.iif !== undefined) writer.u32(SEG6_LOCAL_IIF, encap.iif);
  if (encap.oif !== undefined) writer.u32(SEG6_LOCAL_OIF, encap.oif);
  if (encap.count) {
    // The kernel wants the three counters there and takes no values from them.
    const counters = writer.nest(SEG6_LOCAL_COUNTERS | NLA_F_NESTED);
    writer.u64(SEG6_LOCAL_CNT_PACKETS, 0n);
    writer.u64(SEG6_LOCAL_CNT_BYTES, 0n);
    writer.u64(SEG6_LOCAL_CNT_ERRORS, 0n);
    writer.endNest(counters);
  }
  if (encap.flavors !== undefined) {
    const flavors = writer.nest(SEG6_LOCAL_FLAVORS | NLA_F_NESTED);
    writer.u32(SEG6_LOCAL_FLV_OPERATION, encap.flavors);
    if (encap.locatorBlockBits !== undefined) writer.u8(SEG6_LOCAL_FLV_LCBLOCK_BITS, encap.locatorBlockBits);
    if (encap.nodeFunctionBits !== undefined) writer.u8(SEG6_LOCAL_FLV_LCNODE_FN_BITS, encap.nodeFunctionBits);
    writer.endNest(flavors);
  }
  if (encap.segments !== undefined) {
    const srh = writer.nest(SEG6_LOCAL_SRH);
    writeSrh(writer, encap.segments, encap.action === 'End.B6');
    writer.endNest(srh);
  }
}

/**
 * Writes the two attributes of a tunnel (RTA_ENCAP and RTA_ENCAP_TYPE, or NHA_ENCAP and NHA_ENCAP_TYPE).
 * @throws RangeError, AddressError
 */
export function writeEncap(writer: MessageWriter, encap: Encap, encapAttribute: number, typeAttribute: number): void {
  const nest = writer.nest(encapAttribute | NLA_F_NESTED);
  let number: number;
  switch (encap.type) {
    case 'seg6':
      number = LWTUNNEL_ENCAP_SEG6;
      writeSeg6(writer, encap);
      break;
    case 'seg6local':
      number = LWTUNNEL_ENCAP_SEG6_LOCAL;
      writeSeg6Local(writer, encap);
      break;
    case 'other':
      throw new RangeError(`encapsulation type ${encap.encapType}: expected seg6 or seg6local`);
  }
  writer.endNest(nest);
  writer.u16(typeAttribute, number);
}

function readSeg6(encap: AttributeReader): Seg6Encap {
  const value: Seg6Encap = { type: 'seg6', mode: 'encap', segments: [] };
  while (encap.next()) {
    if (encap.type !== SEG6_IPTUNNEL_SRH) continue;
    value.mode = MODES[encap.u32()] ?? 'encap';
    value.segments = readSrh(encap, 4, value.mode === 'inline');
  }
  return value;
}

function readCounters(counters: AttributeReader): { packets: bigint; bytes: bigint; errors: bigint } {
  const value = { packets: 0n, bytes: 0n, errors: 0n };
  while (counters.next()) {
    if (counters.type === SEG6_LOCAL_CNT_PACKETS) value.packets = counters.u64();
    else if (counters.type === SEG6_LOCAL_CNT_BYTES) value.bytes = counters.u64();
    else if (counters.type === SEG6_LOCAL_CNT_ERRORS) value.errors = counters.u64();
  }
  return value;
}

function readFlavors(flavors: AttributeReader, value: Seg6LocalEncap): void {
  while (flavors.next()) {
    if (flavors.type === SEG6_LOCAL_FLV_OPERATION) value.flavors = flavors.u32();
    else if (flavors.type === SEG6_LOCAL_FLV_LCBLOCK_BITS) value.locatorBlockBits = flavors.u8();
    else if (flavors.type === SEG6_LOCAL_FLV_LCNODE_FN_BITS) value.nodeFunctionBits = flavors.u8();
  }
}

function readBpf(bpf: AttributeReader): { id?: number; name?: string } {
  const program: { id?: number; name?: string } = {};
  while (bpf.next()) {
    if (bpf.type === SEG6_LOCAL_BPF_PROG) program.id = bpf.u32();
    else if (bpf.type === SEG6_LOCAL_BPF_PROG_NAME) program.name = bpf.string();
  }
  return program;
}

function readSeg6Local(encap: AttributeReader): Encap {
  const value: Seg6LocalEncap = { type: 'seg6local', action: 'End' };
  while (encap.next()) {
    switch (encap.type) {
      case SEG6_LOCAL_ACTION: {
        const action = ACTIONS[encap.u32()];
        if (action === undefined) return { type: 'other', encapType: LWTUNNEL_ENCAP_SEG6_LOCAL };
        value.action = action;
        break;
      }
      case SEG6_LOCAL_SRH:
        value.segments = readSrh(encap, 0, value.action === 'End.B6');
        break;
      case SEG6_LOCAL_TABLE:
        value.table = encap.u32();
        break;
      case SEG6_LOCAL_VRFTABLE:
        value.vrfTable = encap.u32();
        break;
      case SEG6_LOCAL_NH4:
        value.nh4 = encap.address();
        break;
      case SEG6_LOCAL_NH6:
        value.nh6 = encap.address();
        break;
      case SEG6_LOCAL_IIF:
        value.iif = encap.u32();
        break;
      case SEG6_LOCAL_OIF:
        value.oif = encap.u32();
        break;
      case SEG6_LOCAL_BPF:
        value.bpfProgram = readBpf(encap.nested());
        break;
      case SEG6_LOCAL_COUNTERS:
        value.count = true;
        value.counters = readCounters(encap.nested());
        break;
      case SEG6_LOCAL_FLAVORS:
        readFlavors(encap.nested(), value);
        break;
    }
  }
  return value;
}

/** Decodes RTA_ENCAP or NHA_ENCAP, given the number in its companion …_ENCAP_TYPE. */
export function readEncap(encap: AttributeReader, encapType: number): Encap {
  if (encapType === LWTUNNEL_ENCAP_SEG6) return readSeg6(encap);
  if (encapType === LWTUNNEL_ENCAP_SEG6_LOCAL) return readSeg6Local(encap);
  return { type: 'other', encapType };
}

/** The tunnel as `ip` writes it: "encap seg6 mode encap.red segs fd00::1,fd00::2". */
export function describeEncap(encap: Encap): string {
  if (encap.type === 'seg6') return `encap seg6 mode ${encap.mode} segs ${encap.segments.join(',')}`;
  if (encap.type === 'other') return `encap type ${encap.encapType}`;
  const words = [`encap seg6local action ${encap.action}`];
  if (encap.table !== undefined) words.push(`table ${encap.table}`);
  if (encap.vrfTable !== undefined) words.push(`vrftable ${encap.vrfTable}`);
  if (encap.nh4 !== undefined) words.push(`nh4 ${encap.nh4}`);
  if (encap.nh6 !== undefined) words.push(`nh6 ${encap.nh6}`);
  if (encap.count) words.push('count');
  return words.join(' ');
}
