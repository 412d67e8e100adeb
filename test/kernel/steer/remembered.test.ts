/**
 * The per-CPU cache of flows on a network node changes only the cost: the programs with and without it do the same with
 * the same packets, over changes of policies, maps and connections.
 */
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ethernet, IP, ip4, ip6, srh, tcp, udp } from '../fastpath/packets.js';
import { arriving, GATEWAY_SIDS, HYPERVISOR, MACS, NetworkNode, OTHER_NODE, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { randomOf, SEED } from './random.js';
import type { Random } from './random.js';

const STEPS = 6000;
const FLOWS = 1500;
const SYN = 0x02;
const ACK = 0x10;
const FLAGS = [SYN, SYN | ACK, ACK, ACK, ACK, ACK, ACK, ACK | 0x08, ACK | 0x01, 0x04] as const;
const FROM_ROUTER = { to: MACS.uplink, from: MACS.router };
/** A moment of the programs (coarse_jiffies() of bpf/net/time.h, with HZ=250 as here and in Debian's kernel), and some. */
const MOMENT_MS = 1200;

const pick = <T>(random: Random, all: readonly T[]): T => all[random(all.length)] as T;

/** Of ends that have sent their SYNs, and now send the same data again and again: resets are exact. */
function segmentOf(ports: { source: number; destination: number }, flags: number, size: number): Buffer {
  const numbers = { sequence: (flags & SYN) !== 0 ? 1 : 2, acked: (flags & ACK) !== 0 ? 2 : 0, window: 60_000 };
  return tcp({ ...ports, flags, size: (flags & SYN) !== 0 ? 0 : size, ...numbers });
}

/** A packet of one of a few flows between red and blue, as a hypervisor sends it: seldom one that is not plain. */
function packet(random: Random): Buffer {
  const isOld = random(3) > 0;
  const asks = random(2) === 0;
  const ends = isOld ? ['10.0.0.1', '10.1.0.2'] : ['cafe:a::1', 'cafe:b::2'];
  // To a path with an SRH, to nobody, to what is not resolved.
  if (isOld && random(12) === 0) ends[1] = pick(random, ['10.1.0.3', '10.1.0.99', '10.1.0.8']);
  const [from = '', to = ''] = asks ? ends : [...ends].reverse();
  const ports = asks ? { source: 4000 + random(3), destination: 53 } : { source: 53, destination: 4000 + random(3) };
  const size = random(10) === 0 ? 1480 + random(30) : random(40);
  const isTcp = random(2) === 0;
  const payload = isTcp ? segmentOf(ports, pick(random, FLAGS), size) : udp({ ...ports, size });
  const hops = random(12) === 0 ? random(3) : 64;
  const tos = random(4) === 0 ? random(256) : 0;
  const protocol = isTcp ? IP.tcp : IP.udp;
  const inner = isOld
    ? ip4({
        ...{ from, to, protocol, payload, ttl: hops, tos },
        ...(random(15) === 0 && { fragment: pick(random, [0x2000, 0x2003, 3]) }),
        ...(random(15) === 0 && { options: Buffer.from([7, 4, 4, 0]) }),
        ...(random(20) === 0 && { length: 20 + random(200) }),
      })
    : ip6({ from, to, next: protocol, payload, hopLimit: hops, trafficClass: tos });
  const zone = asks ? 'red' : 'blue';
  if (random(12) === 0) {
    const behind = Buffer.concat([srh(isOld ? IP.ipip : IP.ipv6, [GATEWAY_SIDS[zone]], random(2)), inner]);
    return ethernet(ip6({ from: HYPERVISOR, to: GATEWAY_SIDS[zone], next: IP.routing, payload: behind }), FROM_ROUTER);
  }
  const outerClass = random(4) === 0 ? random(256) : 0;
  return arriving(zone, inner, random(10) === 0 ? OTHER_NODE : HYPERVISOR, outerClass);
}

/** Something that the agent does, to both alike. */
function change(random: Random, nodes: readonly NetworkNode[]): void {
  const what = random(5);
  const protocol = pick(random, ['tcp', 'udp'] as const);
  const action = pick(random, ['allow', 'allow', 'deny'] as const);
  const path = pick(random, [1, 2]);
  const mtu = pick(random, [0, 1400, 1500]);
  for (const node of nodes) {
    switch (what) {
      case 0: {
        const rules = [everyPort(protocol, action), everyPort(protocol === 'tcp' ? 'udp' : 'tcp', 'allow', 2)];
        node.policies.give(ZONES.red.id, ZONES.blue.id, { rules });
        node.nextEpoch();
        break;
      }
      case 1:
        node.addRoute('red', '10.1.0.0/24', 'blue', mtu);
        node.nextEpoch();
        break;
      case 2:
        node.addMember('blue', '10.1.0.2', path);
        node.forget();
        break;
      case 3:
        // Resolved, or not.
        node.setPath(2, path);
        node.forget();
        break;
      default:
        // As when the agent of another process takes over.
        node.forget();
    }
  }
}

function nodesOf(): [remembers: NetworkNode, looksUp: NetworkNode] {
  const nodes = [true, false].map((remembers) => new NetworkNode({ is_hypervisor: false }, 'xdp', remembers));
  const rules = [everyPort('tcp', 'allow'), everyPort('udp', 'allow', 2)];
  for (const node of nodes) node.policies.give(ZONES.red.id, ZONES.blue.id, { rules });
  return nodes as [NetworkNode, NetworkNode];
}

const statesOf = (node: NetworkNode): string[] =>
  (['red', 'blue'] as const).flatMap((zone) =>
    node
      .connections(zone)
      .map(({ state, flags, peer, policy }) => [zone, state, flags, peer, policy].join(' '))
      .sort(),
  );

/** What a packet is to both directions of one flow. */
const ask = (flags?: number): Buffer =>
  arriving('red', ip4({ from: '10.0.0.1', to: '10.1.0.2', ...transport(4000, 53, flags) }));
const answer = (flags?: number): Buffer =>
  arriving('blue', ip4({ from: '10.1.0.2', to: '10.0.0.1', ...transport(53, 4000, flags) }));
const transport = (source: number, destination: number, flags?: number): { protocol: number; payload: Buffer } =>
  flags === undefined
    ? { protocol: IP.udp, payload: udp({ source, destination }) }
    : { protocol: IP.tcp, payload: segmentOf({ source, destination }, flags, 0) };

describe('a network node with a flow cache', () => {
  it('acts like one without the cache', () => {
    const random = randomOf(SEED);
    const nodes = nodesOf();
    const verdicts: Record<string, number> = {};
    let most = 0;
    for (let step = 0; step < STEPS; step++) {
      if (random(60) === 0) change(random, nodes);
      const frame = packet(random);
      const [remembering, looking] = nodes.map((node) => {
        const { verdict, counted, frame: out } = node.send(frame);
        return { verdict, counted, out: out.toString('hex') };
      });
      expect(remembering, `SEGUE_SEED=${SEED}, step ${step}: ${frame.toString('hex')}`).toEqual(looking);
      verdicts[looking?.verdict ?? ''] = (verdicts[looking?.verdict ?? ''] ?? 0) + 1;
      if (step % 20 === 0) expect(statesOf(nodes[0]), `SEGUE_SEED=${SEED}, step ${step}`).toEqual(statesOf(nodes[1]));
      if (step % 100 === 0) most = Math.max(most, nodes[0].remembered());
    }
    // Else nothing was compared.
    expect(most).toBeGreaterThan(5);
    for (const verdict of ['redirect', 'drop', 'next']) expect(verdicts[verdict]).toBeGreaterThan(STEPS / 50);
    const states = nodes.map((node) => ({
      hits: [node.hits(1), node.hits(2)],
      traffic: [node.traffic('red'), node.traffic('blue')],
      connections: statesOf(node),
    }));
    expect(states[0]).toEqual(states[1]);
  });

  it.each([
    ['UDP', [ask(), answer(), ask()], ask()],
    ['a UDP reply', [ask(), answer(), answer()], answer()],
    ['TCP', [ask(SYN), answer(SYN | ACK), ask(ACK), ask(ACK)], ask(ACK)],
    ['a TCP reply', [ask(SYN), answer(SYN | ACK), ask(ACK), answer(ACK)], answer(ACK)],
  ])('skips the lookup of a connection until the entry expires: %s', async (_what, before, next) => {
    const [node] = nodesOf();
    const isRemembered = (): boolean => {
      for (const frame of before) expect(node.send(frame).verdict).toBe('redirect');
      node.forgetConnections();
      return node.send(next).verdict === 'redirect';
    };
    // Of two looks one is within a moment.
    expect(isRemembered() || isRemembered()).toBe(true);
    node.forgetConnections();
    await setTimeout(MOMENT_MS);
    const opens = next.equals(ask());
    expect(node.send(next).verdict).toBe(opens ? 'redirect' : 'drop');
    expect(node.connections('red').length).toBe(opens ? 1 : 0);
  });

  it.each([
    ['opens', [ask(SYN)], ask(SYN)],
    ['is answered', [ask(SYN), answer(SYN | ACK)], answer(SYN | ACK)],
    ['closes', [ask(SYN), answer(SYN | ACK), ask(ACK)], ask(ACK | 0x01)],
    ['is reset', [ask(SYN), answer(SYN | ACK), ask(ACK)], answer(0x04)],
  ])('does not cache a segment by which a connection %s', (_what, before, next) => {
    const [node, looking] = nodesOf();
    for (const one of [node, looking]) for (const frame of [...before, next, next]) one.send(frame);
    const states = [node, looking].map((one) => one.connections('red').map(({ state, flags }) => [state, flags]));
    expect(states[0]).toEqual(states[1]);
  });

  it('separates flows, and tenants with the same addresses', () => {
    const [node, looking] = nodesOf();
    const from = (zone: 'red' | 'green', source: number): Buffer =>
      arriving(zone, ip4({ from: '10.0.0.1', to: '10.1.0.2', ...transport(source, 53) }));
    const ports = Array.from({ length: FLOWS }, (_, index) => 10_000 + index);
    // Twice by what is remembered, of flows that share their places.
    for (const source of [...ports, ...ports, ...ports]) {
      const frame = from('red', source);
      expect(node.send(frame).frame.toString('hex')).toBe(looking.send(frame).frame.toString('hex'));
    }
    for (const source of ports) expect(node.send(from('green', source)).verdict).toBe('drop');
  });

  it('applies a new policy to the next packet of a cached flow', () => {
    const [node] = nodesOf();
    for (const frame of [ask(), ask(), ask()]) node.send(frame);
    expect(node.hits(2)).toMatchObject({ connections: 1, packets: 3 });
    node.policies.give(ZONES.red.id, ZONES.blue.id, { rules: [everyPort('udp', 'deny', 3)] });
    node.nextEpoch();
    expect(node.send(ask())).toMatchObject({ verdict: 'drop', counted: { 'drop policy': 1 } });
  });
});
