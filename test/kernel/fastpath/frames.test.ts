/** Frames on a real interface whose tag or address a test run cannot show: the kernel takes tags off before tcx, and sorts out whose frame it is. */
import { expect, it, onTestFinished } from 'vitest';
import { attachTcx } from '../../../src/libbpf/index.js';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { run } from '../libbpf/harness.js';
import { macOf, sendFrames } from '../../netns/lib/raw.js';
import { Bench, MACS, SIDS } from './bench.js';
import { encapsulated, ethernet, ip4, ip6 } from './packets.js';
import type { BpfProgramName } from '../../../src/ebpf/objects.js';

/** What was counted of frames that a program's interface received. */
function received(program: BpfProgramName, make: (own: string) => readonly Buffer[]): Record<string, number> {
  const bench = new Bench();
  // The interfaces that the bench redirects to are made up: nothing leaves.
  const link = attachTcx(bench.program(program), {
    interface: bench.ifindex,
    netns: bench.netns,
    direction: 'ingress',
  });
  onTestFinished(() => {
    link.close();
  });
  if (program === 'port') run(bench.netns, 'ip', 'link', 'set', 'v0', 'address', MACS.port);
  sendFrames(bench.netns, 'v1', make(macOf(bench.netns, 'v0')));
  const counted = reasonCounts(bench.maps).filter(({ packets }) => packets > 0);
  return Object.fromEntries(counted.map(({ verdict, reason, packets }) => [`${verdict} ${reason}`, packets]));
}

/** The frame with an 802.1Q tag of VLAN 5. */
function tagged(frame: Buffer): Buffer {
  return Buffer.concat([frame.subarray(0, 12), Buffer.from([0x81, 0, 0, 5]), frame.subarray(12)]);
}

const PACKETS = [ip4(), ip6()];

it('the port forwards frames of the VM', () => {
  const counted = received('port', () => PACKETS.map((packet) => ethernet(packet, { to: MACS.port, from: MACS.vm })));
  expect(counted).toEqual({ 'forward forwarded': 2 });
});

it('a tagged frame of the VM is of another network than the port: no packet of it leaves, tag or not', () => {
  const counted = received('port', () =>
    PACKETS.map((packet) => tagged(ethernet(packet, { to: MACS.port, from: MACS.vm }))),
  );
  expect(counted).toEqual({ 'punt not ip': 2 });
});

const arriving = (): Buffer[] =>
  [ip4({ from: '10.0.0.2', to: '10.0.0.1' }), ip6({ from: 'cafe::2', to: 'cafe::1' })].map((inner) =>
    encapsulated(inner, [SIDS.dt46], 'fd00:5e:2::1'),
  );

it('the uplink decapsulates frames for it', () => {
  const counted = received('uplink_tc', (own) =>
    arriving().map((packet) => ethernet(packet, { to: own, from: MACS.router })),
  );
  expect(counted).toEqual({ 'forward forwarded': 2 });
});

it.each([
  ['of a VLAN that is not the uplink', (frame: Buffer) => tagged(frame)],
  ['for another machine', (frame: Buffer) => Buffer.concat([Buffer.from('0200000000ee', 'hex'), frame.subarray(6)])],
])('the uplink leaves frames %s to the kernel', (_what, alter) => {
  const counted = received('uplink_tc', (own) =>
    arriving().map((packet) => alter(ethernet(packet, { to: own, from: MACS.router }))),
  );
  expect(counted).toEqual({});
});
