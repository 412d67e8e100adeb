/** The TCP benchmark: `make bench BENCH="--only tcp"`, or `node build/bench/tcp/main.js --help`. */
import { busyProcessors } from '../lib/busy.js';
import { describeMachine } from '../lib/machine.js';
import { RowCollector } from '../lib/rows.js';
import { session, writeJson } from '../lib/session.js';
import { parseOptions, USAGE } from './options.js';
import { measureTcp } from './measure.js';
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
    await measureTcp(names, options, collector);
    const paths = describePaths(options.paths);
    const seconds = Math.round((performance.now() - started) / 1000);
    const busy = { before, after: await busyProcessors(machine.processors) };
    const results: Results = { machine, busy, rounds: options.rounds, seconds, paths, rows: collector.rows };
    if (options.json !== undefined) writeJson(options.json, results);
  });
}
