import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pinDirectory, RUN_ROOT } from '../../src/agent/instance.js';
import { CrashWorker, randomOf } from './lib/crash.js';
import { driftTopology } from './lib/drift-cases.js';
import { useNetwork } from './lib/network.js';
import { differencesOf, QUIET, snapshot } from './lib/snapshot.js';
import type { Finished } from './lib/crash.js';
import type { Intent } from '../../src/intent/types.js';
import { scopeTo } from '../../src/app/intent.js';

const GIVEN = process.env.SEGUE_CRASH_KILLS;
/** With eBPF maps, programs and links beside the kernel's objects; the wreck is of the same engine's making. */
const MODES: ['kernel' | 'hybrid', number][] = [
  ['kernel', Number(GIVEN ?? 6)],
  ['hybrid', Number(GIVEN ?? 3)],
];
/** Part of the kills that must have left a state half made (nine of ten do). Less, which chance does not bring about, says that the moments are wrong. */
const MIN_HALF_MADE = GIVEN === undefined ? 0.3 : 0.7;
/** A kill, the next apply and what is compared take some twenty seconds in the VM: SEGUE_CRASH_KILLS for more than the few of every run. */
const TIMEOUT_MS = 2_400_000;
/** After so many kills all is purged; then the next one begins with nothing. */
const KILLS_A_PURGE = 3;
/** Of so many one falls at any time between the command and the end, the others after any number of things done. */
const BY_TIME_EVERY = 10;
const WAYS = ['nothing to A', 'A to B', 'B to A'] as const;

describe.each(MODES)('kill -9 at a random moment of apply, %s', (dataplane, kills) => {
  const network = useNetwork(driftTopology({ dataplane: { hv1: dataplane } }), async (built) => {
    // The kernel keeps the rule of l3mdev that the first VRF of a namespace brings: it is there from now on.
    await built.shell('hv1', `ip link add fx type vrf table 7; ip link del fx; ${QUIET}`);
  });

  it(
    `${kills} times: the next apply converges, and purge leaves nothing`,
    async () => {
      const seed = Number(process.env.SEGUE_SEED ?? Date.now() % 1_000_000_007);
      const random = randomOf(seed);
      const config = network.config('hv1');
      const intents = { A: scopeTo(network.intent(), config.node), B: scopeTo(other(network.intent()), config.node) };
      const file = join(network.directory, 'crash.json');
      writeFileSync(file, JSON.stringify({ config, intents }));
      const clean = await snapshot(network, 'hv1');
      const purge = async (): Promise<void> => {
        expect((await network.purge('hv1')).failures).toEqual([]);
        expect(differencesOf(clean, await snapshot(network, 'hv1'))).toEqual({ gone: [], come: [] });
        expect(existsSync(join(RUN_ROOT, config.node))).toBe(false);
        expect(existsSync(pinDirectory(config.node))).toBe(false);
      };
      const left = async (name: 'A' | 'B'): Promise<number> => (await network.diff('hv1', intents[name])).length;

      // How much there is to do, and how long it takes, first from nothing, then from one intent to the other.
      const whole: Record<string, Finished & { changes: number }> = {};
      for (const [way, intent] of [
        [WAYS[0], 'A'],
        [WAYS[1], 'B'],
        [WAYS[2], 'A'],
      ] as const) {
        const changes = await left(intent);
        const worker = new CrashWorker(file);
        await worker.until('ready');
        whole[way] = { changes, ...(await worker.complete(intent)) };
        expect(worker.errors).toBe('');
      }
      await purge();

      let halfMade = 0;
      const fractions: number[] = [];
      let ready = new CrashWorker(file);
      for (let kill = 0; kill < kills; kill++) {
        const step = kill % KILLS_A_PURGE;
        const target = step === 1 ? 'B' : 'A';
        const { changes, things, ms } = whole[WAYS[step] ?? ''] ?? { changes: 0, things: 0, ms: 0 };
        const worker = ready;
        await worker.until('ready');
        if (kill % BY_TIME_EVERY === 0) await worker.killAfter(target, random() * ms);
        else await worker.dieAfter(target, 1 + Math.floor(random() * (things - 1)));
        // The next one loads while this one's wreck is looked at.
        if (kill + 1 < kills) ready = new CrashWorker(file);

        const after = await left(target);
        fractions.push(1 - after / changes);
        if (after > 0 && after < changes) halfMade += 1;
        const last = step === KILLS_A_PURGE - 1 || kill + 1 === kills;
        // Every other purge meets the wreck itself.
        if (!last || kill % 2 === 0) {
          await network.apply('hv1', intents[target]);
          expect(await left(target), `seed ${seed}, kill ${kill}: after the next apply`).toBe(0);
        }
        if (last) await purge();
      }
      console.log(`seed ${seed}: ${halfMade} of ${kills} half made; part of the changes done when killed, in tenths:`);
      console.log(`  ${tenths(fractions).join(' ')}`);
      console.log(`  a whole apply: ${JSON.stringify(whole)}`);
      expect(halfMade).toBeGreaterThanOrEqual(kills * MIN_HALF_MADE);
    },
    TIMEOUT_MS,
  );
});

/** Another intent for the same ports: other tenants' ids, other addresses, and so nearly every object another. */
function other(intent: Intent): Intent {
  const text = JSON.stringify({ ...intent, nodes: [] })
    .replaceAll('10.0.0.', '10.20.0.')
    .replaceAll('cafe::', 'beef::');
  const changed = JSON.parse(text) as Intent;
  return { ...changed, nodes: intent.nodes, tenants: changed.tenants.map((one) => ({ ...one, id: one.id + 1000 })) };
}

/** How many fall in 0, ]0, 0.1], ]0.1, 0.2], … ]0.9, 1[, 1. */
function tenths(fractions: readonly number[]): number[] {
  const counts = new Array<number>(12).fill(0);
  for (const fraction of fractions) {
    const slot = fraction <= 0 ? 0 : fraction >= 1 ? 11 : 1 + Math.min(9, Math.floor(fraction * 10));
    counts[slot] = (counts[slot] ?? 0) + 1;
  }
  return counts;
}
