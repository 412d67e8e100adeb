/** The packet benchmark: `make bench BENCH="--only packets"`, or `node build/bench/packets/main.js --help`. */
import { availableParallelism } from 'node:os';
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { RowCollector } from '../lib/rows.js';
import { session, writeJson } from '../lib/session.js';
import { measurePackets } from './measure.js';
import { parseOptions, USAGE } from './options.js';
import { flowSettings, fullRateSettings, searchSettings } from './settings.js';
import { describePaths } from '../paths/path.js';
import type { Results } from '../lib/rows.js';

if (process.argv.includes('--help')) {
  process.stdout.write(USAGE);
} else {
  const options = parseOptions(process.argv.slice(2));
  await session(async (names) => {
    const started = performance.now();
    const machine = describeMachine();
    const before = await busyProcessors(machine.processors);
    const collector = new RowCollector();
    const fullRate =
      options.flows === undefined ? fullRateSettings(options.smoke) : flowSettings(options.flows, options.flowOptions);
    const search = options.flows === undefined ? searchSettings(options.smoke) : [];
    const what = { fullRate, search, endpoints: options.flowOptions.endpoints };
    await measurePackets(names, { ...options, ...what, cpus: availableParallelism() }, collector);
    const paths = describePaths(options.paths);
    const seconds = Math.round((performance.now() - started) / 1000);
    const busy = { before, after: await busyProcessors(machine.processors) };
    const results: Results = { machine, busy, rounds: options.rounds, seconds, paths, rows: collector.rows };
    if (options.json !== undefined) writeJson(options.json, results);
  });
}
