/**
 * Floods do not displace connections of others: a million new connections of one pair of zones, of each protocol, from
 * a tenant or from outside, while another pair's connections and the flooding pair's own are idle.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BpfObject, TestRun } from 'libbpf-ts';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { CtState } from '../../../src/ebpf/generated/steering.js';
import { ethernet, IP, ip4, tcp, udp } from '../fastpath/packets.js';
import { bpffs, objectPath, ROOT } from '../libbpf/harness.js';
import { echo, ECHO4 } from './icmp.js';
import { arriving, BUCKETS, MACS, NetworkNode, ZONES } from './node.js';
import { everyPort } from './policies.js';
import { counts } from './table.js';
import type { ZoneName } from './node.js';

const FLOOD = 1_000_000;
const IDLE = 1000;
const OWN = 100;
const [SYN, ACK] = [0x02, 0x10];
/** Bytes before the transport header: as a hypervisor sends a tenant's packet, and as it arrives from outside. */
const BEHIND_OUTER = 14 + 40 + 20;
const BEHIND_ETHERNET = 14 + 20;
/** Of all places, those that are given out (CT_LIMIT of bpf/state/conntrack.h). */
const LIMIT = BUCKETS * 8 * 0.75;
const REDIRECT = { xdp: 4, tc: 7 } as const;

const PROTOCOLS = ['tcp', 'udp', 'icmp', 'other'] as const;
/** Who floods whom, from where. */
const SOURCES = {
  tenant: { from: 'red', to: 'blue', address: '10.0.0.9', target: '10.1.0.2' },
  outside: { from: 'dc', to: 'red', address: '192.0.2.9', target: '10.0.0.1' },
} as const;
type Source = keyof typeof SOURCES;
type Kind = 'syn' | 'handshake' | 'udp' | 'answered' | 'icmp';

/** A network node, and the program of its external interface over the same maps, pinned. */
class Target {
  readonly node = new NetworkNode({ is_hypervisor: false });
  readonly #external: BpfObject;
  readonly #pins = bpffs();

  constructor() {
    const { node } = this;
    const maps = Object.fromEntries(node.object.mapNames.map((name) => [name, { reuse: node.map(name) }]));
    const external = BpfObject.open(objectPath('nn_external_tc'));
    for (const [name, how] of Object.entries(maps)) {
      if (external.mapNames.includes(name) && !name.startsWith('.')) external.configureMap(name, how);
    }
    external.setRodata({ is_hypervisor: false });
    external.load();
    this.#external = external;
    const rules = PROTOCOLS.map((protocol) => everyPort(protocol, 'allow'));
    for (const [from, to] of [
      ['red', 'blue'],
      ['blue', 'red'],
      ['dc', 'red'],
    ] as const) {
      node.policies.give(ZONES[from].id, ZONES[to].id, { rules });
    }
    node.addExternalSource('192.0.2.0/24');
    node.addRoute('dc', '10.0.0.0/24', 'red');
    node.addRoute('red', '192.0.2.0/24', 'dc');
    node.program.pin(`${this.#pins}/xdp`);
    external.program('segue_extern_tc').pin(`${this.#pins}/tc`);
  }

  close(): void {
    this.#external.close();
  }

  /** A frame as it gets there from a zone, with the place of its transport header. */
  frameOf(zone: ZoneName, packet: Buffer): { program: 'xdp' | 'tc'; at: number; frame: Buffer } {
    return zone === 'dc'
      ? { program: 'tc', at: BEHIND_ETHERNET, frame: ethernet(packet, { to: MACS.uplink, from: MACS.router }) }
      : { program: 'xdp', at: BEHIND_OUTER, frame: arriving(zone, packet) };
  }

  send(zone: ZoneName, packet: Buffer): boolean {
    const { program, frame } = this.frameOf(zone, packet);
    const of = program === 'tc' ? this.#external.program('segue_extern_tc') : this.node.program;
    return new TestRun(of, { data: frame }).run().verdict === REDIRECT[program];
  }

  /** Opens TCP connections, each with the whole handshake. @returns how many */
  open(from: ZoneName, to: ZoneName, source: string, target: string, ports: readonly number[]): number {
    return ports.filter((port) => {
      const out = (flags: number, sequence: number, acked: number): boolean => {
        const payload = tcp({ source: port, destination: 80, flags, sequence, acked, size: 0, window: 60_000 });
        return this.send(from, ip4({ from: source, to: target, protocol: IP.tcp, payload }));
      };
      const answer = tcp({
        ...{ source: 80, destination: port, flags: SYN | ACK, sequence: 500, acked: 101, size: 0, window: 60_000 },
      });
      if (!out(SYN, 100, 0)) return false;
      this.send(to, ip4({ from: target, to: source, protocol: IP.tcp, payload: answer }));
      return out(ACK, 101, 501);
    }).length;
  }

  flood(source: Source, kind: Kind): { passed: number; refused: number } {
    const { from, to, address, target } = SOURCES[source];
    const payloads = {
      tcp: tcp({ flags: SYN, size: 0, window: 60_000 }),
      udp: udp({ destination: 80 }),
      icmp: echo(ECHO4.request, 1),
    };
    const protocol = kind === 'icmp' ? 'icmp' : kind === 'udp' || kind === 'answered' ? 'udp' : 'tcp';
    const payload = payloads[protocol];
    const sides = [
      this.frameOf(from, ip4({ from: address, to: target, protocol: IP[protocol], payload })),
      ...(kind === 'handshake' || kind === 'answered'
        ? [this.frameOf(to, ip4({ from: target, to: address, protocol: IP[protocol], payload: answerOf(payload) }))]
        : []),
    ];
    const args = sides.flatMap(({ program, at, frame }) => [
      `${this.#pins}/${program}`,
      String(at),
      frame.toString('hex'),
    ]);
    const flood = join(ROOT, 'build/native/steerflood');
    return JSON.parse(execFileSync(flood, [kind, String(FLOOD), '7', ...args], { encoding: 'utf8' })) as {
      passed: number;
      refused: number;
    };
  }
}

/** With its ports the other way round. */
function answerOf(payload: Buffer): Buffer {
  const answer = Buffer.from(payload);
  payload.copy(answer, 0, 2, 4);
  payload.copy(answer, 2, 0, 2);
  return answer;
}

const portsFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first + index);

describe.each(['tenant', 'outside'] as const)('a flood from %s', (source) => {
  it.each(['syn', 'handshake', 'udp', 'answered', 'icmp'] as const)(
    'of %s displaces no connection of another pair',
    { timeout: 240_000 },
    (kind) => {
      const target = new Target();
      const { node } = target;
      const { from, to, address, target: flooded } = SOURCES[source];
      try {
        expect(target.open('blue', 'red', '10.1.0.2', '10.0.0.1', portsFrom(10_000, IDLE))).toBe(IDLE);
        expect(target.open(from, to, address, flooded, portsFrom(40_000, OWN))).toBe(OWN);
        const before = reasonCounts({ sg_verdicts: node.map('sg_verdicts') });
        const { passed, refused } = target.flood(source, kind);
        // Nobody's established connection is gone.
        const open = (zone: ZoneName): number =>
          node.connections(zone).filter(({ state, key }) => state === CtState.CT_ESTABLISHED && key.protocol === IP.tcp)
            .length;
        expect(open('blue')).toBe(IDLE);
        if (kind !== 'handshake') expect(open(from)).toBe(OWN);
        for (const port of [10_000, 10_500, 10_999]) {
          const payload = tcp({ source: 80, destination: port, sequence: 501, acked: 101, size: 10, window: 60_000 });
          const answer = ip4({ from: '10.0.0.1', to: '10.1.0.2', protocol: IP.tcp, payload });
          expect(target.send('red', answer)).toBe(true);
        }
        const own = tcp({ source: 40_050, destination: 80, sequence: 101, acked: 501, size: 10, window: 60_000 });
        expect(target.send(from, ip4({ from: address, to: flooded, protocol: IP.tcp, payload: own }))).toBe(true);
        // The other pair opens new ones.
        expect(target.open('blue', 'red', '10.1.0.2', '10.0.0.1', portsFrom(20_000, 200))).toBe(200);
        // What was refused is counted, once each, and so is what there is.
        const more = Object.fromEntries(
          reasonCounts({ sg_verdicts: node.map('sg_verdicts') }).map(({ reason, packets }, index) => [
            reason,
            packets - (before[index]?.packets ?? 0),
          ]),
        );
        expect(passed + refused).toBe(FLOOD);
        expect((more['connection quota'] ?? 0) + (more['connections full'] ?? 0)).toBe(refused);
        expect(more['connections full']).toBeLessThan(FLOOD / 1000);
        const { counted, recounted } = counts(node.connectionMaps);
        expect(counted).toEqual(recounted);
        const [halfOpen = 0, established = 0] = counted[`${ZONES[from].id} ${ZONES[to].id}`] ?? [];
        expect(halfOpen + established).toBeLessThanOrEqual(LIMIT / 2);
        expect(halfOpen).toBeLessThanOrEqual(LIMIT / 4);
      } finally {
        target.close();
      }
    },
  );
});
