/** Policy rules (net/core/fib_rules.c). */
import { familyOf } from './inet/address.js';
import {
  CREATE,
  DUMP,
  familyFromNumber,
  familyNumber,
  NLM_F_REQUEST,
  RTM_DELRULE,
  RTM_GETRULE,
  RTM_NEWRULE,
  RTPROT_UNSPEC,
} from './constants.js';
import type { AttributeReader, MessageView } from './reader.js';
import { makeRequest, type NetlinkRequest } from './request.js';
import type { AddressFamily, Rule, RuleAction, RuleSpec } from './types.js';
import type { MessageWriter } from './writer.js';

const FIB_RULE_HDR_BYTES = 12;
const FRA_DST = 1;
const FRA_SRC = 2;
const FRA_IIFNAME = 3;
const FRA_GOTO = 4;
const FRA_PRIORITY = 6;
const FRA_FWMARK = 10;
const FRA_TUN_ID = 12;
const FRA_SUPPRESS_IFGROUP = 13;
const FRA_SUPPRESS_PREFIXLEN = 14;
const FRA_TABLE = 15;
const FRA_FWMASK = 16;
const FRA_OIFNAME = 17;
const FRA_L3MDEV = 19;
const FRA_UID_RANGE = 20;
const FRA_PROTOCOL = 21;
const FRA_IP_PROTO = 22;
const FRA_SPORT_RANGE = 23;
const FRA_DPORT_RANGE = 24;

const FIB_RULE_INVERT = 0x2;

/** matches any when deleting */
const FR_ACT_UNSPEC = 0;
/** FR_ACT_* */
const ACTION_NUMBERS: Record<RuleAction, number> = {
  table: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
};
const ACTIONS = new Map(Object.entries(ACTION_NUMBERS).map(([name, number]) => [number, name as RuleAction]));

/** The attribute's absence in a dump. */
const NONE = 0xffffffff;

function writePrefixOf(writer: MessageWriter, type: number, family: AddressFamily, prefix: string): number {
  if (familyOf(prefix) !== family) throw new RangeError(`prefix ${prefix}: expected an IPv${family} prefix`);
  return writer.prefix(type, prefix);
}

function writeRange(writer: MessageWriter, type: number, range: { start: number; end: number }): void {
  const nest = writer.nest(type);
  writer.word(range.start | (range.end << 16));
  writer.endNest(nest);
}

function encodeRule(writer: MessageWriter, type: number, flags: number, rule: RuleSpec, action: number): void {
  const { family } = rule;
  // The kernel refuses a table beside l3mdev: the device names it.
  const table = rule.l3mdev ? 0 : (rule.table ?? 0);
  writer.begin(type, flags);
  const head = writer.length;
  writer.bytes4(familyNumber(family), 0, 0, rule.tos ?? 0);
  writer.bytes4(table < 256 ? table : 0, 0, 0, action);
  writer.word(rule.invert ? FIB_RULE_INVERT : 0);
  writer.u32(FRA_PRIORITY, rule.priority);
  if (rule.from !== undefined) writer.setByte(head + 2, writePrefixOf(writer, FRA_SRC, family, rule.from));
  if (rule.to !== undefined) writer.setByte(head + 1, writePrefixOf(writer, FRA_DST, family, rule.to));
  if (rule.iif !== undefined) writer.string(FRA_IIFNAME, rule.iif);
  if (rule.oif !== undefined) writer.string(FRA_OIFNAME, rule.oif);
  if (rule.l3mdev) writer.u8(FRA_L3MDEV, 1);
  if (rule.fwmark !== undefined) writer.u32(FRA_FWMARK, rule.fwmark);
  if (rule.fwmask !== undefined) writer.u32(FRA_FWMASK, rule.fwmask);
  if (rule.gotoTarget !== undefined) writer.u32(FRA_GOTO, rule.gotoTarget);
  if (rule.suppressPrefixLength !== undefined) writer.u32(FRA_SUPPRESS_PREFIXLEN, rule.suppressPrefixLength);
  if (rule.suppressIfgroup !== undefined) writer.u32(FRA_SUPPRESS_IFGROUP, rule.suppressIfgroup);
  if (rule.ipProtocol !== undefined) writer.u8(FRA_IP_PROTO, rule.ipProtocol);
  if (rule.sourcePorts !== undefined) writeRange(writer, FRA_SPORT_RANGE, rule.sourcePorts);
  if (rule.destinationPorts !== undefined) writeRange(writer, FRA_DPORT_RANGE, rule.destinationPorts);
  if (rule.tunnelId !== undefined) writer.u64be(FRA_TUN_ID, rule.tunnelId);
  if (rule.uidRange !== undefined) {
    const nest = writer.nest(FRA_UID_RANGE);
    writer.word(rule.uidRange.start);
    writer.word(rule.uidRange.end);
    writer.endNest(nest);
  }
  if (table >= 256) writer.u32(FRA_TABLE, table);
  if (rule.protocol !== undefined) writer.u8(FRA_PROTOCOL, rule.protocol);
  writer.end();
}

/** "-6 pref 990 from fd00::/128 to fd00:5e::/32 lookup 254". */
export function describeRule(rule: RuleSpec): string {
  const words = [`-${rule.family} pref ${rule.priority}`];
  if (rule.invert) words.push('not');
  if (rule.from !== undefined) words.push(`from ${rule.from}`);
  if (rule.to !== undefined) words.push(`to ${rule.to}`);
  if (rule.fwmark !== undefined) words.push(`fwmark ${rule.fwmark}`);
  if (rule.iif !== undefined) words.push(`iif ${rule.iif}`);
  if (rule.oif !== undefined) words.push(`oif ${rule.oif}`);
  const action = rule.action ?? 'table';
  if (rule.l3mdev) words.push('l3mdev');
  else if (action === 'table') words.push(`lookup ${rule.table ?? 0}`);
  else if (action === 'goto') words.push(`goto ${rule.gotoTarget ?? 0}`);
  else words.push(action);
  return words.join(' ');
}

/** Adds a rule; EEXIST when one just like it is there. The kernel has no replace for rules. */
export function createRule(rule: RuleSpec): NetlinkRequest {
  return makeRequest(
    () => `create rule ${describeRule(rule)}`,
    (writer) => {
      encodeRule(writer, RTM_NEWRULE, CREATE, rule, ACTION_NUMBERS[rule.action ?? 'table']);
    },
  );
}

/**
 * Deletes the first rule that agrees in every field given (an absent protocol or action matches any);
 * ENOENT when there is none.
 */
export function deleteRule(rule: RuleSpec): NetlinkRequest {
  return makeRequest(
    () => `delete rule ${describeRule(rule)}`,
    (writer) => {
      encodeRule(writer, RTM_DELRULE, NLM_F_REQUEST, rule, rule.action ? ACTION_NUMBERS[rule.action] : FR_ACT_UNSPEC);
    },
  );
}

/** All rules of a family, or of both (other families' rules come too; decodeRule leaves them out). */
export function dumpRulesRequest(family?: AddressFamily): NetlinkRequest {
  return makeRequest(
    () => `list rules${family === undefined ? '' : ` -${family}`}`,
    (writer) => {
      writer.begin(RTM_GETRULE, DUMP);
      writer.bytes4(familyNumber(family), 0, 0, 0);
      writer.word(0);
      writer.word(0);
      writer.end();
    },
  );
}

function range(reader: AttributeReader): { start: number; end: number } {
  return { start: reader.u16(0), end: reader.u16(2) };
}

function readAttribute(rule: Rule, reader: AttributeReader, fromLength: number, toLength: number): void {
  switch (reader.type) {
    case FRA_DST:
      rule.to = `${reader.address()}/${toLength}`;
      break;
    case FRA_SRC:
      rule.from = `${reader.address()}/${fromLength}`;
      break;
    case FRA_IIFNAME:
      rule.iif = reader.string();
      break;
    case FRA_OIFNAME:
      rule.oif = reader.string();
      break;
    case FRA_GOTO:
      rule.gotoTarget = reader.u32();
      break;
    case FRA_PRIORITY:
      rule.priority = reader.u32();
      break;
    case FRA_FWMARK:
      rule.fwmark = reader.u32();
      break;
    case FRA_FWMASK:
      rule.fwmask = reader.u32();
      break;
    case FRA_TABLE:
      rule.table = reader.u32();
      break;
    case FRA_L3MDEV:
      rule.l3mdev = reader.u8() !== 0;
      break;
    case FRA_PROTOCOL:
      rule.protocol = reader.u8();
      break;
    case FRA_SUPPRESS_PREFIXLEN:
      if (reader.u32() !== NONE) rule.suppressPrefixLength = reader.u32();
      break;
    case FRA_SUPPRESS_IFGROUP:
      if (reader.u32() !== NONE) rule.suppressIfgroup = reader.u32();
      break;
    case FRA_IP_PROTO:
      rule.ipProtocol = reader.u8();
      break;
    case FRA_SPORT_RANGE:
      rule.sourcePorts = range(reader);
      break;
    case FRA_DPORT_RANGE:
      rule.destinationPorts = range(reader);
      break;
    case FRA_UID_RANGE:
      rule.uidRange = { start: reader.u32(0), end: reader.u32(4) };
      break;
    case FRA_TUN_ID:
      rule.tunnelId = reader.u64be();
      break;
  }
}

/**
 * Decodes RTM_NEWRULE and RTM_DELRULE.
 * @returns undefined for any other message, for other families (multicast routing) and for actions without a name here
 */
export function decodeRule(message: MessageView): Rule | undefined {
  if (message.type !== RTM_NEWRULE && message.type !== RTM_DELRULE) return undefined;
  const family = familyFromNumber(message.u8(0));
  const action = ACTIONS.get(message.u8(7));
  if (family === undefined || action === undefined) return undefined;
  const flags = message.u32(8);
  const rule: Rule = {
    family,
    // The kernel leaves the attribute out for 0.
    priority: 0,
    table: message.u8(4),
    action,
    protocol: RTPROT_UNSPEC,
    l3mdev: false,
    flags,
  };
  const tos = message.u8(3);
  if (tos !== 0) rule.tos = tos;
  if ((flags & FIB_RULE_INVERT) !== 0) rule.invert = true;
  const reader = message.attributes(FIB_RULE_HDR_BYTES);
  while (reader.next()) readAttribute(rule, reader, message.u8(2), message.u8(1));
  if (rule.fwmark === undefined) delete rule.fwmask;
  return rule;
}
