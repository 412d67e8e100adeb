/**
 * An uplink, a neighbour, a port that moves: what flows lose is bounded because the agent hears of it. How long it takes is
 * measured by bench/failover; here it must only come to an end while the flows still run.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FAILURES } from '../../../bench/failover/events.js';
import { measureFailure, measureMove } from '../../../bench/failover/measure.js';
import { FailoverNetwork } from '../../../bench/failover/network.js';

const path = (file: string): string => fileURLToPath(new URL(`../../../${file}`, import.meta.url));
const network = new FailoverNetwork(`sgf${process.pid}`, path('bin/segue'));
/** The event comes after a quarter of it. */
const LOAD = { program: path('build/native/seqflow'), flows: 32, packetsPerSecond: 2000, seconds: 5 };

beforeAll(() => network.build(), 120_000);
afterAll(() => network.remove());

// What the agent does is the same for both families; what a program does of it is not.
const CASES = FAILURES.map((event, index) => ({
  ...event,
  family: index % 2 === 0 ? ('v4' as const) : ('v6' as const),
}));

it.each(CASES)(
  '$name, $family: the flows of that way take the other',
  { timeout: 120_000 },
  async ({ family, ...event }) => {
    const { sent, lost, silenceMs } = await measureFailure(network, event, LOAD, family);
    expect(sent).toBe(LOAD.packetsPerSecond * LOAD.seconds);
    // Half of the flows go that way: lost to the end, they would be three eighths of all.
    expect(lost).toBeLessThan(sent / 4);
    expect(silenceMs).toBeLessThan(LOAD.seconds * 1000);
  },
);

it('a port that moves to another hypervisor is found there', { timeout: 120_000 }, async () => {
  const { sent, lost } = await measureMove(network, LOAD, 'v6');
  // To the end it would be three quarters.
  expect(lost).toBeLessThan(sent / 2);
});
