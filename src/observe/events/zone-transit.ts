/** Of a packet that a network node's program saw: what it said of zones and of the policy that decided. */
import { Hook, TraceFlags } from '../../ebpf/generated/layouts.js';
import type { SteeringStore } from '../../gateway/steering-maps.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';

const NETWORK_NODE_HOOKS: readonly number[] = [Hook.HOOK_NN_UPLINK, Hook.HOOK_NN_UPLINK_XDP, Hook.HOOK_EXTERNAL];

/** Zones by number; undefined: the program did not get to know it. */
export interface ZoneTransit {
  from: number | undefined;
  to: number | undefined;
  /** Name of the policy that decided; null: none did, or it is known no more. */
  policy: string | null;
  /** A log record was due: the ring tells of it, too. */
  isLogged: boolean;
  /** To another network node, which may know its connection. */
  isRelayed: boolean;
  /** Of a connection that the other side opened. */
  isReply: boolean;
}

/** undefined: no program of a network node saw it. */
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
