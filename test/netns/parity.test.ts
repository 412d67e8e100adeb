/**
 * The fast path and the kernel path treat the same packets alike, valid and malformed ones, except for the differences
 * that native/parity/compare.h names. The seed is printed; SEGUE_SEED=n repeats a run.
 */
import { cpSync, mkdirSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { objectPath, PROGRAM_NAMES } from '../../src/ebpf/programs.js';
import { compileAltered, MUTANTS } from '../kernel/fastpath/mutants.js';
import { useNetwork } from './lib/network.js';
import { Parity, PLACES } from './lib/parity.js';
import { selftestTopology } from './lib/topologies.js';
import type { TestNetwork } from './lib/network.js';

const PACKETS = 200_000;
const MUTANT_PACKETS = 5_000;
/** The same packets every time, so that a change is judged by what it changes; SEGUE_SEED=random tries others. */
const GIVEN_SEED = process.env.SEGUE_SEED ?? '133801553404118';
const SEED = GIVEN_SEED === 'random' ? String(randomInt(2 ** 47)) : GIVEN_SEED;
/** Mistakes in programs of the port; more of them are found by test/kernel/fastpath/fuzz.test.ts. */
const WRONG = MUTANTS.filter(({ name }) =>
  ["another tenant's table", 'the TTL off by one', 'the checksum off'].includes(name),
);

async function programmed(network: TestNetwork): Promise<void> {
  await network.applyAll();
  for (const to of ['10.0.0.2', 'cafe::2']) await network.ping('t100-1', to);
  await network.applyAll();
}

describe(`parity, seed ${SEED}`, () => {
  const fast = useNetwork(selftestTopology({ dataplane: { hv1: 'hybrid', hv2: 'hybrid' } }), programmed);
  const kernel = useNetwork(selftestTopology(), programmed);
  let parity: Parity;

  beforeAll(async () => {
    parity = await Parity.prepare(fast, kernel);
  });

  it(`fast path and kernel path treat ${PACKETS} packets alike`, () => {
    const { compared, findings } = parity.run(SEED, PACKETS);
    process.stdout.write(`parity: seed ${SEED} ${JSON.stringify(compared)}\n`);
    expect(findings).toBe('');
    expect(compared).toMatchObject({ packets: PACKETS, found: 0, strange: [0, 0] });
    // It compared something: many arrive at each place, and many are refused.
    for (const [at, place] of PLACES.entries()) {
      expect([place, (compared.arrived[at] ?? 0) > PACKETS / 50]).toEqual([place, true]);
    }
    expect(compared.neither).toBeGreaterThan(PACKETS / 50);
    // Every difference with a name is one that there is; one bit of one byte makes the rare one.
    const unseen = Object.entries(compared.differences).filter(
      ([name, packets]) => packets === 0 && name !== 'outer source',
    );
    expect(unseen.map(([name]) => name)).toEqual([]);
  });

  it.each(WRONG)('detects a faulty program: $name', async (mutant) => {
    const directory = join(fast.directory, mutant.file.replaceAll('/', '-') + mutant.name.length);
    mkdirSync(directory);
    for (const name of PROGRAM_NAMES) cpSync(objectPath(name), join(directory, `${name}.o`));
    compileAltered(directory, ['port_tc'], [mutant]);
    process.env.SEGUE_BPF_OBJECTS = directory;
    try {
      await fast.apply('hv1');
      const { compared, findings } = parity.run(SEED, MUTANT_PACKETS);
      expect(compared.found).toBeGreaterThan(0);
      expect(findings).toMatch(/^parity: seed \d+ packet \d+, /);
    } finally {
      delete process.env.SEGUE_BPF_OBJECTS;
      await fast.apply('hv1');
    }
  });
});
