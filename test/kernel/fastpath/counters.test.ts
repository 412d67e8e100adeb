/**
 * An interface with both programs, XDP and tcx: the counters add up to the arrived frames. Frames that XDP passes on,
 * TCP without its outer header among them, are counted by tcx.
 */
import { expect, it, onTestFinished, vi } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { attachTcx, attachXdp } from 'libbpf-ts';
import { sendFrames } from '../../netns/lib/raw.js';
import { run } from '../libbpf/harness.js';
import { randomOf, SEED } from '../steer/random.js';
import { mutate } from './broken.js';
import { buildCloud, corpus } from './cloud.js';
import type { Bench } from './bench.js';

const FRAMES = 6_000;
/** A veth's ring takes 256 (drivers/net/veth.c). */
const BATCH = 100;
const ETH = 14;
const LONGEST = 1514;

/** The kernel itself drops a frame that ends with its tag, before tcx (skb_vlan_untag in net/core/skbuff.c). */
function isSendable(frame: Buffer): boolean {
  const isTagged = [0x8100, 0x88a8].includes(frame.readUInt16BE(12));
  return frame.length > (isTagged ? ETH + 5 : ETH) && frame.length <= LONGEST;
}

function attach(bench: Bench, side: 'port' | 'uplink'): void {
  const at = { interface: bench.ifindex, netns: bench.netns };
  const tcx = bench.program(`${side}_tc`);
  const links = [
    attachTcx(tcx, { ...at, direction: 'ingress' }),
    attachXdp(bench.program(`${side}_xdp`), { ...at, mode: 'native' }),
  ];
  onTestFinished(() => {
    for (const link of links) link.close();
  });
  // A frame, a count: merged ones are one.
  run(bench.netns, 'ethtool', '-K', 'v0', 'gro', 'off');
}

it.each(['port', 'uplink'] as const)(`$0: ${FRAMES} frames of seed ${SEED}, each counted once`, async (side) => {
  const { bench } = buildCloud([]);
  attach(bench, side);
  const random = randomOf(SEED);
  const frames = corpus(side);
  const made = Array.from({ length: FRAMES }, () => mutate(frames[random(frames.length)] ?? Buffer.alloc(ETH), random));
  const sendable = made.filter(isSendable);
  expect(sendable.length).toBeGreaterThan(FRAMES / 2);
  const counted = (): number => reasonCounts(bench.maps).reduce((sum, { packets }) => sum + packets, 0);
  for (let first = 0; first < sendable.length; first += BATCH) {
    const batch = sendable.slice(first, first + BATCH);
    sendFrames(bench.netns, 'v1', batch);
    await vi.waitFor(
      () => {
        expect(counted()).toBe(first + batch.length);
      },
      { timeout: 60_000 },
    );
  }
  // All kinds of ends are among them.
  const ends = new Set(reasonCounts(bench.maps).flatMap(({ verdict, packets }) => (packets > 0 ? [verdict] : [])));
  expect(ends).toContain('forward');
  expect(ends).toContain('drop');
  expect(ends).toContain('punt');
});
