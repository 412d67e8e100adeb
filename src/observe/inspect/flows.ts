/**
 * Connections that a network node remembers, and the network nodes that a hypervisor's flows have: read a batch at a time, for there may
 * be a million.
 */
import { getAddress } from '../../ebpf/bytes.js';
import { Family, Limits } from '../../ebpf/generated/layouts.js';
import * as steering from '../../ebpf/generated/steering.js';
import { lastSeenAt, tableEntries } from '../../gateway/connection-table.js';
import { monotonic } from '../../ebpf/trace-session.js';
import { addressLength, type Prefix, prefixContains } from 'netlink-ts/inet';
import { protocolWord } from './format.js';
import { NO_SLOT } from '../../gateway/steering-maps.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { ZoneNames } from './zones.js';

const { Connection, CtFlags, CtTimeout, CtState, FlowKey, FlowType, GwFlowAffinity, GwFlowKey, GwFlowTimeout } =
  steering;

/** Ticks are nanoseconds >> TICK_SHIFT. */
const TICK_SHIFT = BigInt(Limits.TICK_SHIFT);
const TICK_SECONDS = 2 ** Limits.TICK_SHIFT / 1e9;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

/** Which flows are asked for; what is absent is any. */
export interface FlowFilter {
  /** Zone that opened it, or that it goes to. */
  zone?: number;
  /** Of either end. */
  prefix?: Prefix;
  /** Of either end, of tcp and udp. */
  port?: number;
  /** IP protocol numbers. */
  protocols?: readonly number[];
  /** Those whose time is over, too, and what is remembered of fragments. */
  all?: boolean;
}

/** How many there were, and how many of them were handed over. */
export interface FlowCount {
  matched: number;
  shown: number;
}

/** A flow as its first packet was. */
export interface FlowEnds {
  /** `tcp`, `udp`, `icmp`, `icmpv6`, or a number. */
  protocol: string;
  source: string;
  destination: string;
  /** Of tcp and udp, else null. */
  sourcePort: number | null;
  destinationPort: number | null;
  /** Identifier of ICMP queries; of fragments that of the datagram. */
  id: number | null;
}

/**
 * As conntrack has them: SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, TIME_WAIT, CLOSE of tcp, else UNREPLIED and SEEN_REPLY; FRAGMENTS is no
 * connection, but what later fragments of a datagram follow, RELAYED the same where they go to another network node.
 */
export type FlowState =
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'UNREPLIED'
  | 'SEEN_REPLY'
  | 'FRAGMENTS'
  | 'RELAYED';

/** A connection of a network node. */
export interface ConnectionRecord extends FlowEnds {
  /** Zone that opened it. */
  from: string;
  to: string;
  state: FlowState;
  /** Since it was opened. */
  ageSeconds: number;
  /** Since its last packet. */
  idleSeconds: number;
  /** Until it is none any more without a packet; below zero: it is none. */
  timeoutSeconds: number;
  /** That let it in; null: it is known no more. */
  policy: string | null;
}

/** A flow of a hypervisor's VM that leaves its tenant's subnets. */
export interface FlowNodeRecord extends FlowEnds {
  tenant: string;
  /** Network node that it goes to. */
  node: string;
  idleSeconds: number;
  /** Until another may be picked; null: none while this one is up (tcp). */
  timeoutSeconds: number | null;
}

/** Time of programs. */
function ticksNow(): number {
  return Number((monotonic() >> TICK_SHIFT) & 0xffffffffn);
}

function seconds(ticks: number): number {
  return Math.round(Math.max(0, ticks | 0) * TICK_SECONDS);
}

/** Since a time that a program wrote down. */
export function idleSeconds(seen: number): number {
  return seconds(ticksNow() - seen);
}

/** Seconds without a packet after which a connection is none (bpf/state/conntrack.h). */
export function timeoutOf(kind: number, protocol: number, state: number): number {
  if (kind === FlowType.FLOW_FRAGMENTS) return CtTimeout.FRAGMENTS_SECONDS;
  if (protocol === TCP) {
    if (state === CtState.CT_ESTABLISHED) return CtTimeout.TCP_ESTABLISHED_SECONDS;
    return state >= CtState.CT_CLOSING ? CtTimeout.TCP_CLOSING_SECONDS : CtTimeout.TCP_HANDSHAKE_SECONDS;
  }
  if (protocol === UDP) return CtTimeout.UDP_SECONDS;
  if (protocol === ICMP || protocol === ICMPV6) return CtTimeout.ICMP_SECONDS;
  return CtTimeout.OTHER_SECONDS;
}

/** What conntrack would call it. */
export function stateOf(kind: number, protocol: number, state: number, flags: number): FlowState {
  if (state === CtState.CT_RELAYED) return 'RELAYED';
  if (kind === FlowType.FLOW_FRAGMENTS) return 'FRAGMENTS';
  if (protocol !== TCP) return state === CtState.CT_SYN_SENT ? 'UNREPLIED' : 'SEEN_REPLY';
  switch (state) {
    case CtState.CT_SYN_SENT:
      return 'SYN_SENT';
    case CtState.CT_SYN_RECV:
      return 'SYN_RECV';
    case CtState.CT_ESTABLISHED:
      return 'ESTABLISHED';
    case CtState.CT_CLOSING:
      return 'FIN_WAIT';
    default:
      // Both sides' FIN, or a RST.
      return flags === (CtFlags.CT_FIN_ORIGINAL | CtFlags.CT_FIN_REPLY) ? 'TIME_WAIT' : 'CLOSE';
  }
}

/** Does a key in a buffer pass, as far as it alone tells? Nothing is decoded: most may not be wanted. */
function keyPasses(keys: Buffer, at: number, { prefix, port, protocols }: FlowFilter): boolean {
  const protocol = keys.readUInt8(at + FlowKey.OFFSETS.protocol);
  if (protocols !== undefined && !protocols.includes(protocol)) return false;
  if (port !== undefined) {
    if (protocol !== TCP && protocol !== UDP) return false;
    const { sourcePort, destPort } = FlowKey.OFFSETS;
    if (keys.readUInt16BE(at + sourcePort) !== port && keys.readUInt16BE(at + destPort) !== port) return false;
  }
  if (prefix === undefined) return true;
  const family = prefix.family === 4 ? Family.FAMILY_INET : Family.FAMILY_INET6;
  if (keys.readUInt8(at + FlowKey.OFFSETS.family) !== family) return false;
  const has = (offset: number): boolean =>
    prefixContains(prefix, keys.subarray(at + offset, at + offset + addressLength(prefix.family)));
  return has(FlowKey.OFFSETS.source) || has(FlowKey.OFFSETS.dest);
}

function endsOf(keys: Buffer, at: number): FlowEnds {
  const family = keys.readUInt8(at + FlowKey.OFFSETS.family);
  const protocol = keys.readUInt8(at + FlowKey.OFFSETS.protocol);
  const isFragments = keys.readUInt8(at + FlowKey.OFFSETS.type) === FlowType.FLOW_FRAGMENTS;
  const sourcePort = keys.readUInt16BE(at + FlowKey.OFFSETS.sourcePort);
  const destinationPort = keys.readUInt16BE(at + FlowKey.OFFSETS.destPort);
  const hasPorts = !isFragments && (protocol === TCP || protocol === UDP);
  const identification =
    family === Family.FAMILY_INET ? sourcePort : keys.readUInt32BE(at + FlowKey.OFFSETS.sourcePort);
  const icmpId = protocol === ICMP || protocol === ICMPV6 ? sourcePort : null;
  return {
    protocol: isFragments && protocol === 0 ? 'any' : protocolWord(protocol),
    source: getAddress(keys, at + FlowKey.OFFSETS.source, family),
    destination: getAddress(keys, at + FlowKey.OFFSETS.dest, family),
    sourcePort: hasPorts ? sourcePort : null,
    destinationPort: hasPorts ? destinationPort : null,
    id: isFragments ? identification : icmpId,
  };
}

/**
 * The connections of a network node, in no order.
 *
 * @param limit how many are handed over; all are counted
 * @param count what was counted, by and by
 */
export function* readConnections(
  { fastpath }: Kernel,
  zones: ZoneNames,
  filter: FlowFilter,
  limit: number,
  count: FlowCount,
): Generator<ConnectionRecord, void, undefined> {
  const { maps, policySlots } = fastpath.steering;
  if (maps === undefined) return;
  fastpath.steering.ensureKnown();
  const now = ticksNow();
  const { OFFSETS } = Connection;
  for (const { buffer, at } of tableEntries(maps.sg_ct)) {
    const zone = buffer.readUInt32LE(at + OFFSETS.zone);
    const peer = buffer.readUInt32LE(at + OFFSETS.peer);
    if (filter.zone !== undefined && filter.zone !== zone && filter.zone !== peer) continue;
    if (!keyPasses(buffer, at, filter)) continue;
    const kind = buffer.readUInt8(at + FlowKey.OFFSETS.type);
    const protocol = buffer.readUInt8(at + FlowKey.OFFSETS.protocol);
    const state = buffer.readUInt8(at + OFFSETS.state);
    const idleSeconds = seconds(now - lastSeenAt(buffer, at));
    const timeoutSeconds = timeoutOf(kind, protocol, state) - idleSeconds;
    if (filter.all !== true && (timeoutSeconds < 0 || kind === FlowType.FLOW_FRAGMENTS)) continue;
    count.matched += 1;
    if (count.shown >= limit) continue;
    count.shown += 1;
    const policy = buffer.readUInt32LE(at + OFFSETS.policy);
    yield {
      ...{ from: zones.of(zone), to: zones.of(peer), ...endsOf(buffer, at) },
      state: stateOf(kind, protocol, state, buffer.readUInt8(at + OFFSETS.flags)),
      ageSeconds: seconds(now - buffer.readUInt32LE(at + OFFSETS.opened)),
      ...{ idleSeconds, timeoutSeconds },
      policy: policy === NO_SLOT ? null : (policySlots.keyOf(policy) ?? null),
    };
  }
}

/**
 * The flows of a hypervisor's VMs with the network node that each has. Parameters as of readConnections.
 *
 * @param nodeOf name of a network node by its number
 */
export function* readFlowNodes(
  { fastpath }: Kernel,
  zones: ZoneNames,
  nodeOf: (number: number) => string,
  filter: FlowFilter,
  limit: number,
  count: FlowCount,
): Generator<FlowNodeRecord, void, undefined> {
  const now = ticksNow();
  for (const { count: entries, keys, values } of fastpath.gateways.maps?.sg_gw_affinity.readBatches() ?? []) {
    for (let index = 0; index < entries; index++) {
      const at = index * GwFlowKey.SIZE;
      const flowAt = at + GwFlowKey.OFFSETS.flow;
      const tenant = keys.readUInt32LE(at + GwFlowKey.OFFSETS.tenant);
      if (filter.zone !== undefined && filter.zone !== tenant) continue;
      if (!keyPasses(keys, flowAt, filter)) continue;
      const isFragments = keys.readUInt8(flowAt + FlowKey.OFFSETS.type) === FlowType.FLOW_FRAGMENTS;
      const isTcp = keys.readUInt8(flowAt + FlowKey.OFFSETS.protocol) === TCP && !isFragments;
      const idleSeconds = seconds(now - values.readUInt32LE(index * GwFlowAffinity.SIZE + GwFlowAffinity.OFFSETS.seen));
      const timeoutSeconds = isTcp ? null : GwFlowTimeout.GW_FLOW_SECONDS - idleSeconds;
      if (filter.all !== true && ((timeoutSeconds ?? 0) < 0 || isFragments)) continue;
      count.matched += 1;
      if (count.shown >= limit) continue;
      count.shown += 1;
      yield {
        ...{ tenant: zones.of(tenant), ...endsOf(keys, flowAt) },
        node: nodeOf(values.readUInt32LE(index * GwFlowAffinity.SIZE + GwFlowAffinity.OFFSETS.node)),
        ...{ idleSeconds, timeoutSeconds },
      };
    }
  }
}
