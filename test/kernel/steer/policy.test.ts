/**
 * New connections that policies allow: prefixes, protocols, L4 ports, ranks, and changes that take effect at once as a
 * whole.
 */
import { TestRun } from 'libbpf-ts';
import { describe, expect, it } from 'vitest';
import * as steering from '../../../src/ebpf/generated/steering.js';
import { suppressedDecisions } from '../../../src/gateway/steering-maps.js';
import { IP, ip4, ip6, tcp, udp } from '../fastpath/packets.js';
import { u32 } from '../libbpf/harness.js';
import { echo } from './icmp.js';
import { arriving, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { encode, prefixOf } from './values.js';
import type { PolicySetText, PortEntry } from './policies.js';

const RED = ZONES.red.id;
const BLUE = ZONES.blue.id;
const SYN = 0x02;
let nextPort = 20_000;

/** A connection's first packet, from a port that no other has. */
function opening(protocol: 'tcp' | 'udp' | 'icmp' | 'gre', port = 80, from = '10.0.0.1', to = '10.1.0.2'): Buffer {
  const source = nextPort++;
  const v6 = from.includes(':');
  const payload = {
    tcp: () => tcp({ source, destination: port, flags: SYN }),
    udp: () => udp({ source, destination: port }),
    icmp: () => echo(v6 ? 128 : 8, source),
    gre: () => Buffer.alloc(20, 9),
  }[protocol]();
  const number = { tcp: IP.tcp, udp: IP.udp, icmp: v6 ? IP.icmp6 : IP.icmp, gre: 47 }[protocol];
  return v6 ? ip6({ from, to, next: number, payload }) : ip4({ from, to, protocol: number, payload });
}

/** A node with one set from red to blue. */
function nodeWith(text: PolicySetText): NetworkNode {
  const node = new NetworkNode({ is_hypervisor: false });
  node.policies.give(RED, BLUE, text);
  return node;
}

const MISMATCH = 'drop no policy match';
const DENIED = 'drop policy';
const allow = (first: number, policy = 1, rank = 10): PortEntry => ({ first, action: 'allow', policy, rank });
const deny = (first: number, policy = 2, rank = 5): PortEntry => ({ first, action: 'deny', policy, rank });
const none = (first: number): PortEntry => ({ first, action: 'none' });

describe('a set of policies', () => {
  it('allows the protocols that it names', () => {
    for (const protocol of ['tcp', 'udp', 'icmp'] as const) {
      const node = nodeWith({ rules: [everyPort(protocol, 'allow')] });
      for (const sent of ['tcp', 'udp', 'icmp', 'gre'] as const) {
        expect(node.sent('red', opening(sent)), `${protocol}: ${sent}`).toBe(sent === protocol ? 'passed' : MISMATCH);
        const v6 = opening(sent, 80, 'cafe:a::1', 'cafe:b::2');
        expect(node.sent('red', v6), `${protocol}: ${sent}, IPv6`).toBe(sent === protocol ? 'passed' : MISMATCH);
      }
    }
    const other = nodeWith({ rules: [everyPort('other', 'allow')] });
    expect(other.sent('red', opening('gre'))).toBe('passed');
    expect(other.sent('red', opening('tcp'))).toBe(MISMATCH);
  });

  it('applies in its direction alone', () => {
    const node = nodeWith({ rules: [everyPort('tcp', 'allow'), everyPort('udp', 'allow')] });
    expect(node.sent('blue', opening('tcp', 80, '10.1.0.2', '10.0.0.1'))).toBe('drop no policy');
    expect(node.sent('blue', opening('udp', 80, '10.1.0.2', '10.0.0.1'))).toBe('drop no policy');
  });

  it.each([1, 2, 3, 7, 64, 1000])('finds each boundary among %i L4 ports', (count) => {
    // Single ports 100, 200, …: allowed and denied in turn.
    const ports: PortEntry[] = [none(0)];
    for (let index = 0; index < count; index++) {
      const port = 100 + index * 60;
      ports.push(index % 2 === 0 ? allow(port) : deny(port), none(port + 1));
    }
    const node = nodeWith({ rules: [{ protocol: 'tcp', ports }] });
    const picked =
      count < 10 ? [...Array(count).keys()] : [0, 1, 2, count >> 1, (count >> 1) + 1, count - 2, count - 1];
    for (const index of picked) {
      const port = 100 + index * 60;
      expect(node.sent('red', opening('tcp', port - 1))).toBe(MISMATCH);
      expect(node.sent('red', opening('tcp', port))).toBe(index % 2 === 0 ? 'passed' : DENIED);
      expect(node.sent('red', opening('tcp', port + 1))).toBe(MISMATCH);
    }
  });

  it('handles L4 ports 0 and 65535', () => {
    const node = nodeWith({ rules: [{ protocol: 'udp', ports: [allow(0), none(1), allow(65535)] }] });
    expect([0, 1, 65534, 65535].map((port) => node.sent('red', opening('udp', port)))).toEqual([
      'passed',
      MISMATCH,
      MISMATCH,
      'passed',
    ]);
  });

  it('matches the longest prefix on both sides and in both families', () => {
    const node = nodeWith({
      sources: ['10.0.0.0/24', '10.0.0.128/25', 'cafe:a::/64', 'cafe:a::8000/113'],
      destinations: ['10.1.0.0/30', 'cafe:b::/126'],
      rules: [
        { source: 1, dest: 1, protocol: 'tcp', ports: [allow(0)] },
        { source: 3, dest: 2, protocol: 'tcp', ports: [allow(0)] },
      ],
    });
    const sent = (from: string, to: string): string => node.sent('red', opening('tcp', 80, from, to));
    expect(sent('10.0.0.1', '10.1.0.2')).toBe('passed');
    expect(sent('10.0.0.200', '10.1.0.2')).toBe(MISMATCH);
    expect(sent('10.0.0.1', '10.1.0.8')).toBe(MISMATCH);
    expect(sent('cafe:a::1', 'cafe:b::2')).toBe('passed');
    expect(sent('cafe:a::8001', 'cafe:b::2')).toBe(MISMATCH);
    expect(sent('cafe:a::1', 'cafe:b::4')).toBe(MISMATCH);
  });

  it.each([
    ['any', 1, 'passed'],
    ['source', 2, DENIED],
    ['destination', 3, 'passed'],
    ['both', 4, DENIED],
  ])('decides by the lowest rank of its four tables: %s', (_table, winner, verdict) => {
    // Allowed and denied by turns; the winner ranks lowest, wherever it is asked.
    const rank = (table: number): number => (table === winner ? 1 : 10 + table);
    const node = nodeWith({
      sources: ['10.0.0.0/28'],
      destinations: ['10.1.0.0/28'],
      rules: [
        { protocol: 'tcp', ports: [allow(0, 1, rank(1))] },
        { source: 1, protocol: 'tcp', ports: [deny(0, 2, rank(2))] },
        { dest: 1, protocol: 'tcp', ports: [allow(0, 3, rank(3))] },
        { source: 1, dest: 1, protocol: 'tcp', ports: [deny(0, 4, rank(4))] },
      ],
    });
    expect(node.sent('red', opening('tcp'))).toBe(verdict);
    expect([1, 2, 3, 4].map((slot) => node.hits(slot).connections)).toEqual(
      [1, 2, 3, 4].map((slot) => +(slot === winner)),
    );
  });

  it('counts connections, their packets in both directions, and refusals', () => {
    const node = nodeWith({ rules: [{ protocol: 'udp', ports: [allow(0, 7), deny(53, 8), allow(54, 7)] }] });
    const ask = ip4({ from: '10.0.0.1', to: '10.1.0.2', payload: udp({ source: 999, destination: 80 }) });
    const answer = ip4({ from: '10.1.0.2', to: '10.0.0.1', payload: udp({ source: 80, destination: 999 }) });
    node.sent('red', ask);
    node.sent('red', ask);
    node.sent('blue', answer);
    node.sent('red', opening('udp', 53));
    expect(node.hits(7)).toEqual({ connections: 1, packets: 3, bytes: 2 * ask.length + answer.length });
    expect(node.hits(8)).toMatchObject({ connections: 1, packets: 1 });
  });

  it('logs decisions of policies with `log`, and no others', () => {
    const ports: PortEntry[] = [allow(0), { ...deny(53), log: true }, { ...allow(80, 3), log: true }, allow(81)];
    const node = nodeWith({ rules: [{ protocol: 'udp', ports }] });
    const told: steering.PolicyLogEvent[] = [];
    const ring = node.ring((record) => told.push(steering.PolicyLogEvent.decode(record, 0)));
    for (const port of [52, 53, 80, 81]) node.sent('red', opening('udp', port));
    ring.consume();
    expect(told.map(({ from, to, policy, flow }) => [from, to, policy, flow.destPort])).toEqual([
      [RED, BLUE, 2, 53],
      [RED, BLUE, 3, 80],
    ]);
  });

  it('counts decisions that do not fit into the ring without a reader', () => {
    const node = nodeWith({ rules: [{ protocol: 'udp', ports: [{ ...deny(0), log: true }] }] });
    const suppressed = (): number => suppressedDecisions({ sg_log_rate: node.map('sg_log_rate') });
    const before = suppressed();
    // Of 256 KiB a record takes 80 bytes: there is room for 3,276.
    const frame = arriving('red', opening('udp', 53));
    new TestRun(node.program, { data: frame, repeat: 5000 }).run();
    const told: steering.PolicyLogEvent[] = [];
    node.ring((record) => told.push(steering.PolicyLogEvent.decode(record, 0))).consume();
    expect(told.length).toBeGreaterThan(0);
    expect(told.length + suppressed() - before).toBe(5000);
  });
});

describe('a change of policies', () => {
  it('takes effect by one update: the old set decides before it, the new one after it', () => {
    const node = nodeWith({ rules: [everyPort('tcp', 'allow')] });
    const next = node.policies.write({ rules: [everyPort('tcp', 'deny'), everyPort('udp', 'allow')] });
    expect([node.sent('red', opening('tcp')), node.sent('red', opening('udp'))]).toEqual(['passed', MISMATCH]);
    const pair = encode(steering.ZonePair, { from: RED, to: BLUE });
    node.map('sg_pol_pairs').update(pair, encode(steering.PolicySet, next));
    expect([node.sent('red', opening('tcp')), node.sent('red', opening('udp'))]).toEqual([DENIED, 'passed']);
  });

  it('does not match L4 ports of another set that reused their slots', () => {
    const node = nodeWith({ rules: [everyPort('tcp', 'allow')] });
    expect(node.sent('red', opening('tcp'))).toBe('passed');
    const entry = encode(steering.PolicyPort, { set: 0xffffff, first: 0, flags: 1, policy: 1, rank: 1 });
    node.map('sg_pol_ports').update(u32(node.policies.nextPlace - 1), entry);
    expect(node.sent('red', opening('tcp'))).toBe(MISMATCH);
  });

  it('affects its pair alone', () => {
    const node = new NetworkNode({ is_hypervisor: false });
    const set = node.policies.give(RED, BLUE, {
      sources: ['10.0.0.0/24'],
      rules: [{ source: 1, protocol: 'tcp', ports: [allow(0)] }],
    });
    node.policies.give(BLUE, RED, {
      sources: ['10.0.0.0/24'],
      rules: [{ source: 1, protocol: 'tcp', ports: [allow(0)] }],
    });
    expect(node.sent('red', opening('tcp'))).toBe('passed');
    expect(node.sent('blue', opening('tcp', 80, '10.1.0.2', '10.0.0.1'))).toBe(MISMATCH);
    const key = { ...prefixOf('10.0.0.0/24'), set };
    node.map('sg_pol_src').delete(encode(steering.ClassKey, key));
    expect(node.sent('red', opening('tcp'))).toBe(MISMATCH);
  });
});
