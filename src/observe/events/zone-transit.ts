/** The zones of a packet at a network node, and the policy that decided about it, as its program reported them. */
import { Hook, TraceFlags } from '../../ebpf/generated/layouts.js';
import type { SteeringStore } from '../../gateway/steering-maps.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

const NETWORK_NODE_HOOKS: readonly number[] = [Hook.HOOK_NN_UPLINK, Hook.HOOK_NN_UPLINK_XDP, Hook.HOOK_EXTERNAL];

/** Zones by number; undefined: the program did not determine it. */
export interface ZoneTransit {
  from: number | undefined;
  to: number | undefined;
  /** Name of the deciding policy; null if there is none, or it no longer exists. */
  policy: string | null;
  /** The policy has `log`, so the policy log contains this packet, too. */
  isLogged: boolean;
  /** The packet goes to another network node, which may know its connection. */
  isRelayed: boolean;
  /** The packet belongs to a connection that the opposite side opened. */
  isReply: boolean;
}

/** @returns undefined unless a network node's program saw the packet */
export function zoneTransitOf(seen: TraceEvent, steering: SteeringStore): ZoneTransit | undefined {
  if (!NETWORK_NODE_HOOKS.includes(seen.hook)) return undefined;
  const has = (flag: number): boolean => (seen.flags & flag) !== 0;
  return {
    from: seen.tenant === 0 ? undefined : seen.tenant,
    to: seen.peer === 0 ? undefined : seen.peer,
    policy: steering.policyOfSlot(seen.policy) ?? null,
    isLogged: has(TraceFlags.TRACE_LOGGED),
    isRelayed: has(TraceFlags.TRACE_RELAYED),
    isReply: has(TraceFlags.TRACE_REPLY),
  };
}
