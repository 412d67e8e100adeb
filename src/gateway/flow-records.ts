/**
 * The connections of a network node, and the network nodes of a hypervisor's flows. They are read in batches, since there may be a
 * million.
 */
import { getAddress } from '../ebpf/bytes.js';
import { Family, Limits } from '../ebpf/generated/layouts.js';
import * as steering from '../ebpf/generated/steering.js';
import { flowAffinities } from './flow-affinity.js';
import { lastSeenAt, tableEntries } from './connection-table.js';
import { monotonic } from '../ebpf/trace-session.js';
import { addressLength, type Prefix, prefixContains } from 'netlink-ts/inet';
import { protocolWord } from '../packet/protocol-name.js';
import { NO_SLOT } from './steering-maps.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ZoneNames } from './zone-names.js';

const { Connection, CtFlags, CtTimeout, CtState, FlowKey, FlowType, GwFlowKey, GwFlowTimeout } = steering;

/** Ticks are nanoseconds >> TICK_SHIFT. */
const TICK_SHIFT = BigInt(Limits.TICK_SHIFT);
const TICK_SECONDS = 2 ** Limits.TICK_SHIFT / 1e9;

const ICMP = 1;
const TCP = 6;
const UDP = 17;
const ICMPV6 = 58;

/** Selects flows; an absent field matches all. */
export interface FlowFilter {
  /** Number of the zone that opened the connection, or of its peer. */
  zone?: number;
  /** Matches the address of either end. */
  prefix?: Prefix;
  /** Matches the port of either end, of TCP and UDP. */
  port?: number;
  /** IP protocol numbers. */
  protocols?: readonly number[];
  /** Include expired flows, and entries for fragments. */
  all?: boolean;
}

/** How many flows matched, and how many of them were yielded. */
export interface FlowCount {
  matched: number;
  shown: number;
}

/** The ends of a flow, as in its first packet. */
export interface FlowEnds {
  /** `tcp`, `udp`, `icmp`, `icmpv6`, or a number. */
  protocol: string;
  source: string;
  destination: string;
  /** Ports of TCP and UDP, else null. */
  sourcePort: number | null;
  destinationPort: number | null;
  /** The identifier of an ICMP query, or the identification of a fragmented datagram; else null. */
  id: number | null;
}

/**
 * States of conntrack: SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, TIME_WAIT and CLOSE of TCP, else UNREPLIED and SEEN_REPLY. FRAGMENTS is no
 * connection, but an entry that later fragments of a datagram follow; RELAYED is one whose fragments go to another network node.
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
  /** Seconds until it expires without a packet; below zero: it has expired. */
  timeoutSeconds: number;
  /** The policy that allowed it; null: that policy is gone. */
  policy: string | null;
}

/** A flow of a hypervisor's VM that leaves its tenant's subnets. */
export interface FlowNodeRecord extends FlowEnds {
  tenant: string;
  /** Network node that it goes to. */
  node: string;
  idleSeconds: number;
  /** Seconds until it may get another node; null: it keeps this one while that is up (TCP). */
  timeoutSeconds: number | null;
}

/** The current time of eBPF programs. */
function ticksNow(): number {
  return Number((monotonic() >> TICK_SHIFT) & 0xffffffffn);
}

function seconds(ticks: number): number {
  return Math.round(Math.max(0, ticks | 0) * TICK_SECONDS);
}

/** Seconds since a tick that a program wrote. */
export function idleSeconds(seen: number): number {
  return seconds(ticksNow() - seen);
}

/** Seconds since a tick of which sg_gw_affinity has the low 16 bits, which wrap around every 19 hours. */
export function affinityIdleSeconds(seen: number, now = ticksNow()): number {
  return seconds((now - seen) & 0xffff);
}

/** Seconds without a packet after which a connection expires (bpf/state/conntrack.h). */
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

/** The state in conntrack's words. */
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

/** Whether an encoded key matches the filter, as far as the key alone determines it. It is not decoded, since most keys may not match. */
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
 * Yields the connections of a network node, in no order.
 *
 * @param limit how many are yielded at most; all matches are counted
 * @param count is updated while they are read
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
 * Yields the flows of a hypervisor's VMs with the network node of each. The other parameters are those of readConnections.
 *
 * @param nodeOf gives the name of a network node by its number
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
  const { maps } = fastpath.gateways;
  if (maps === undefined) return;
  for (const { keys, at, node, seen } of flowAffinities(maps)) {
    const flowAt = at + GwFlowKey.OFFSETS.flow;
    const tenant = keys.readUInt32LE(at + GwFlowKey.OFFSETS.tenant);
    if (filter.zone !== undefined && filter.zone !== tenant) continue;
    if (!keyPasses(keys, flowAt, filter)) continue;
    const isFragments = keys.readUInt8(flowAt + FlowKey.OFFSETS.type) === FlowType.FLOW_FRAGMENTS;
    const isTcp = keys.readUInt8(flowAt + FlowKey.OFFSETS.protocol) === TCP && !isFragments;
    const idleSeconds = affinityIdleSeconds(seen, now);
    const timeoutSeconds = isTcp ? null : GwFlowTimeout.GW_FLOW_SECONDS - idleSeconds;
    if (filter.all !== true && ((timeoutSeconds ?? 0) < 0 || isFragments)) continue;
    count.matched += 1;
    if (count.shown >= limit) continue;
    count.shown += 1;
    yield {
      ...{ tenant: zones.of(tenant), ...endsOf(keys, flowAt) },
      ...{ node: nodeOf(node), idleSeconds, timeoutSeconds },
    };
  }
}
