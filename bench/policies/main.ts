/**
 * Many policies on a network node: from the intent file to the maps, memory, one policy's change, and what a packet costs: `make bench
 * BENCH="--only policies"`, or `node build/bench/policies/main.js --help`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { nodeDirectories } from '../../src/agent/instance.js';
import { makeStand } from '../entries/stand.js';
import { describeMachine } from '../lib/machine.js';
import { numberOption, numbersOption } from '../lib/options.js';
import { runNode } from '../lib/processes.js';
import { session, writeJson } from '../lib/session.js';
import { percentile, spread } from '../lib/statistics.js';
import { tell } from '../lib/tell.js';
import { HOSTS, intentJson, pairsOf, POLICIES_MAX, POLICIES_PER_PAIR, SID_BLOCK, TENANTS } from './intent.js';
import type { Claim } from '../lib/claim.js';
import type { Row } from '../micro/rows.js';
import type { PolicyLoad } from './load.js';
import type { Place } from './node.js';
import type { PoliciesResults, PolicySize } from './results.js';
import type { UpdateResult } from './update.js';

const USAGE = `usage: node build/bench/policies/main.js [options]      (make bench BENCH="--only policies")
  --policies N,N  numbers of policies (10,10000): multiples of ${POLICIES_PER_PAIR}, up to ${POLICIES_MAX}
  --rounds N      rounds of loading and packets (3)  --updates N   measured changes per round (20)
  --scale F       factor for packet counts (1)       --json FILE   result file
`;
const LOAD = new URL('./load.js', import.meta.url);
const UPDATE = new URL('./update.js', import.meta.url);
const PACKETS = new URL('./packets.js', import.meta.url);
const NODE_FLAGS = ['--expose-gc'];

interface Options {
  policies: number[];
  rounds: number;
  updates: number;
  scale: number;
}

interface Round {
  cold: PolicyLoad;
  adopted: PolicyLoad;
  updates: UpdateResult;
}

async function load(place: Place): Promise<PolicyLoad> {
  const result = await runNode<PolicyLoad>(LOAD, [JSON.stringify(place), 'load'], { flags: NODE_FLAGS });
  const { failures, secondChanges } = result;
  if (failures.length > 0) throw new Error(`${place.policies} policies: ${failures.slice(0, 3).join('; ')}`);
  if (secondChanges > 0) throw new Error(`${place.policies} policies, a look after it: ${secondChanges} changes`);
  return result;
}

async function purge(place: Place): Promise<void> {
  await runNode(LOAD, [JSON.stringify(place), 'purge'], { quiet: true });
}

/** From nothing, by another process, and one policy after the other. Everything stands afterwards, as the file has it. */
async function oneRound(place: Place, updates: number): Promise<Round> {
  await purge(place);
  const cold = await load(place);
  const adopted = await load(place);
  const { create, replace } = adopted.done;
  if (create + replace + adopted.done.delete > 0) throw new Error('adoption changed what was there');
  const args = [JSON.stringify(place), String(updates)];
  const updated = await runNode<UpdateResult>(UPDATE, args, { quiet: true, flags: NODE_FLAGS });
  await load(place);
  return { cold, adopted, updates: updated };
}

function sizeOf({ policies }: Place, rounds: readonly Round[]): PolicySize {
  const of = (value: (round: Round) => number) => spread(rounds.map(value));
  const latencies = rounds.flatMap(({ updates }) => updates.latencies);
  return {
    policies,
    pairs: pairsOf(policies).length,
    objects: rounds[0]?.cold.done.create ?? 0,
    loadMs: of(({ cold }) => cold.load),
    planMs: of(({ cold }) => cold.plan),
    applyMs: of(({ cold }) => cold.apply),
    cpuMs: of(({ cold }) => cold.cpu),
    adoptMs: of(({ adopted }) => adopted.load + adopted.plan + adopted.apply),
    peakMiB: of(({ cold }) => cold.peakMiB),
    agentMiB: of(({ updates }) => updates.rssMiB),
    policyMapsMiB: of(({ cold }) => cold.maps.policies),
    connectionMapsMiB: of(({ cold }) => cold.maps.connections),
    otherMapsMiB: of(({ cold }) => cold.maps.others),
    update: {
      ...{ p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), max: percentile(latencies, 1) },
      count: latencies.length,
    },
    updateP50: of(({ updates }) => percentile(updates.latencies, 0.5)),
  };
}

async function makePlaces(names: Claim, directory: string, policies: readonly number[]): Promise<Place[]> {
  const places: Place[] = [];
  for (const count of policies) {
    const prefix = names.next();
    const node = `bench-nn-${count}`;
    const file = join(directory, `${count}.json`);
    writeFileSync(file, intentJson(node, count));
    const netns = await makeStand(prefix, SID_BLOCK, []);
    places.push({ node, netns, pins: join(names.bpffs(), node), file, policies: count });
  }
  return places;
}

async function measure(places: readonly Place[], options: Options): Promise<PoliciesResults> {
  const machine = describeMachine();
  const rounds = new Map<Place, Round[]>(places.map((place) => [place, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const place of places) {
      tell(`policies: ${place.policies} on one network node, round ${round} of ${options.rounds}`);
      rounds.get(place)?.push(await oneRound(place, options.updates));
    }
  }
  tell('policies: cost of a packet');
  const args = [JSON.stringify(places), String(options.rounds), String(options.scale)];
  const { rows } = await runNode<{ rows: Row[] }>(PACKETS, args);
  return {
    ...{ machine, rounds: options.rounds, tenants: TENANTS, ports: TENANTS * HOSTS.length },
    sizes: [...rounds].map(([place, of]) => sizeOf(place, of)),
    packets: rows,
  };
}

const { values } = parseArgs({
  options: {
    policies: { type: 'string' },
    rounds: { type: 'string' },
    updates: { type: 'string' },
    scale: { type: 'string', default: '1' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else {
  const options: Options = {
    policies: numbersOption('policies', values.policies, [10, 10_000]),
    rounds: numberOption('rounds', values.rounds, 3),
    updates: numberOption('updates', values.updates, 20),
    scale: Number(values.scale),
  };
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-'));
  let places: Place[] = [];
  try {
    await session(async (names) => {
      places = await makePlaces(names, directory, options.policies);
      try {
        const results = await measure(places, options);
        if (values.json !== undefined) writeJson(values.json, results);
        else process.stdout.write(`${JSON.stringify(results, null, 1)}\n`);
      } finally {
        for (const place of places) await purge(place);
      }
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
    for (const path of places.flatMap(({ node }) => nodeDirectories(node)))
      rmSync(path, { recursive: true, force: true });
  }
}
