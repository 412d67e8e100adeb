/** What a network node's program costs a packet: established connections and new ones, with few policies and with many. */
import { BpfMap, BpfObject, TestRun } from '../../src/libbpf/index.js';
import * as layouts from '../../src/ebpf/generated/layouts.js';
import * as steering from '../../src/ebpf/generated/steering.js';
import { compilePolicySet } from '../../src/gateway/policy-set.js';
import { elapsed, row, times } from './rows.js';
import { parseAddress } from '../../src/net/address.js';
import type { Policy } from '../../src/intent/types.js';
import type { Effort, Row } from './rows.js';

const REPEAT = 100_000;
const XDP_REDIRECT = 4;
const TENANTS = 500;
const QUOTA = 16_384;
const POLICIES = [10, 10_000] as const;
/** The tenants whose packets are measured. */
const [FROM, TO] = [1, 2] as const;

/** Bytes of an address, IPv4 in the first four of sixteen. */
function address(text: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.set(parseAddress(text)?.bytes ?? []);
  return bytes;
}

function encode<T>(codec: { SIZE: number; encode(into: Buffer, at: number, value: T): void }, value: T): Buffer {
  const bytes = Buffer.alloc(codec.SIZE);
  codec.encode(bytes, 0, value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** Where tenant n lives: a /24 of its own. */
const subnet = (tenant: number): string => `10.${tenant >> 8}.${tenant & 255}.0/24`;

/** A policy between two tenants, by number. */
interface Between {
  from: number;
  to: number;
  policy: Policy;
}

/**
 * So many policies over the tenants, spread evenly; those of the measured pair among them: with ports and with prefixes on both sides.
 */
function policies(count: number): Between[] {
  return Array.from({ length: count }, (_, index): Between => {
    const from = (index % TENANTS) + 1;
    const to = (from % TENANTS) + 1;
    const end = (tenant: number): Policy['from'] => ({
      tenant: `t${tenant}`,
      ...(index % 2 === 0 && {
        prefixes: [subnet(tenant).replace('.0/24', `.${(index * 8) & 0xf8}/29`), subnet(tenant)],
      }),
    });
    const port = 1 + ((index * 37) % 60_000);
    const policy: Policy = {
      name: `p${index}`,
      from: end(from),
      to: end(to),
      protocol: 'udp',
      ports: index < TENANTS ? [`1-65535`] : [port, `${port + 2}-${port + 20}`],
      action: index < TENANTS ? 'allow' : 'deny',
      priority: index < TENANTS ? 100 : 1,
    };
    return { from, to, policy };
  });
}

/** Writes policies as the agent does, one set a pair. */
function writePolicies(object: BpfObject, all: readonly Between[]): void {
  const byPair = new Map<number, Between[]>();
  for (const between of all) {
    const key = between.from * (TENANTS + 1) + between.to;
    const list = byPair.get(key);
    if (list === undefined) byPair.set(key, [between]);
    else list.push(between);
  }
  let place = 0;
  let id = 0;
  for (const list of byPair.values()) {
    id += 1;
    const set = compilePolicySet(list.map(({ policy }) => policy));
    let tables = 0;
    // Nested prefixes have many rules that say the same: they share a run.
    const runs = new Map<string, number>();
    for (const { source, dest, protocol, ports } of set.rules) {
      tables |= source > 0 ? (dest > 0 ? 8 : 2) : dest > 0 ? 4 : 1;
      const text = JSON.stringify(ports);
      const known = runs.get(text);
      const rule = { first: known ?? place, count: ports.length };
      object
        .map('policy_rules')
        .update(encode(steering.RuleKey, { set: id, source, dest, protocol }), encode(steering.PolicyRule, rule));
      if (known !== undefined) continue;
      runs.set(text, place);
      for (const { first, allow, policy, rank } of ports) {
        const { POLICY_ALLOW, POLICY_NONE } = steering.PolicyFlags;
        const flags = policy === undefined ? POLICY_NONE : allow === true ? POLICY_ALLOW : 0;
        object
          .map('policy_ports')
          .update(u32(place++), encode(steering.PolicyPort, { set: id, first, flags, policy: 0, rank }));
      }
    }
    for (const [name, classes] of [
      ['policy_sources', set.sources],
      ['policy_destinations', set.destinations],
    ] as const) {
      for (const one of classes) {
        const [text = '', length = ''] = one.prefix.split('/');
        const key = { length: 64 + Number(length), set: id, family: 4, address: address(text) };
        object
          .map(name)
          .update(encode(steering.ClassKey, key), encode(steering.PolicyClass, { id: one.id, unused: 0 }));
      }
    }
    const pair = { from: list[0]?.from ?? 0, to: list[0]?.to ?? 0 };
    object.map('policy_pairs').update(encode(steering.PairKey, pair), encode(steering.PolicySet, { id, tables }));
  }
}

/** A node with all tenants, of which each reaches its two neighbours. */
function fill(object: BpfObject): BpfMap[] {
  const source = address('fd00:5e:9::1');
  object.map('nodes').update(u32(0), encode(layouts.Node, { source, sidBlock: source, sidMask: source }));
  object.map('steering').update(u32(0), encode(steering.Steering, { epoch: 1n, nextSet: 1, self: 1, unused: 0 }));
  const hop = { ifindex: 500, mtu: 1600, destMac: Buffer.alloc(6), sourceMac: Buffer.alloc(6), unused: 0 };
  const underlay = { count: 1, length: 48, dest: source, hops: [hop, hop, hop, hop] };
  object.map('underlays').update(u32(1), encode(layouts.Underlay, underlay));
  const tables: BpfMap[] = [];
  for (let tenant = 1; tenant <= TENANTS; tenant++) {
    const zone = { id: tenant, slot: tenant, gateway: 0, unused: 0 };
    const sid = address(`fd00:5e:9:4600:${tenant.toString(16)}::`);
    object.map('gateway_sids').update(sid, encode(steering.Zone, zone));
    const first = address(`fd00:5e:1:4600:${tenant.toString(16)}::`);
    object
      .map('encaps')
      .update(
        u32(tenant),
        encode(layouts.Encap, { first, underlay: 1, srhBytes: 0, lastEntry: 0, srh: Buffer.alloc(56) }),
      );
    const [prefix = ''] = subnet(tenant).split('/');
    for (let host = 1; host < 10; host++) {
      const key = { tenant, family: 4, address: address(prefix.replace(/0$/, String(host))) };
      object.map('members').update(encode(layouts.MemberKey, key), encode(layouts.Target, { kind: 2, id: tenant }));
    }
    for (const neighbour of [((tenant - 2 + TENANTS) % TENANTS) + 1, (tenant % TENANTS) + 1]) {
      const key = { length: 64 + 24, tenant: neighbour, family: 4, address: address(prefix) };
      object.map('routes').update(encode(layouts.PrefixKey, key), encode(steering.Zone, zone));
    }
    if (tenant > TO) continue;
    const table = BpfMap.create({ type: 'lru_hash', keySize: 40, valueSize: 40, maxEntries: QUOTA });
    object.map('connections').updateHandle(u32(tenant), table);
    tables.push(table);
  }
  return tables;
}

/** A datagram from one tenant to the other, as a hypervisor sends it. */
function frame(from: number, to: number, ports: readonly [number, number]): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeUInt16BE(0x86dd, 12);
  bytes.writeUInt32BE(0x60000001, 14);
  bytes.writeUInt16BE(74, 18);
  bytes.writeUInt8(4, 20);
  bytes.writeUInt8(64, 21);
  address('fd00:5e:1::1').copy(bytes, 22);
  address(`fd00:5e:9:4600:${from.toString(16)}::`).copy(bytes, 38);
  bytes.writeUInt8(0x45, 54);
  bytes.writeUInt16BE(74, 56);
  bytes.writeUInt8(64, 62);
  bytes.writeUInt8(17, 63);
  const host = (tenant: number): string => subnet(tenant).replace('0/24', '2');
  address(host(from)).copy(bytes, 66, 0, 4);
  address(host(to)).copy(bytes, 70, 0, 4);
  bytes.writeUInt16BE(ports[0], 74);
  bytes.writeUInt16BE(ports[1], 76);
  return bytes;
}

interface Subject {
  name: string;
  object: BpfObject;
  program: string;
  packet: Buffer;
}

/** @param objectPath of bench/steer_xdp */
export function measureSteering(objectPath: string, effort: Effort): Row[] {
  const opened: { close(): void }[] = [];
  const subjects: Subject[] = [];
  const loads: Row[] = [];
  try {
    for (const count of POLICIES) {
      const object = BpfObject.load(objectPath, { rodata: { is_hypervisor: false } });
      opened.push(object, ...fill(object));
      const all = policies(count);
      const ns = elapsed(() => {
        writePolicies(object, all);
      });
      loads.push(row(`${count} policies over ${TENANTS} tenants, one entry a call`, 'ms', [ns / 1e6]));
      const ask = frame(FROM, TO, [4000, 50_001]);
      const answer = frame(TO, FROM, [50_001, 4000]);
      const named = (name: string, program: string, packet: Buffer): Subject => ({
        name: `${name}, ${count} policies`,
        object,
        program,
        packet,
      });
      subjects.push(named('established', 'one_flow', ask), named('its answers', 'one_flow', answer));
      subjects.push(named('new connections', 'new_flows', ask));
    }
    const [first] = subjects;
    if (first === undefined) return [];
    const costs = subjects.map((): number[] => []);
    const repeat = times(REPEAT, effort);
    const run = ({ object, packet }: Subject, program: string): number => {
      const value = Buffer.alloc(object.map('frames').valueSize);
      packet.copy(value);
      object.map('frames').update(u32(0), value);
      const result = new TestRun(object.program(program), { data: packet, repeat }).run();
      if (result.verdict !== XDP_REDIRECT) throw new Error(`${program}: verdict ${result.verdict}`);
      return result.duration;
    };
    for (let round = -1; round < effort.rounds; round++) {
      const base = run(first, 'renew_only');
      for (const [index, subject] of subjects.entries()) {
        const cost = run(subject, subject.program) - base;
        if (round >= 0) costs[index]?.push(cost);
      }
    }
    return [...loads, ...subjects.map(({ name }, index) => row(`steering: ${name}`, 'ns/packet', costs[index] ?? []))];
  } finally {
    for (const one of opened) one.close();
  }
}
