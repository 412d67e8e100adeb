/**
 * Packets by number of flows, over as many endpoints as a cloud has: where what a CPU remembers no longer holds all flows. Every path
 * does equal work: as many routes as segue has entries. `make bench BENCH="--only flows"`, or `node build/bench/flows/main.js --help`.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { numberOption, numbersOption } from '../lib/options.js';
import { RowCollector } from '../lib/rows.js';
import { session, writeJson } from '../lib/session.js';
import { measurePackets } from '../packets/measure.js';
import { ENDPOINTS_MAX } from '../packets/options.js';
import { flowSettings } from '../packets/settings.js';
import { pathsNamed, COMPARED_PATHS, NATIVE_PATHS } from '../paths/all.js';
import { describePaths } from '../paths/path.js';
import { measureSteer } from '../steer/measure.js';
import { NATIVE_STEER_PATHS, plainConntrack } from '../steer/paths.js';
import type { Claim } from '../lib/claim.js';
import type { Results } from '../lib/rows.js';
import type { Traffic } from '../packets/settings.js';
import type { Path } from '../paths/path.js';
import type { FlowsResults } from './results.js';

const USAGE = `usage: node build/bench/flows/main.js [options]      (make bench BENCH="--only flows")
  --flows N,N     numbers of flows (1,1024,4096,16384,32768,262144)
  --endpoints N   addresses with a route or map entry each (1000000; setting up takes minutes)
  --rounds N      rounds, all paths in each (3)      --milliseconds N   duration of a measurement (500)
  --json FILE     result file                        --smoke            few flows and endpoints, once
`;

const FLOWS = [1, 1024, 4096, 16_384, 32_768, 262_144];
const ENDPOINTS = 1_000_000;
const PATHS = ['ceiling', 'ceiling-tcx', 'minimal', 'plain', 'seg6-encap-red', 'segue-tcx', 'segue-xdp'];

interface Options {
  flows: number[];
  endpoints: number;
  rounds: number;
  milliseconds: number;
}

/** Each number of flows at random, and the largest by Zipf's law, too. */
function settings({ flows, endpoints }: Options): Traffic[] {
  return [
    ...flowSettings(flows, { spread: 'uniform', endpoints }),
    ...flowSettings([Math.max(...flows)], { spread: 'zipf', endpoints }),
  ];
}

async function measured(
  options: Options,
  paths: readonly Path[],
  measure: (rows: RowCollector) => Promise<void>,
): Promise<Results> {
  const started = performance.now();
  const machine = describeMachine();
  const before = await busyProcessors(machine.processors);
  const rows = new RowCollector();
  await measure(rows);
  return {
    machine,
    busy: { before, after: await busyProcessors(machine.processors) },
    rounds: options.rounds,
    seconds: Math.round((performance.now() - started) / 1000),
    paths: describePaths(paths),
    rows: rows.rows,
  };
}

async function measureFlows(names: Claim, options: Options): Promise<FlowsResults> {
  const { rounds, milliseconds, endpoints, flows } = options;
  const cpus = availableParallelism();
  const paths = pathsNamed(PATHS, [...NATIVE_PATHS, ...COMPARED_PATHS]);
  const steerPaths = [...NATIVE_STEER_PATHS, plainConntrack];
  const same = { rounds, milliseconds, endpoints, cpus };
  const packets = await measured(options, paths, (rows) =>
    measurePackets(
      names,
      {
        ...{ ...same, paths, title: 'flows', fullRate: settings(options) },
        ...{ search: [], searchRounds: 0, precision: 1, trialsMax: 0 },
      },
      rows,
    ),
  );
  const steer = await measured(options, steerPaths, (rows) =>
    measureSteer(names, { ...same, paths: steerPaths, settings: settings(options) }, rows),
  );
  return { endpoints, flows, packets, steer };
}

const { values } = parseArgs({
  options: {
    flows: { type: 'string' },
    endpoints: { type: 'string' },
    rounds: { type: 'string' },
    milliseconds: { type: 'string' },
    json: { type: 'string' },
    smoke: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) {
  process.stdout.write(USAGE);
} else {
  const smoke = values.smoke === true;
  const options: Options = {
    flows: numbersOption('flows', values.flows, smoke ? [64] : FLOWS),
    endpoints: numberOption('endpoints', values.endpoints, smoke ? 1000 : ENDPOINTS),
    rounds: numberOption('rounds', values.rounds, smoke ? 1 : 3),
    milliseconds: numberOption('milliseconds', values.milliseconds, smoke ? 50 : 500),
  };
  if (options.endpoints > ENDPOINTS_MAX) {
    throw new RangeError(`--endpoints ${options.endpoints}: expected up to ${ENDPOINTS_MAX}`);
  }
  await session(async (names) => {
    const results = await measureFlows(names, options);
    if (values.json !== undefined) writeJson(values.json, results);
  });
}
