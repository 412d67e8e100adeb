/**
 * Quotas of the table of connections: counters equal the table's contents after any traffic, and pairs of zones get
 * their shares.
 */
import { describe, expect, it } from 'vitest';
import { TestRun } from 'libbpf-ts';
import { ZonePair } from '../../../src/ebpf/generated/steering.js';
import { evictedConnections } from '../../../src/gateway/connection-table.js';
import { IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { echo, ECHO4 } from './icmp.js';
import { arriving, BUCKETS, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { randomOf, SEED } from './random.js';
import { ageTable, counts } from './table.js';
import { TcpEnds } from './tcp-ends.js';
import { encode } from './values.js';
import type { Random } from './random.js';

const STEPS = 60_000;
const LIMIT = BUCKETS * 8 * 0.75;
const REDIRECT = 4;
const FLAGS = [0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x18] as const;
const GREEN = '10.2.0.1';
const RULES = (['tcp', 'udp', 'icmp', 'other'] as const).map((protocol) => everyPort(protocol, 'allow'));

function talkingNode(): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false });
  for (const [from, to] of [
    ['red', 'blue'],
    ['blue', 'red'],
    ['green', 'blue'],
  ] as const) {
    node.policies.give(ZONES[from].id, ZONES[to].id, { rules: RULES });
  }
  node.addRoute('green', '10.1.0.0/24', 'blue');
  // Of the two that talk to blue one has these addresses: blue's routes say which.
  node.addMember('green', GREEN, 4);
  node.addRoute('blue', `${GREEN}/32`, 'green');
  return node;
}

const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T;

/** A packet of one of many flows: most open one, some go on, some are fragments. */
function packet(random: Random, conversations: TcpEnds[]): Buffer {
  const [zone, from, to] = pick(random, [
    ['red', '10.0.0.1', '10.1.0.2'],
    ['blue', '10.1.0.2', '10.0.0.1'],
    ['green', GREEN, '10.1.0.2'],
  ] as const);
  const ports = { source: 1024 + random(6000), destination: 80 + random(3) };
  switch (random(6)) {
    case 0:
      return arriving(zone, ip4({ from, to, payload: udp(ports) }));
    case 1:
      return arriving(zone, ip4({ from, to, protocol: IP.icmp, payload: echo(ECHO4.request, random(4000)) }));
    case 2:
      return arriving(
        zone,
        ip4({ from, to, protocol: IP.tcp, payload: tcp({ ...ports, flags: pick(random, FLAGS) }) }),
      );
    case 3:
      return arriving(zone, ip4({ from, to, id: random(65_536), fragment: 0x2000, payload: udp(ports) }));
    case 4:
      return arriving('red', ip6({ from: 'cafe:a::1', to: 'cafe:b::2', payload: udp(ports) }));
    default: {
      const ends = pick(random, conversations);
      const end = pick(random, ['red', 'blue'] as const);
      return arriving(end, ends.segment(end, { flags: pick(random, FLAGS), size: random(200) }));
    }
  }
}

describe('counters of connections', () => {
  it('equal the table’s contents after any traffic, time and change of policies', () => {
    const random = randomOf(SEED);
    const node = talkingNode();
    const conversations = Array.from({ length: 400 }, (_, index) => new TcpEnds(20_000 + index));
    let full = 0;
    for (let step = 1; step <= STEPS; step++) {
      new TestRun(node.program, { data: packet(random, conversations) }).run();
      if (random(4000) === 0) ageTable(node.connectionMaps, pick(random, [20, 70, 200, 700]));
      if (random(6000) === 0) {
        const pair = pick(random, [
          ['red', 'blue'],
          ['blue', 'red'],
          ['green', 'blue'],
        ] as const);
        const [from, to] = [ZONES[pair[0]].id, ZONES[pair[1]].id];
        if (random(2) === 0) node.map('sg_pol_pairs').delete(encode(ZonePair, { from, to }));
        else node.policies.give(from, to, { rules: pick(random, [RULES, RULES.slice(1)]) });
        node.nextEpoch();
      }
      if (random(500) === 0) conversations[random(conversations.length)] = new TcpEnds(20_000 + random(400));
      if (step % 2000 > 0) continue;
      const { counted, recounted } = counts(node.connectionMaps);
      expect(counted, `SEGUE_SEED=${SEED}, step ${step}`).toEqual(recounted);
      full = Math.max(full, (counted.all?.[0] ?? 0) + (counted.all?.[1] ?? 0));
    }
    // Else no quota was met.
    expect(full).toBeGreaterThan(LIMIT / 3);
    expect(full).toBeLessThanOrEqual(LIMIT);
  });
});

describe('a pair of zones', () => {
  /** Opens UDP flows that nobody answers. @returns how many were let pass */
  function ask(node: NetworkNode, zone: 'red' | 'blue' | 'green', count: number, first = 0): number {
    const [from, to] = { red: ['10.0.0.1', '10.1.0.2'], blue: ['10.1.0.2', '10.0.0.1'], green: [GREEN, '10.1.0.2'] }[
      zone
    ] as [string, string];
    let passed = 0;
    for (let flow = first; flow < first + count; flow++) {
      const payload = udp({ source: 1024 + (flow % 60_000), destination: 80 + Math.floor(flow / 60_000) });
      const frame = arriving(zone, ip4({ from, to, payload }));
      if (new TestRun(node.program, { data: frame }).run().verdict === REDIRECT) passed += 1;
    }
    return passed;
  }
  const halfOpen = (node: NetworkNode, from: 'red' | 'blue' | 'green', to: 'red' | 'blue'): number =>
    counts(node.connectionMaps).counted[`${ZONES[from].id} ${ZONES[to].id}`]?.[0] ?? 0;

  it('leaves room for another pair, however many use their shares up', () => {
    const node = talkingNode();
    const passed = ask(node, 'red', 4000);
    const alone = halfOpen(node, 'red', 'blue');
    // Those beyond its share took the places of its own that were half open.
    expect(passed - evictedConnections(node.connectionMaps)).toBe(alone);
    expect(passed).toBeGreaterThan(alone);
    // h = (LIMIT - h) / 4
    expect(Math.abs(alone - LIMIT / 5)).toBeLessThan(3);
    ask(node, 'green', 4000);
    const second = halfOpen(node, 'green', 'blue');
    expect(Math.abs(second - (LIMIT - alone) / 5)).toBeLessThan(3);
    expect(ask(node, 'blue', 500)).toBe(500);
  });

  it('gets slots of expired connections back without a garbage collector', () => {
    const node = talkingNode();
    ask(node, 'red', 4000);
    ageTable(node.connectionMaps, 700);
    // Each new one looks at a bucket: those of the table are looked at by as many.
    const passed = ask(node, 'red', BUCKETS, 10_000);
    expect(passed).toBeGreaterThan(0.8 * BUCKETS);
    expect(ask(node, 'red', 100, 30_000)).toBe(100);
    expect(counts(node.connectionMaps).counted).toEqual(counts(node.connectionMaps).recounted);
  });

  it('loses its connections without its policies, though it sends nothing', () => {
    const node = talkingNode();
    ask(node, 'green', 1000);
    node.map('sg_pol_pairs').delete(encode(ZonePair, { from: ZONES.green.id, to: ZONES.blue.id }));
    node.nextEpoch();
    ask(node, 'blue', BUCKETS);
    expect(halfOpen(node, 'green', 'blue')).toBe(0);
  });
});
