/** Of a packet that a network node refused: between which zones it was, and which policy refused it. */
import { familyNumber, putAddress } from '../../ebpf/bytes.js';
import { Hook, PrefixKey } from '../../ebpf/generated/layouts.js';
import { ExternalSrcKey, Zone } from '../../ebpf/generated/steering.js';
import { decide } from '../../gateway/decide.js';
import { policySetsInForce } from '../../gateway/policy-resource.js';
import { addressLength, familyOf } from 'netlink-ts/inet';
import { protocolNumber } from '../inspect/format.js';
import type { Decision, Opening } from '../../gateway/decide.js';
import type { PolicySet } from '../../gateway/policy-set.js';
import type { SteeringStore } from '../../gateway/steering-maps.js';
import type { TraceEvent } from '../../ebpf/trace-session.js';
import type { Summary } from './summary.js';

const BYTE_BITS = 8;
/** Bits before a prefix's own in a key. */
const KEY_BITS = 64;

const STEERING_HOOKS: readonly number[] = [Hook.HOOK_NN_UPLINK, Hook.HOOK_NN_UPLINK_XDP, Hook.HOOK_EXTERNAL];

/** Zones by number; undefined: not known. */
export interface ZoneTransit {
  from: number | undefined;
  to: number | undefined;
  /** That denies it; undefined: none does. */
  denial: { policy: string; log: boolean } | undefined;
}

/** Asks the maps of a network node again what its program asked them. The sets are read anew when the agent changed something. */
export class PolicyExplainer {
  readonly #steering: SteeringStore;
  #generation = 0n;
  #sets: ReadonlyMap<string, PolicySet> = new Map();

  constructor(steering: SteeringStore) {
    this.#steering = steering;
  }

  /** undefined: no program of a network node saw it. */
  passage(seen: TraceEvent, summary: Summary): ZoneTransit | undefined {
    const { maps } = this.#steering;
    if (maps === undefined || !STEERING_HOOKS.includes(seen.hook)) return undefined;
    const from = this.#zoneFrom(seen, summary)?.id;
    const to = from === undefined || summary.to === null ? undefined : this.zoneTo(from, summary.to)?.id;
    return { from, to, denial: this.#denial(from, to, summary) };
  }

  /** Whose packets arrive for a gateway's SID; undefined: it is none of this node's. */
  zoneOfSid(address: string): Zone | undefined {
    const sid = Buffer.alloc(addressLength(6));
    putAddress(address, sid, 0);
    const value = this.#steering.maps?.sg_gw_sids.lookup(sid);
    return value === undefined ? undefined : Zone.decode(value, 0);
  }

  /** Which zone an address is in, seen from another; undefined: in none that it has policies with. */
  zoneTo(from: number, to: string): Zone | undefined {
    const key = Buffer.alloc(PrefixKey.SIZE);
    key.writeUInt32LE(KEY_BITS + addressBits(to), PrefixKey.OFFSETS.length);
    key.writeUInt32LE(from, PrefixKey.OFFSETS.tenant);
    key.writeUInt32LE(familyNumber(to), PrefixKey.OFFSETS.family);
    putAddress(to, key, PrefixKey.OFFSETS.address);
    const value = this.#steering.maps?.sg_zone_routes.lookup(key);
    return value === undefined ? undefined : Zone.decode(value, 0);
  }

  /** What the policies in force from one zone to another say; undefined: none is for it. */
  decide(from: number, to: number, opening: Opening): Decision {
    const set = this.#setsNow().get(`${from} ${to}`);
    return set && decide(set, opening);
  }

  #setsNow(): ReadonlyMap<string, PolicySet> {
    const generation = this.#steering.state?.policyGeneration ?? 0n;
    if (generation !== this.#generation) {
      this.#steering.setUnknown();
      this.#sets = policySetsInForce(this.#steering);
      this.#generation = generation;
    }
    return this.#sets;
  }

  #zoneFrom({ hook, ifindex }: TraceEvent, { from, outerTo }: Summary): Zone | undefined {
    const { maps } = this.#steering;
    if (hook === Hook.HOOK_EXTERNAL) {
      if (from === null || maps === undefined) return undefined;
      const key = Buffer.alloc(ExternalSrcKey.SIZE);
      key.writeUInt32LE(KEY_BITS + addressBits(from), ExternalSrcKey.OFFSETS.length);
      key.writeUInt32LE(ifindex, ExternalSrcKey.OFFSETS.ifindex);
      key.writeUInt32LE(familyNumber(from), ExternalSrcKey.OFFSETS.family);
      putAddress(from, key, ExternalSrcKey.OFFSETS.address);
      const value = maps.sg_ext_src.lookup(key);
      return value === undefined ? undefined : Zone.decode(value, 0);
    }
    return outerTo === null ? undefined : this.zoneOfSid(outerTo);
  }

  #denial(from: number | undefined, to: number | undefined, packet: Summary): ZoneTransit['denial'] {
    if (from === undefined || to === undefined) return undefined;
    const protocol = protocolNumber(packet.protocol);
    if (packet.from === null || packet.to === null || protocol === undefined) return undefined;
    const opening: Opening = {
      ...{ source: packet.from, destination: packet.to, protocol },
      ...(packet.destinationPort !== null && { destinationPort: packet.destinationPort }),
    };
    // An answer is refused by the policies of who asked.
    const asked: Opening = {
      ...{ source: packet.to, destination: packet.from, protocol },
      ...(packet.sourcePort !== null && { destinationPort: packet.sourcePort }),
    };
    return this.#refusal(from, to, opening) ?? this.#refusal(to, from, asked);
  }

  #refusal(from: number, to: number, opening: Opening): ZoneTransit['denial'] {
    const decision = this.decide(from, to, opening);
    if (decision === undefined || decision.allow === true) return undefined;
    return { policy: decision.policy, log: decision.log === true };
  }
}

function addressBits(address: string): number {
  return addressLength(familyOf(address)) * BYTE_BITS;
}
