/** Steering's maps written without the agent: for benchmarks of programs. */
import * as steering from '../../src/ebpf/generated/steering.js';
import { compilePolicySet } from '../../src/gateway/policy-set.js';
import { familyOf, parseAddress } from 'netlink-ts/inet';
import type { BpfObject } from 'libbpf-ts';
import type { Policy } from '../../src/intent/types.js';

/** Bytes of an address, IPv4 in the first four of sixteen. */
export function address(text: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.set(parseAddress(text)?.bytes ?? []);
  return bytes;
}

export function encode<T>(codec: { SIZE: number; encode(into: Buffer, at: number, value: T): void }, value: T): Buffer {
  const bytes = Buffer.alloc(codec.SIZE);
  codec.encode(bytes, 0, value);
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A policy between two tenants, by number. */
export interface Between {
  from: number;
  to: number;
  policy: Policy;
}

/** Bits of a prefix's key before the address: set and family. */
const KEY_BITS = 64;

/** Writes policies as the agent does, one set a pair. */
export function writePolicies(object: BpfObject, all: readonly Between[]): void {
  const byPair = new Map<string, Between[]>();
  for (const between of all) {
    const key = `${between.from} ${between.to}`;
    const list = byPair.get(key);
    if (list === undefined) byPair.set(key, [between]);
    else list.push(between);
  }
  let place = 0;
  let id = 0;
  for (const list of byPair.values()) {
    id += 1;
    const set = compilePolicySet(list.map(({ policy }) => policy));
    const { POLICY_ANY, POLICY_SOURCE, POLICY_DESTINATION, POLICY_BOTH } = steering.PolicyTable;
    let tables = 0;
    for (const { source, dest, protocol, ports } of set.rules) {
      if (source > 0) tables |= dest > 0 ? POLICY_BOTH : POLICY_SOURCE;
      else tables |= dest > 0 ? POLICY_DESTINATION : POLICY_ANY;
      object
        .map('sg_pol_rules')
        .update(
          encode(steering.RuleKey, { set: id, source, dest, protocol }),
          encode(steering.PolicyRule, { first: place, count: ports.length }),
        );
      for (const { first, allow, policy, rank } of ports) {
        const { POLICY_ALLOW, POLICY_NONE } = steering.PolicyFlags;
        const flags = policy === undefined ? POLICY_NONE : allow === true ? POLICY_ALLOW : 0;
        object
          .map('sg_pol_ports')
          .update(u32(place++), encode(steering.PolicyPort, { set: id, first, flags, policy: 0, rank }));
      }
    }
    for (const [name, classes] of [
      ['sg_pol_src', set.sources],
      ['sg_pol_dst', set.destinations],
    ] as const) {
      for (const one of classes) {
        const [text = '', length = ''] = one.prefix.split('/');
        const key = { length: KEY_BITS + Number(length), set: id, family: familyOf(text), address: address(text) };
        object
          .map(name)
          .update(encode(steering.ClassKey, key), encode(steering.PolicyClass, { id: one.id, unused: 0 }));
      }
    }
    const pair = { from: list[0]?.from ?? 0, to: list[0]?.to ?? 0 };
    object.map('sg_pol_pairs').update(encode(steering.ZonePair, pair), encode(steering.PolicySet, { id, tables }));
  }
}
