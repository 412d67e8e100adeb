/** Packets by way of a network node: `make bench BENCH="--only steer"`, or `node build/bench/steer/main.js --help`. */
import { availableParallelism } from 'node:os';
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { RowCollector } from '../lib/rows.js';
import { session, writeJson } from '../lib/session.js';
import { describePaths } from '../paths/path.js';
import { measureSteer } from './measure.js';
import { flowSettings } from '../packets/settings.js';
import { parseOptions, USAGE } from './options.js';
import type { Results } from '../lib/rows.js';
import type { Traffic } from '../packets/settings.js';

const MANY_FLOWS = 1024;

function settings(smoke: boolean): Traffic[] {
  const base: Traffic = { family: 4, frameBytes: 64, flows: 1, source: 'xdp' };
  const both: Traffic[] = [base, { ...base, family: 6 }];
  return smoke ? both : [...both, { ...base, flows: MANY_FLOWS }, { ...base, frameBytes: 1400 }];
}

if (process.argv.includes('--help')) {
  process.stdout.write(USAGE);
} else {
  const options = parseOptions(process.argv.slice(2));
  await session(async (names) => {
    const started = performance.now();
    const machine = describeMachine();
    const before = await busyProcessors(machine.processors);
    const rows = new RowCollector();
    const { paths, rounds, milliseconds, smoke, flows, flowOptions } = options;
    const chosen = flows === undefined ? settings(smoke) : flowSettings(flows, flowOptions);
    const { endpoints } = flowOptions;
    const what = { paths, rounds, milliseconds, settings: chosen, endpoints, cpus: availableParallelism() };
    await measureSteer(names, what, rows);
    const results: Results = {
      machine,
      busy: { before, after: await busyProcessors(machine.processors) },
      rounds,
      seconds: Math.round((performance.now() - started) / 1000),
      paths: describePaths(paths),
      rows: rows.rows,
    };
    if (options.json !== undefined) writeJson(options.json, results);
  });
}
