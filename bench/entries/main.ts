/**
 * The fast path's entries: from a plan in memory to the maps, adopted, purged, and one port that moves: `make bench
 * BENCH="--only entries"`, or `node build/bench/entries/main.js --help`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RUN_ROOT } from '../../src/agent/instance.js';
import { GENERATION } from '../../src/ebpf/generation.js';
import { describeMachine } from '../lib/machine.js';
import { numberOption } from '../lib/options.js';
import { runNode } from '../lib/processes.js';
import { session, writeJson } from '../lib/session.js';
import { percentile, spread } from '../lib/statistics.js';
import { tell } from '../lib/tell.js';
import { intentFile, makeIntent, SELF } from '../lib/workload.js';
import { makeStand } from './stand.js';
import type { Intent } from '../../src/intent/types.js';
import type { FloorResult } from './floor.js';
import type { LoadResult } from './load.js';
import type { EntryMoveResult } from './move.js';
import type { EntriesResults, EntryMoves, LoadFigures } from './results.js';

const USAGE = `usage: node build/bench/entries/main.js [options]      (make bench BENCH="--only entries")
  --ports N    remote ports (1000000)            --rounds N   rounds of each series (3)
  --moves N    measured moves per round (1000)   --checked N  moves after which the whole map is compared (3)
  --json FILE  result file
`;
const TENANTS = 256;
const NODES = 1000;
/** V8's own bound is too low for reading a million ports. */
const NODE_FLAGS = ['--expose-gc', '--max-old-space-size=8192'];

const LOAD = new URL('./load.js', import.meta.url);
const FLOOR = new URL('./floor.js', import.meta.url);
const MOVE = new URL('./move.js', import.meta.url);

interface Place {
  netns: string;
  pins: string;
  directory: string;
}

interface Round {
  cold: LoadResult;
  adopt: LoadResult;
  floor: FloorResult;
  purge: LoadResult;
}

function fileOf({ directory }: Place, remotePorts: number): { file: string; intent: Intent } {
  const intent = makeIntent({ remotePorts, tenants: TENANTS, nodes: NODES, placement: 'dealt' });
  const file = join(directory, `${remotePorts}.json`);
  writeFileSync(file, intentFile(intent));
  return { file, intent };
}

/** @throws Error when something was not brought about, or was done twice */
async function oneRound({ netns, pins }: Place, file: string, remotePorts: number): Promise<Round> {
  const load = async (what: 'load' | 'purge'): Promise<LoadResult> => {
    const result = await runNode<LoadResult>(LOAD, [netns, pins, file, what], { flags: NODE_FLAGS });
    if (result.failures.length > 0) throw new Error(`${what}: ${result.failures.slice(0, 3).join('; ')}`);
    if (result.secondChanges > 0) throw new Error(`${what}, a look after it: ${result.secondChanges} changes`);
    return result;
  };
  const cold = await load('load');
  const floor = await runNode<FloorResult>(FLOOR, [`${pins}/maps_${GENERATION}/sg_endpoints`]);
  // A local port of each tenant, and its gateway.
  if (floor.entries !== remotePorts + 2 * TENANTS) {
    throw new Error(`${floor.entries} members in the map: expected ${remotePorts + 2 * TENANTS}`);
  }
  const adopt = await load('load');
  const { create, replace } = adopt.done;
  if (create + replace + adopt.done.delete > 0) throw new Error('adoption changed what was there');
  return { cold, floor, adopt, purge: await load('purge') };
}

async function moves(place: Place, sizes: readonly number[], options: Options): Promise<EntryMoves[]> {
  const results = new Map<number, EntryMoveResult[]>(sizes.map((size) => [size, []]));
  for (let round = 1; round <= options.rounds; round++) {
    for (const size of sizes) {
      tell(`entries: one port moves among ${size}, round ${round} of ${options.rounds}`);
      const { netns, pins } = place;
      const { file } = fileOf(place, size);
      const args = [netns, pins, file, String(options.moves), String(round === 1 ? options.checked : 0)];
      const result = await runNode<EntryMoveResult>(MOVE, args, { quiet: true, flags: NODE_FLAGS });
      if (result.wrong.length > 0) throw new Error(`a move: ${result.wrong.slice(0, 3).join('; ')}`);
      results.get(size)?.push(result);
      await runNode<LoadResult>(LOAD, [netns, pins, file, 'purge']);
    }
  }
  return [...results].map(([remotePorts, of]) => {
    const all = of.flatMap(({ latencies }) => latencies);
    const at = (fraction: number) => percentile(all, fraction);
    return {
      remotePorts,
      latency: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1), count: all.length },
      p50: spread(of.map(({ latencies }) => percentile(latencies, 0.5))),
      p99: spread(of.map(({ latencies }) => percentile(latencies, 0.99))),
      checked: of.reduce((sum, { checked }) => sum + checked, 0),
      wrong: of.flatMap(({ wrong }) => wrong),
    };
  });
}

function figures(results: readonly LoadResult[]): LoadFigures {
  const of = (field: 'total' | 'diff' | 'execute' | 'cpu' | 'held' | 'peakMiB') =>
    spread(results.map((result) => result[field]));
  return {
    total: of('total'),
    diff: of('diff'),
    execute: of('execute'),
    cpu: of('cpu'),
    held: of('held'),
    peakMiB: of('peakMiB'),
  };
}

interface Options {
  ports: number;
  rounds: number;
  moves: number;
  checked: number;
}

async function measure(place: Place, intent: Intent, file: string, options: Options): Promise<EntriesResults> {
  const machine = describeMachine();
  const rounds: Round[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    tell(`entries: ${options.ports} remote ports, round ${round} of ${options.rounds}`);
    rounds.push(await oneRound(place, file, options.ports));
  }
  const of = (value: (round: Round) => number) => spread(rounds.map(value));
  const names = Object.keys(rounds[0]?.cold.kinds ?? {});
  const took = ({ cold }: Round, name: string): number => {
    const times = cold.kinds[name];
    return times === undefined ? 0 : times.list + times.apply;
  };
  return {
    machine,
    remotePorts: options.ports,
    tenants: intent.tenants.length,
    nodes: intent.nodes.length,
    rounds: options.rounds,
    entries: rounds[0]?.cold.done.create ?? 0,
    members: rounds[0]?.floor.entries ?? 0,
    loadMs: of(({ cold }) => cold.load),
    planMs: of(({ cold }) => cold.plan),
    cold: figures(rounds.map(({ cold }) => cold)),
    kinds: Object.fromEntries(names.map((name) => [name, of((round) => took(round, name))])),
    second: of(({ cold }) => cold.second),
    secondCpu: of(({ cold }) => cold.secondCpu),
    adopt: figures(rounds.map(({ adopt }) => adopt)),
    floorWrite: of(({ floor }) => floor.write),
    floorRead: of(({ floor }) => floor.read),
    heapMiB: of(({ cold }) => cold.heapMiB),
    purge: of(({ purge }) => purge.total),
    moves: await moves(place, [...new Set([Math.ceil(options.ports / 100), options.ports])], options),
  };
}

const { values } = parseArgs({
  options: {
    ports: { type: 'string' },
    rounds: { type: 'string' },
    moves: { type: 'string' },
    checked: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else {
  const options: Options = {
    ports: numberOption('ports', values.ports, 1_000_000),
    rounds: numberOption('rounds', values.rounds, 3),
    moves: numberOption('moves', values.moves, 1000),
    checked: numberOption('checked', values.checked, 3),
  };
  const directory = mkdtempSync(join(tmpdir(), 'segue-bench-'));
  try {
    await session(async (names) => {
      const place: Place = { netns: '', pins: join(names.bpffs(), 'segue'), directory };
      const { file, intent } = fileOf(place, options.ports);
      const local = intent.ports.filter(({ node }) => node === SELF).map((port) => port.interface);
      place.netns = await makeStand(names.next(), intent.sidBlock, local);
      const results = await measure(place, intent, file, options);
      if (values.json !== undefined) writeJson(values.json, results);
      else process.stdout.write(`${JSON.stringify(results, null, 1)}\n`);
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
    rmSync(join(RUN_ROOT, SELF), { recursive: true, force: true });
  }
}
