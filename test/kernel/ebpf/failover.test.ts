/**
 * Failure of an uplink or a neighbour, and a port that moves: the agent learns of it, and flows take another next hop.
 * bench/failover measures the duration; here the flows only have to arrive.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAILURES } from '../../../bench/failover/events.js';
import { sendThrough } from '../../../bench/failover/flows.js';
import { FailoverNetwork, RECEIVER } from '../../../bench/failover/network.js';
import type { Outcome } from '../../../bench/failover/flows.js';

const path = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const network = new FailoverNetwork(`sgf${process.pid}`, path('bin/segue'));
/** The event comes after a quarter of it. */
const LOAD = { program: path('build/native/seqflow'), flows: 32, packetsPerSecond: 2000, seconds: 1 };

beforeAll(() => network.build(), 120_000);
afterAll(() => network.remove());

// What the agent does is the same for both families; what a program does of it is not.
const CASES = FAILURES.map((event, index) => ({
  ...event,
  family: index % 2 === 0 ? ('v4' as const) : ('v6' as const),
}));

it.each(CASES)('$name, $family: flows take the other next hop', { timeout: 120_000 }, async ({ family, ...event }) => {
  const run = (receiver: 'receiver' | 'moved', strike?: () => Promise<void>): Promise<Outcome> =>
    sendThrough(network.netns('sender'), [network.netns(receiver)], { ...LOAD, address: RECEIVER[family] }, strike);
  await event.prepare?.(network);
  await network.waysAre('hv1', 2);
  await run('receiver', () => event.strike(network));
  await network.waysAre('hv1', 1);
  // Half of them went the way that is dead now.
  expect((await run('receiver')).flowsAbsent).toBe(0);
  await event.mend(network);
  await network.waysAre('hv1', 2);
  expect((await run('receiver')).flowsAbsent).toBe(0);
});

it('a port that moves to another hypervisor and back receives all flows', { timeout: 120_000 }, async () => {
  for (const [node, vm] of [
    ['hv3', 'moved'],
    ['hv2', 'receiver'],
  ] as const) {
    await sendThrough(
      network.netns('sender'),
      ['receiver', 'moved'].map((name) => network.netns(name)),
      { ...LOAD, address: RECEIVER.v6 },
      async () => {
        network.move(node);
        await network.receives(vm, RECEIVER.v6);
      },
    );
    const after = await sendThrough(network.netns('sender'), [network.netns(vm)], { ...LOAD, address: RECEIVER.v6 });
    expect(after.flowsAbsent, node).toBe(0);
  }
});
