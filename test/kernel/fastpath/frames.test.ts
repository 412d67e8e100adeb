/**
 * Frames on a real interface with a tag or an address that a test run cannot show: the kernel removes tags before tcx,
 * and classifies frames by their destination.
 */
import { describe, expect, it, onTestFinished } from 'vitest';
import { attachTcx } from 'libbpf-ts';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { run } from '../libbpf/harness.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import { Bench, GATEWAYS, MACS, SIDS } from './bench.js';
import { encapsulated, ethernet, ip4, ip6, tagged } from './packets.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';

/** A bench with a program at its interface. Those that it redirects to are made up: nothing leaves. */
function attached(program: BpfProgramName): Bench {
  const bench = new Bench();
  const { ifindex, netns } = bench;
  const link = attachTcx(bench.program(program), { interface: ifindex, netns, direction: 'ingress' });
  onTestFinished(() => {
    link.close();
  });
  return bench;
}

/** What was counted of frames that a program's interface received. */
function received(program: BpfProgramName, make: (own: string) => readonly Buffer[]): Record<string, number> {
  const bench = attached(program);
  if (program === 'port_tc') run(bench.netns, 'ip', 'link', 'set', 'v0', 'address', MACS.port);
  sendFrames(bench.netns, 'v1', make(macOf(bench.netns, 'v0')));
  const counted = reasonCounts(bench.maps).filter(({ packets }) => packets > 0);
  return Object.fromEntries(counted.map(({ verdict, reason, packets }) => [`${verdict} ${reason}`, packets]));
}

const PACKETS = [ip4(), ip6()];

it('the port forwards frames from the VM', () => {
  const counted = received('port_tc', () =>
    PACKETS.map((packet) => ethernet(packet, { to: MACS.port, from: MACS.vm })),
  );
  expect(counted).toEqual({ 'forward forwarded': 2 });
});

it('the port forwards no tagged frame from the VM', () => {
  const counted = received('port_tc', () =>
    PACKETS.map((packet) => tagged(ethernet(packet, { to: MACS.port, from: MACS.vm }), 5)),
  );
  expect(counted).toEqual({ 'drop vlan': 2 });
});

const arriving = (): Buffer[] =>
  [ip4({ from: '10.0.0.2', to: '10.0.0.1' }), ip6({ from: 'cafe::2', to: 'cafe::1' })].map((inner) =>
    encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1'),
  );

it('the uplink decapsulates frames for its MAC address', () => {
  const counted = received('uplink_tc', (own) =>
    arriving().map((packet) => ethernet(packet, { to: own, from: MACS.router })),
  );
  expect(counted).toEqual({ 'forward forwarded': 2 });
});

it.each([
  ['of a VLAN that is not the uplink', (frame: Buffer) => tagged(frame, 5), { 'pass vlan': 2 }],
  [
    'for another machine',
    (frame: Buffer) => Buffer.concat([Buffer.from('0200000000ee', 'hex'), frame.subarray(6)]),
    { 'pass host': 2 },
  ],
])('the uplink leaves frames %s to the kernel', (_what, alter, expected) => {
  const counted = received('uplink_tc', (own) =>
    arriving().map((packet) => alter(ethernet(packet, { to: own, from: MACS.router }))),
  );
  expect(counted).toEqual(expected);
});

/** The kernel makes an IPv6 address local in a work queue (addrconf_dad_work), some time after it was added. */
function untilLocal(netns: string, address: string): void {
  const end = performance.now() + 60_000;
  while (!run(netns, 'ip', '-6', 'route', 'show', 'table', 'local').includes(`local ${address} `)) {
    if (performance.now() > end) throw new Error(`${address} did not become local`);
  }
}

describe.each<BpfProgramName>(['port_tc', 'ndp_responder_tc'])('a frame that %s leaves to the kernel', (program) => {
  /** Datagrams to the gateway's own addresses, which only the kernel can have taken: no socket waits for them. */
  const taken = (to: string): number => {
    const bench = attached(program);
    run(bench.netns, 'ip', 'link', 'set', 'v0', 'address', MACS.port);
    for (const address of GATEWAYS) run(bench.netns, 'ip', 'address', 'add', address, 'dev', 'v0', 'nodad');
    const [to4, to6] = GATEWAYS;
    untilLocal(bench.netns, to6);
    sendFrames(bench.netns, 'v1', [
      ethernet(ip4({ to: to4 }), { to, from: MACS.vm }),
      ethernet(ip6({ to: to6 }), { to, from: MACS.vm }),
    ]);
    const counters = run(bench.netns, 'cat', '/proc/net/snmp', '/proc/net/snmp6');
    const [, noPorts = '0'] = /^Udp: \d+ (\d+)/m.exec(counters) ?? [];
    // The checksum of the made datagram is zero, which IPv6 does not know: it is an error of the kernel's own UDP.
    const [, errors6 = '0'] = /^Udp6InErrors\s+(\d+)/m.exec(counters) ?? [];
    return Number(noPorts) + Number(errors6);
  };

  it.each([
    ["the gateway's", MACS.port, 2],
    ['the one that the VM may have cached', MACS.formerPort, 2],
    ["another's", '02:00:00:00:00:ee', 0],
  ])('is accepted by its destination MAC address: %s', (_whose, to, packets) => {
    expect(taken(to)).toBe(packets);
  });
});
